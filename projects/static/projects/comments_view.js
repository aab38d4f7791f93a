import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { applyComment, commentsView } from "./comment_list.js";
import { ago } from "./dates.js";
import { confirmDanger } from "./dialog.js";
import { h, setChildren, setText } from "./dom.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./comment_list.js").CommentView} CommentView */

const LONGEST = 10_000;
const NOBODY = { id: "", name: "You", username: "" };

/** The comments in a task's sheet. */
export class CommentsView {
  /** @type {string | null} */
  #task = null;
  /** @type {import("./types.js").Comment[] | null} null while they are being read */
  #comments = null;
  /** @type {import("./types.js").BoardEvent[]} events that came while reading */
  #early = [];
  /** @type {Map<string, {drawn: string, element: HTMLElement}>} */
  #items = new Map();
  #list = h("ol", { class: "comments", role: "list" });
  #state = h("p", { class: "quiet-text" });
  #text = h("textarea", { class: "input", rows: 3, maxlength: LONGEST, "aria-label": "Write a comment", placeholder: "Write a comment" });
  #form = h("form", { class: "comment-form" }, this.#text, h("div", { class: "comment-form-actions" }, h("button", { type: "submit", class: "button small primary" }, "Comment")));

  /** @param {BoardModel} model */
  constructor(model) {
    this.model = model;
    this.element = h("section", { class: "sheet-comments", "aria-label": "Comments" }, h("h3", { class: "sheet-heading" }, "Comments"), this.#state, this.#list, this.#form);
    this.#form.addEventListener("submit", (event) => this.#send(event));
    this.#text.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && this.#send(event));
    model.listen({ event: (event) => this.#hear(event), changed: () => this.draw(), answered: (operation, answer) => this.#answered(operation, answer) });
  }

  get isDirty() {
    return this.#text.value.trim() !== "" || this.#list.querySelector("textarea") !== null;
  }

  /** @param {string | null} taskId */
  show(taskId) {
    this.#task = taskId;
    this.#text.value = "";
    this.#items.clear();
    this.#list.replaceChildren();
    void this.load();
  }

  async load() {
    const task = this.#task;
    this.#comments = null;
    this.#early = [];
    this.draw();
    if (!task) return;
    try {
      const comments = this.model.state.tasks.has(task) ? await readAll(`/api/tasks/${task}/comments/`) : []; // it is still being created
      if (this.#task === task) this.#comments = this.#early.reduce(applyComment, comments);
      this.draw();
    } catch {
      if (this.#task !== task) return;
      this.#state.textContent = "The comments could not be read. They are tried again when you come back.";
      setTimeout(() => this.#task === task && this.#comments === null && void this.load(), 5000);
    }
  }

  draw() {
    if (!this.#task) return;
    const me = this.model.person(this.model.options.userId) ?? NOBODY;
    const own = this.model.operations.filter((operation) => operation.task === this.#task && operation.kind.startsWith("comment."));
    const comments = commentsView(this.#comments ?? [], own, me);
    this.#form.hidden = !this.model.canWrite;
    setText(this.#state, this.#comments === null ? "Reading the comments…" : comments.length ? "" : "No comments yet.");
    setChildren(this.#list, comments.map((comment) => this.#item(comment)));
  }

  /** @param {CommentView} comment */
  #item(comment) {
    const drawn = JSON.stringify([comment, this.model.role]);
    const known = this.#items.get(comment.id);
    const editing = known?.element.querySelector("textarea");
    if (known && (known.drawn === drawn || editing)) return known.element;
    const element = this.#build(comment);
    this.#items.set(comment.id, { drawn, element });
    return element;
  }

  /** @param {CommentView} comment */
  #build(comment) {
    const { author, text, createdAt, updatedAt, pending } = comment;
    const when = pending && !createdAt ? "sending" : ago(createdAt, Date.now()) + (updatedAt > createdAt ? ", edited" : "");
    const head = h("header", { class: "comment-head" }, h("strong", {}, author.name), h("span", { class: "quiet-text" }, when), h("span", { class: "spring" }), ...this.#buttons(comment));
    return h("li", { class: pending ? "comment is-pending" : "comment" }, avatar(author), h("div", { class: "comment-body" }, head, h("p", { class: "comment-text" }, text)));
  }

  /** @param {CommentView} comment */
  #buttons(comment) {
    const { model } = this;
    if (!model.canWrite || comment.pending) return [];
    const mine = comment.author.id === model.options.userId;
    const button = (/** @type {string} */ text, /** @type {() => void} */ run) => h("button", { type: "button", class: "link-button", onclick: run }, text);
    const found = mine ? [button("Edit", () => this.#edit(comment))] : [];
    if (mine || model.role === "owner") found.push(button("Delete", () => void this.#delete(comment)));
    return found;
  }

  /** @param {CommentView} comment */
  #edit(comment) {
    const item = this.#items.get(comment.id)?.element;
    const text = h("textarea", { class: "input", rows: 3, maxlength: LONGEST, "aria-label": "Edit the comment" });
    text.value = comment.text;
    const finish = (/** @type {boolean} */ save) => {
      const words = text.value.trim();
      this.#items.delete(comment.id);
      if (save && words && words !== comment.text) this.model.ask("comment.update", { task: this.#task ?? "", comment: comment.id, text: words });
      this.draw();
    };
    const actions = h("div", { class: "comment-form-actions" }, h("button", { type: "button", class: "button small quiet", onclick: () => finish(false) }, "Cancel"), h("button", { type: "button", class: "button small primary", onclick: () => finish(true) }, "Save"));
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) finish(true);
      if (event.key !== "Escape") return;
      event.stopPropagation();
      finish(false);
    });
    item?.querySelector(".comment-text")?.replaceWith(text, actions);
    text.focus();
  }

  /** @param {CommentView} comment */
  async #delete(comment) {
    const agreed = await confirmDanger({ title: "Delete this comment?", text: "It goes for everybody, and there is no way back.", action: "Delete comment" });
    if (agreed) this.model.ask("comment.delete", { task: this.#task ?? "", comment: comment.id });
  }

  /** @param {Event} event */
  #send(event) {
    event.preventDefault();
    const text = this.#text.value.trim();
    if (!text || !this.#task) return;
    this.model.ask("comment.create", { task: this.#task, text });
    this.#text.value = "";
  }

  /** @param {import("./types.js").BoardEvent} event */
  #hear(event) {
    if (!event.event.startsWith("comment:") || event.data.taskId !== this.#task) return;
    if (this.#comments) this.#comments = applyComment(this.#comments, event);
    else this.#early.push(event);
  }

  /**
   * The answer may be ahead of its event; what it says is shown as soon as it is known.
   * @param {import("./pending.js").Operation} operation
   * @param {any} answer
   */
  #answered({ kind, task, comment }, answer) {
    if (task !== this.#task || !this.#comments) return;
    if (kind === "comment.delete") this.#comments = this.#comments.filter((one) => one.id !== comment);
    else if (kind === "comment.create") this.#comments = applyComment(this.#comments, { seq: 0, event: "comment:created", data: answer });
    else if (kind === "comment.update") this.#comments = applyComment(this.#comments, { seq: 0, event: "comment:updated", data: answer });
  }
}

/**
 * @param {string} path
 * @returns {Promise<import("./types.js").Comment[]>}
 */
async function readAll(path) {
  const found = [];
  for (let next = /** @type {string | null} */ (path); next; ) {
    const page = await call(next);
    found.push(...page.results);
    next = page.next && new URL(page.next, location.href).pathname + new URL(page.next, location.href).search;
  }
  return found;
}
