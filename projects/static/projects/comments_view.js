import { call } from "./api.js";
import { avatar } from "./avatar.js";
import { applyComment, commentsView } from "./comment_list.js";
import { confirmDanger } from "./dialog.js";
import { h, setAttribute, setChildren, setText } from "./dom.js";
import { isComposing } from "./ime.js";
import { KeptNotes } from "./kept_panel.js";
import { refusedItems } from "./kept_words.js";
import { readingFailed } from "./notices.js";
import { agoMark } from "./passing_time.js";
import { findTask } from "./pending.js";
import { textField } from "./text_field.js";
import { LIMITS } from "./texts.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./comment_list.js").CommentView} CommentView */

const NOBODY = { id: "", name: "You", username: "" };

/** The comments in a task's sheet. */
export class CommentsView {
  /** @type {string | null} */
  #task = null;
  /** @type {import("./types.js").Comment[] | null} null while they are being read */
  #comments = null;
  /** What was said of the last reading stays until the next. */
  #failed = false;
  /** @type {import("./types.js").BoardEvent[]} events that came while reading */
  #early = [];
  /** @type {Map<string, {drawn: string, element: HTMLElement}>} */
  #items = new Map();
  /** Of comments that are being edited. @type {Map<string, import("./field.js").Field>} */
  #edits = new Map();
  #kept = h("div", { class: "kept-list" });
  #list = h("ol", { class: "comments", role: "list" });
  #state = h("p", { class: "quiet-text" });
  #text = h("textarea", { class: "input", rows: 3, "aria-label": "Write a comment", placeholder: "Write a comment", dir: "auto" });
  #submit = h("button", { type: "submit", class: "button small primary" }, "Comment");

  /** @param {import("./kept_note.js").KeptDeeds} deeds */
  constructor(deeds) {
    const { model, drafts } = deeds;
    this.model = model;
    this.drafts = drafts;
    this.keptNotes = new KeptNotes(deeds, true);
    const { field, counter } = textField({ name: "text", label: "the comment", element: this.#text, limit: LIMITS.comment, required: true, empties: true, unsent: ["Not sent yet.", "Send"], drafts, save: (text) => this.#send(text) });
    this.field = field;
    const form = h("form", { class: "comment-form" }, this.#text, counter, field.note, h("div", { class: "comment-form-actions" }, this.#submit));
    this.form = form;
    this.element = h("section", { class: "sheet-comments", "aria-label": "Comments" }, h("h3", { class: "sheet-heading" }, "Comments"), this.#state, this.#list, this.#kept, form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!field.send()) this.#text.focus();
    });
    model.listen({ event: (event) => this.#hear(event), changed: () => this.draw(), answered: (operation, answer) => this.#answered(operation, answer) });
  }

  get isDirty() {
    return this.field.isDirty || this.#list.querySelector("textarea") !== null;
  }

  /** @param {string | null} taskId */
  show(taskId) {
    this.#task = taskId;
    this.field.open(taskId ? `comment:${taskId}` : "", "");
    this.#items.clear();
    this.#edits.clear();
    this.#list.replaceChildren();
    void this.load();
  }

  async load() {
    const task = this.#task;
    this.#comments = null;
    this.#failed = false;
    this.#early = [];
    this.draw();
    if (!task) return;
    try {
      const comments = this.model.state.tasks.has(task) ? await readAll(`/api/tasks/${task}/comments/`) : []; // it is still being created
      if (this.#task === task) this.#comments = this.#early.reduce(applyComment, comments);
      this.draw();
    } catch (error) {
      if (this.#task !== task) return;
      this.#failed = true;
      this.#state.replaceChildren(...readingFailed("The comments", error));
      setTimeout(() => this.#task === task && this.#comments === null && void this.load(), 5000);
    }
  }

  readAgain() {
    if (this.#failed) void this.load();
  }

  draw() {
    if (!this.#task) return;
    const me = this.model.person(this.model.options.userId) ?? NOBODY;
    const own = this.model.operations.filter((operation) => operation.task === this.#task && operation.kind.startsWith("comment."));
    const comments = commentsView(this.#comments ?? [], own, me);
    const reading = !this.model.canWrite || !this.#isThere;
    this.field.setReading(reading);
    this.#text.readOnly = reading;
    setAttribute(this.#submit, "hidden", reading);
    setAttribute(this.form, "hidden", reading && !this.field.isDirty);
    if (!this.#failed) setText(this.#state, this.#comments === null ? "Reading the comments…" : comments.length ? "" : "No comments yet.");
    setChildren(this.#list, comments.map((comment) => this.#item(comment)));
    for (const field of this.#edits.values()) field.setReading(reading);
    setChildren(this.#kept, this.keptNotes.elements(this.#keptItems(comments)));
  }

  /** Words of this task's comments that were refused, or whose comment is gone. @param {CommentView[]} comments */
  #keptItems(comments) {
    const refused = refusedItems(this.model).filter(({ entry }) => entry?.operation.task === this.#task && entry.operation.kind.startsWith("comment."));
    const prefix = `edit:${this.#task}:`;
    const lost = this.drafts.all().filter(({ box }) => box.startsWith(prefix) && !comments.some(({ id }) => box === prefix + id));
    const stranded = lost.map(({ box, draft }) => ({ what: "The comment that you were changing", why: "it was deleted.", words: draft.words, task: this.#task, box }));
    return [...refused, ...(this.#comments ? stranded : [])];
  }

  get #isThere() {
    return findTask(this.model.view, this.#task ?? undefined) !== null;
  }

  /** @param {CommentView} comment */
  #item(comment) {
    const drawn = JSON.stringify([comment, this.model.role]);
    const known = this.#items.get(comment.id);
    const editing = known?.element.querySelector("textarea");
    if (known && (known.drawn === drawn || editing)) return known.element;
    const element = this.#build(comment);
    this.#items.set(comment.id, { drawn, element });
    if (this.model.canWrite && !comment.pending && this.drafts.has(this.#boxOf(comment))) this.#edit(comment);
    return element;
  }

  /** @param {CommentView} comment */
  #boxOf({ id }) {
    return `edit:${this.#task}:${id}`;
  }

  /** @param {CommentView} comment */
  #build(comment) {
    const { author, text, createdAt, updatedAt, pending } = comment;
    const when = pending && !createdAt ? ["sending"] : [agoMark(createdAt), updatedAt > createdAt && ", edited"];
    const head = h("header", { class: "comment-head" }, h("strong", {}, h("bdi", {}, author.name)), h("span", { class: "quiet-text" }, ...when), h("span", { class: "spring" }), ...this.#buttons(comment));
    return h("li", { class: pending ? "comment is-pending" : "comment" }, avatar(author), h("div", { class: "comment-body" }, head, h("p", { class: "comment-text", dir: "auto" }, text)));
  }

  /** @param {CommentView} comment */
  #buttons(comment) {
    const { model } = this;
    if (!model.canWrite || comment.pending) return [];
    const mine = comment.author.id === model.options.userId;
    const button = (/** @type {string} */ text, /** @type {() => void} */ run) => h("button", { type: "button", class: "link-button", onclick: run }, text);
    const found = mine ? [button("Edit", () => this.#edit(comment).focus())] : [];
    if (mine || model.role === "owner") found.push(button("Delete", () => void this.#delete(comment)));
    return found;
  }

  /** @param {CommentView} comment */
  #edit(comment) {
    const item = this.#items.get(comment.id)?.element;
    const text = h("textarea", { class: "input", rows: 3, "aria-label": "Edit the comment", dir: "auto" });
    const task = this.#task ?? "";
    const save = (/** @type {string} */ words) => {
      if (!this.model.canWrite) return false;
      this.model.ask("comment.update", { task, comment: comment.id, text: words.trim() });
    };
    const { field, counter } = textField({ name: "text", label: "the comment", element: text, limit: LIMITS.comment, required: true, quiet: true, drafts: this.drafts, save });
    const end = () => {
      this.#items.delete(comment.id);
      this.#edits.delete(comment.id);
      this.draw();
    };
    const saveAndEnd = () => (field.isDirty && !field.send() ? text.focus() : end());
    const cancel = () => {
      field.discard();
      end();
    };
    const button = (/** @type {string} */ name, /** @type {string} */ look, /** @type {() => void} */ run) => h("button", { type: "button", class: `button small ${look}`, onclick: run }, name);
    item?.querySelector(".comment-text")?.replaceWith(text, counter, field.note, h("div", { class: "comment-form-actions" }, button("Cancel", "quiet", cancel), button("Save", "primary", saveAndEnd)));
    field.open(this.#boxOf(comment), comment.text);
    this.#edits.set(comment.id, field);
    text.addEventListener("keydown", (event) => {
      if (isComposing(event)) return;
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) end();
      if (event.key !== "Escape") return;
      event.stopPropagation();
      if (field.isDirty) text.blur();
      else end();
    });
    return text;
  }

  /** @param {CommentView} comment */
  async #delete(comment) {
    const agreed = await confirmDanger({ title: "Delete this comment?", text: "It goes for everybody, and there is no way back.", action: "Delete comment" });
    if (agreed) this.model.ask("comment.delete", { task: this.#task ?? "", comment: comment.id });
  }

  /** @param {string} text */
  #send(text) {
    if (!this.#task || !this.model.canWrite || !this.#isThere) return false;
    this.model.ask("comment.create", { task: this.#task, text: text.trim() });
    return true;
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
