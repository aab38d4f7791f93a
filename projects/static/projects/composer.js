import { h } from "./dom.js";

const LONGEST_TITLE = 200;

/** The form for a new card at the end of a column; it stays open for the next one until Escape. */
export class Composer {
  /** @type {string | null} */
  #column = null;
  #input = h("textarea", { class: "input", rows: 2, maxlength: LONGEST_TITLE, "aria-label": "Title of the new task", placeholder: "What is to be done?" });
  #form = h("form", { class: "composer" }, this.#input,
    h("div", { class: "composer-actions" },
      h("button", { type: "submit", class: "button primary small" }, "Add task"),
      h("button", { type: "button", class: "button small quiet", onclick: () => this.close() }, "Cancel")));

  /**
   * @param {import("./board_view.js").BoardView} view
   * @param {(task: {column: string, title: string}) => void} onAdd
   */
  constructor(view, onAdd) {
    this.view = view;
    this.onAdd = onAdd;
    this.#form.addEventListener("submit", (event) => this.#submit(event));
    this.#form.addEventListener("keydown", (event) => this.#key(event));
    this.#form.addEventListener("focusout", (event) => this.#left(event));
  }

  get isOpen() {
    return this.#form.isConnected;
  }

  /** @param {string} columnId */
  open(columnId) {
    this.#column = columnId;
    const place = this.view.column(columnId)?.querySelector(".column-scroll");
    if (!place) return;
    place.append(this.#form);
    this.#input.focus();
    this.#form.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.#form.remove();
    this.#input.value = "";
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const title = this.#input.value.trim().replace(/\s+/g, " ");
    if (!title || !this.#column) return this.#input.focus();
    this.onAdd({ column: this.#column, title });
    this.#input.value = "";
    this.#input.focus();
    requestAnimationFrame(() => this.#form.scrollIntoView({ block: "nearest" }));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.#submit(event);
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.close();
  }

  /** Left empty, it goes; with words in it, it stays. @param {FocusEvent} event */
  #left(event) {
    const inside = event.relatedTarget instanceof Node && this.#form.contains(event.relatedTarget);
    if (!inside && !this.#input.value.trim() && document.hasFocus()) setTimeout(() => !this.#form.contains(document.activeElement) && this.close());
  }
}
