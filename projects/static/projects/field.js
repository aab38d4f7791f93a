import { h, setText } from "./dom.js";
import { mergeField, same } from "./three_way.js";

/**
 * @typedef {object} FieldOptions
 * @property {string} name                      of the task's field
 * @property {string} label                     in a sentence: "the title"
 * @property {HTMLElement} element              what takes the focus
 * @property {() => any} read
 * @property {(value: any) => void} write
 * @property {(value: any) => string} [words]   the value in a sentence
 * @property {(value: any, base: any) => void} save
 */

/**
 * One field that is edited in place while others may change it too. What a person types is never overwritten: where
 * both changed it, a sentence says who did, and the person chooses.
 */
export class Field {
  #base = /** @type {any} */ (undefined);
  #theirs = /** @type {any} */ (undefined);
  /** Only a part of the value is here. */
  #withheld = false;
  #sentence = h("p");
  #note = h("div", { class: "conflict", role: "alert", hidden: true }, this.#sentence,
    h("div", { class: "conflict-actions" },
      h("button", { type: "button", class: "button small", onclick: () => this.#keepMine() }, "Save mine"),
      h("button", { type: "button", class: "button small", onclick: () => this.#takeTheirs() }, "Take theirs")));

  /** @param {FieldOptions} options */
  constructor(options) {
    this.options = options;
  }

  get name() {
    return this.options.name;
  }

  /** Where the sentence about a conflict appears. */
  get note() {
    return this.#note;
  }

  get isDirty() {
    return !this.#withheld && !same(this.options.read(), this.#base);
  }

  /** Whether only a part of the value is here: it is shown, and cannot be changed or saved. */
  get isWithheld() {
    return this.#withheld;
  }

  /** Another task is shown. @param {any} value */
  reset(value) {
    this.#withheld = false;
    this.#base = this.#theirs = value;
    this.options.write(value);
    this.#note.hidden = true;
  }

  /**
   * Only this part of the value is here. What a person has typed over the whole stays, to be merged with what comes.
   * @param {any} part
   */
  withhold(part) {
    if (this.isDirty) return;
    if (!this.#withheld || !same(this.options.read(), part)) this.reset(part);
    this.#withheld = true;
  }

  /**
   * The task changed, or was only drawn again.
   * @param {any} value
   * @param {string} who  changed it last
   */
  show(value, who) {
    if (this.#withheld) return this.reset(value);
    this.#theirs = value;
    const verdict = mergeField(this.#base, this.options.read(), value);
    if (verdict === "conflict") return this.#explain(who);
    this.#note.hidden = true;
    if (verdict === "mine") return;
    this.#base = value;
    if (verdict === "theirs") this.options.write(value);
  }

  /** Saves what was typed, unless somebody else's change has to be decided on first. */
  commit() {
    const mine = this.options.read();
    if (this.#withheld || !this.#note.hidden || same(mine, this.#base)) return;
    const base = this.#base;
    this.#base = mine;
    this.options.save(mine, base);
  }

  /** Back to what the server has. */
  revert() {
    if (!this.#withheld) this.reset(this.#theirs);
  }

  /**
   * Our change was refused because of somebody else's: what was typed stays, and the next drawing explains.
   * @param {any} mine
   * @param {any} base
   */
  reopen(mine, base) {
    if (!this.isDirty) this.options.write(mine);
    this.#withheld = false;
    this.#base = base;
  }

  /** @param {string} who */
  #explain(who) {
    const value = this.options.words?.(this.#theirs) ?? String(this.#theirs);
    setText(this.#sentence, `${who} changed ${this.options.label} while you were editing: ${value}`);
    this.#note.hidden = false;
  }

  #keepMine() {
    this.#base = this.#theirs;
    this.#note.hidden = true;
    this.commit();
    this.options.element.focus();
  }

  #takeTheirs() {
    this.revert();
    this.options.element.focus();
  }
}
