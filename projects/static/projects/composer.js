import { h, setAttribute, setText } from "./dom.js";
import { isComposing } from "./ime.js";
import { drawRoom, roomIn, textField } from "./text_field.js";
import { cardsIn, LIMITS, lengthOf } from "./texts.js";
import { toast } from "./toasts.js";

/** @typedef {{column: string, title: string, description: string}} NewCard */

/** More at once are no list that somebody wrote for a board. */
const MOST_CARDS = 100;

/**
 * The form for a new card at the end of a column; it stays open for the next one until Escape, and keeps its words for
 * the next time. A text of several lines can become as many cards, or one with a description.
 */
export class Composer {
  /** @type {string | null} */
  #column = null;
  #input = h("textarea", { class: "input", rows: 2, "aria-label": "Title of the new task", placeholder: "What is to be done?" });
  #add = h("button", { type: "submit", class: "button primary small" }, "Add task");
  #many = h("button", { type: "button", class: "button small", hidden: true, onclick: () => this.#send(cardsIn(this.#input.value).titles.map((title) => ({ title, description: "" }))) });
  #cancel = h("button", { type: "button", class: "button small quiet", onclick: () => this.#discard() }, "Cancel");
  #hint = h("p", { class: "counter", role: "status", hidden: true });

  /**
   * @param {import("./board_view.js").BoardView} view
   * @param {import("./drafts.js").Drafts} drafts
   * @param {(card: NewCard) => void} onAdd
   */
  constructor(view, drafts, onAdd) {
    this.view = view;
    this.drafts = drafts;
    this.onAdd = onAdd;
    this.field = textField({ name: "card", label: "the title", element: this.#input, limit: Infinity, quiet: true, drafts, save: () => false }).field;
    this.form = h("form", { class: "composer" }, this.#input, this.#hint, h("div", { class: "composer-actions" }, this.#add, this.#many, this.#cancel));
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.form.addEventListener("keydown", (event) => this.#key(event));
    this.form.addEventListener("focusout", (event) => this.#left(event));
    this.#input.addEventListener("input", () => this.#draw());
  }

  get isOpen() {
    return this.form.isConnected;
  }

  /** @param {string} columnId */
  open(columnId) {
    const place = this.view.column(columnId)?.querySelector(".column-scroll");
    if (!place) return;
    if (this.#column !== columnId) this.field.open(`card:${columnId}`, "");
    this.#column = columnId;
    place.append(this.form);
    this.#draw();
    this.#input.focus();
    this.form.scrollIntoView({ block: "nearest" });
  }

  /** Its words stay for the next time. */
  close() {
    this.form.remove();
    this.#column = null;
  }

  /** After each drawing of the board: where no card can be added any more, the words are where all such words are. */
  redrawn() {
    for (const button of this.view.root.querySelectorAll(".column-add")) {
      const column = button.closest("[data-column-id]")?.getAttribute("data-column-id");
      setAttribute(button, "data-draft", column !== this.#column && this.drafts.has(`card:${column}`));
    }
    if (!this.#column || (this.view.model.canWrite && this.view.column(this.#column))) return;
    if (this.field.isDirty) toast("No card can be added there any more. Your words are under “Not saved”.");
    this.close();
  }

  /** One card, and the room that is left in it. */
  get #card() {
    const { one } = cardsIn(this.#input.value);
    const [title, description] = [roomIn(one.title, LIMITS.title), roomIn(one.description, LIMITS.description)];
    const of = one.description ? { text: title.text && `Title: ${title.text}`, over: title.over } : title;
    return { ...one, room: of.text ? of : description };
  }

  #draw() {
    const { titles } = cardsIn(this.#input.value);
    const { room } = this.#card;
    const several = titles.length > 1;
    const each = titles.length <= MOST_CARDS && titles.every((title) => lengthOf(title) <= LIMITS.title);
    setText(this.#add, several ? "Add one card" : "Add task");
    setText(this.#many, `Add ${titles.length} cards`);
    setAttribute(this.#many, "hidden", !several || !each);
    const hint = several ? "One card: the first line is its title, the others are its description." : "";
    drawRoom(this.#hint, this.#input, room.text ? room : { text: hint, over: false });
    this.#input.rows = Math.min(8, Math.max(2, this.#input.value.split("\n").length));
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const { title, description, room } = this.#card;
    if (room.over || !title) return this.#input.focus();
    this.#send([{ title, description }]);
  }

  /** @param {{title: string, description: string}[]} cards */
  #send(cards) {
    const column = this.#column;
    if (!column) return;
    for (const card of cards) this.onAdd({ column, ...card });
    this.field.revert();
    this.#draw();
    this.#input.focus();
    requestAnimationFrame(() => this.form.scrollIntoView({ block: "nearest" }));
  }

  #discard() {
    this.field.discard();
    this.close();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (isComposing(event)) return;
    if (event.key === "Enter" && !event.shiftKey && event.target === this.#input) this.#submit(event);
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.close();
  }

  /** Left empty, it goes; with words in it, it stays. @param {FocusEvent} event */
  #left(event) {
    const inside = event.relatedTarget instanceof Node && this.form.contains(event.relatedTarget);
    if (!inside && !this.#input.value.trim() && document.hasFocus()) setTimeout(() => !this.form.contains(document.activeElement) && this.close());
  }
}
