import { numberText } from "./dates.js";
import { h, setAttribute, setChildren, setText } from "./dom.js";
import { isolated } from "./isolated.js";

/** @typedef {import("./pending.js").ColumnView} ColumnView */

/** More names than this do not fit side by side on a phone; then they are a list to choose from. */
const MOST_TABS = 4;

/** On a phone one column fills the screen; these say which, and lead to the others. */
export class ColumnTabs {
  /** @type {Map<string, HTMLElement>} */
  #tabs = new Map();
  #select = h("select", { class: "input", "aria-label": "Column" });
  #scheduled = false;
  /** The columns as last drawn, by id. */
  #drawn = "";

  /**
   * @param {HTMLElement} place
   * @param {HTMLElement} strip  the board, which scrolls
   * @param {MediaQueryList} phone  whether these are to be seen
   */
  constructor(place, strip, phone) {
    this.place = place;
    this.strip = strip;
    this.phone = phone;
    phone.addEventListener("change", () => this.#follow());
    this.#select.addEventListener("change", () => this.show(this.#select.value));
    strip.addEventListener("scroll", () => this.#follow(), { passive: true });
  }

  /** @param {ColumnView[]} columns */
  draw(columns) {
    if (columns.length > MOST_TABS) this.#drawSelect(columns);
    else
      setChildren(
        this.place,
        columns.map((column) => this.#tab(column)),
      );
    for (const id of this.#tabs.keys())
      if (!columns.some((column) => column.id === id)) this.#tabs.delete(id);
    const drawn = columns.map(({ id }) => id).join();
    if (drawn !== this.#drawn) this.#follow();
    this.#drawn = drawn;
  }

  /** @param {string} columnId */
  show(columnId) {
    const column = this.#element(columnId);
    if (column) this.strip.scrollTo({ left: column.offsetLeft, behavior: "smooth" });
  }

  /** @param {ColumnView} column */
  #tab({ id, name, tasks }) {
    const tab =
      this.#tabs.get(id) ??
      h(
        "button",
        { type: "button", class: "tab", onclick: () => this.show(id) },
        h("span", { class: "tab-name", dir: "auto" }),
        h("span", { class: "tab-count" }),
      );
    this.#tabs.set(id, tab);
    setText(tab.querySelector(".tab-name"), name);
    setAttribute(tab, "title", name);
    setText(tab.querySelector(".tab-count"), numberText(tasks.length));
    return tab;
  }

  /** @param {ColumnView[]} columns */
  #drawSelect(columns) {
    setChildren(this.place, [this.#select]);
    const texts = columns.map(({ name, tasks }) => `${isolated(name)} (${numberText(tasks.length)})`);
    while (this.#select.options.length > columns.length) this.#select.remove(columns.length);
    columns.forEach(({ id }, index) => {
      const option = this.#select.options[index] ?? this.#select.appendChild(h("option"));
      setAttribute(option, "value", id);
      setText(option, texts[index]);
    });
  }

  /** Asking where things are costs a layout: only where it shows, and once a picture. */
  #follow() {
    if (this.#scheduled || !this.phone.matches) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#mark();
    });
  }

  #mark() {
    const current = this.#current();
    for (const [id, tab] of this.#tabs) setAttribute(tab, "aria-current", id === current ? "true" : null);
    if (current && this.#select.value !== current) this.#select.value = current;
  }

  /** The column whose start is nearest to the strip's. */
  #current() {
    const columns = /** @type {HTMLElement[]} */ ([...this.strip.querySelectorAll("[data-column-id]")]);
    const distance = (/** @type {HTMLElement} */ column) =>
      Math.abs(column.offsetLeft - this.strip.scrollLeft);
    const nearest = columns.reduce((best, one) => (distance(one) < distance(best) ? one : best), columns[0]);
    return nearest?.dataset.columnId ?? null;
  }

  /** @param {string} columnId */
  #element(columnId) {
    return /** @type {HTMLElement | null} */ (
      this.strip.querySelector(`[data-column-id="${CSS.escape(columnId)}"]`)
    );
  }
}
