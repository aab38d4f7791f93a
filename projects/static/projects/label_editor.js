import { h, icon } from "./dom.js";
import { Field } from "./field.js";
import { isComposing } from "./ime.js";
import { isolated } from "./isolated.js";
import { colourOf } from "./people.js";
import { textField } from "./text_field.js";
import { labelsIn, LIMITS, newLabels } from "./texts.js";

/** A label is at an end here. */
const ENDS = /[,，、\n]/;

/** Labels as chips, with a box to add some; known labels are offered. A label that is half typed is a draft. */
export class LabelEditor {
  /** @type {string[]} */
  #labels = [];
  /** @type {string[]} */
  #offered = [];
  #chips = h("span", { class: "chips" });
  #known = h("datalist", { id: "known-labels" });
  #reading = false;

  /**
   * @param {import("./drafts.js").Drafts} drafts
   * @param {(labels: string[], base: string[]) => boolean} save
   */
  constructor(drafts, save) {
    const input = h("input", { class: "input label-input", list: "known-labels", placeholder: "Add a label", "aria-label": "Add a label", autocomplete: "off" });
    this.input = input;
    this.field = new Field({
      ...{ name: "labels", label: "the labels", element: this.#chips, drafts, save },
      read: () => this.#labels,
      write: (value) => this.#write(value),
      words: (value) => value.join(", ") || "none",
    });
    this.typed = textField({
      ...{ name: "label", label: "the label", element: input, limit: LIMITS.label, oneLine: true, sends: "enter", empties: true, unsent: ["Not added yet.", "Add"], drafts },
      problem: (value) => this.#problemOf(allIn(value)),
      save: (value) => this.#add(allIn(value)),
    });
    this.element = h("div", {}, h("div", { class: "labels-editor" }, this.#chips, input, this.#known), this.typed.counter, this.typed.field.note);
    input.addEventListener("input", (event) => this.#typed(event));
    input.addEventListener("compositionend", (event) => this.#typed(event));
    input.addEventListener("paste", (event) => this.#paste(event));
    input.addEventListener("keydown", (event) => this.#removeLast(event));
  }

  /**
   * @param {string} task
   * @param {string[]} labels
   */
  open(task, labels) {
    this.field.open(`labels:${task}`, labels);
    this.typed.field.open(`label:${task}`, "");
  }

  /**
   * @param {string[]} known
   * @param {boolean} reading
   */
  draw(known, reading) {
    this.input.readOnly = reading;
    this.input.hidden = reading && !this.typed.field.isDirty;
    this.typed.field.setReading(reading);
    this.field.setReading(reading);
    if (this.#offered.join("\n") !== known.join("\n")) this.#known.replaceChildren(...known.map((value) => h("option", { value })));
    this.#offered = known;
    if (this.#reading === reading) return;
    this.#reading = reading;
    this.#write(this.#labels);
  }

  /** @param {string[]} labels */
  #write(labels) {
    this.#labels = labels;
    this.#chips.replaceChildren(...labels.map((label) => this.#chip(label)));
  }

  /** @param {string} label */
  #chip(label) {
    const remove = () => this.#change(this.#labels.filter((one) => one !== label));
    const button = h("button", { type: "button", class: "chip-remove", "aria-label": `Remove ${isolated(label)}`, onclick: remove }, icon("close"));
    return h("span", { class: "chip" }, h("span", { class: "label-dot", "data-person": colourOf(label) }), h("bdi", {}, label), this.#reading ? null : button);
  }

  /** What a comma has ended is a label; what was picked from the list is one, too. @param {Event} event */
  #typed(event) {
    const { value } = this.input;
    if (event instanceof InputEvent && event.isComposing) return;
    const picked = event.type === "input" && (!(event instanceof InputEvent) || event.inputType === "insertReplacementText");
    if (picked && this.#offered.includes(value)) return void this.typed.field.send();
    const { whole, rest } = labelsIn(value);
    if (!ENDS.test(value) || this.#problemOf(whole) || !this.#add(whole)) return;
    this.input.value = rest;
    this.typed.field.changed();
  }

  /** A list that is pasted is so many labels. @param {ClipboardEvent} event */
  #paste(event) {
    const text = event.clipboardData?.getData("text/plain") ?? "";
    if (!ENDS.test(text.trim())) return;
    event.preventDefault();
    const { selectionStart, selectionEnd } = this.input;
    this.input.setRangeText(text.trim().split(ENDS).join(", "), selectionStart ?? 0, selectionEnd ?? 0, "end");
    this.typed.field.changed();
    this.typed.field.send();
  }

  /** Backspace in an empty box goes to the last label. @param {KeyboardEvent} event */
  #removeLast(event) {
    if (event.key !== "Backspace" || this.input.value || isComposing(event)) return;
    const [last] = [...this.#chips.querySelectorAll("button")].slice(-1);
    last?.focus();
  }

  /** @param {string[]} wanted */
  #problemOf(wanted) {
    const found = newLabels(wanted, this.#labels, this.#offered);
    const over = this.#labels.length + found.length - LIMITS.labels;
    return over > 0 ? `a card has ${LIMITS.labels} labels at the most; ${over === 1 ? "one is" : `${over} are`} too many.` : "";
  }

  /** @param {string[]} wanted */
  #add(wanted) {
    const found = newLabels(wanted, this.#labels, this.#offered);
    return found.length === 0 || this.#change([...this.#labels, ...found]);
  }

  /** @param {string[]} labels */
  #change(labels) {
    this.#write(labels);
    this.field.changed();
    const saved = this.field.commit();
    if (!this.#chips.contains(document.activeElement)) this.input.focus();
    return saved;
  }
}

/** @param {string} value */
function allIn(value) {
  const { whole, rest } = labelsIn(value);
  return rest ? [...whole, rest] : whole;
}
