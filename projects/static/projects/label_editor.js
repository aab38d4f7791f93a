import { h, icon } from "./dom.js";
import { colourOf } from "./people.js";

const LONGEST = 40;
const MOST = 20;

/** Labels as chips, with a box to add one; known labels are offered. */
export class LabelEditor {
  /** @type {string[]} */
  #labels = [];
  #chips = h("span", { class: "chips" });
  #known = h("datalist", { id: "known-labels" });

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    this.reading = false;
    this.input = h("input", { class: "input label-input", maxlength: LONGEST, list: "known-labels", placeholder: "Add a label", "aria-label": "Add a label", autocomplete: "off" });
    this.element = h("div", { class: "labels-editor" }, this.#chips, this.input, this.#known);
    this.input.addEventListener("keydown", (event) => this.#key(event));
    this.input.addEventListener("change", () => this.#add());
  }

  get labels() {
    return this.#labels;
  }

  /**
   * @param {string[]} labels
   */
  set labels(labels) {
    this.#labels = labels;
    this.#chips.replaceChildren(...labels.map((label) => this.#chip(label)));
  }

  /**
   * @param {string[]} known
   * @param {boolean} reading
   */
  draw(known, reading) {
    this.input.hidden = reading;
    if (this.#known.children.length !== known.length) this.#known.replaceChildren(...known.map((value) => h("option", { value })));
    if (this.reading === reading) return;
    this.reading = reading;
    this.labels = this.#labels;
  }

  /** @param {string} label */
  #chip(label) {
    const remove = h("button", { type: "button", class: "chip-remove", "aria-label": `Remove ${label}`, onclick: () => this.#change(this.#labels.filter((one) => one !== label)) }, icon("close"));
    return h("span", { class: "chip" }, h("span", { class: "label-dot", "data-person": colourOf(label) }), label, this.reading ? null : remove);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if ((event.key !== "Enter" && event.key !== ",") || event.isComposing) return;
    event.preventDefault();
    this.#add();
  }

  #add() {
    const label = this.input.value.trim().replace(/\s+/g, " ");
    this.input.value = "";
    if (label && !this.#labels.includes(label) && this.#labels.length < MOST) this.#change([...this.#labels, label]);
  }

  /** @param {string[]} labels */
  #change(labels) {
    this.labels = labels;
    this.onChange();
    if (!this.#chips.contains(document.activeElement)) this.input.focus();
  }
}
