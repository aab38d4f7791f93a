import { copyText } from "./copy.js";
import { h, setAttribute, setText } from "./dom.js";
import { isolated } from "./isolated.js";
import { mergeChanges, mergeField, same } from "./three_way.js";
import { toast } from "./toasts.js";

/**
 * @typedef {object} FieldOptions
 * @property {string} name                      of the task's field, or any other
 * @property {string} label                     in a sentence: "the title"
 * @property {HTMLElement} element              what takes the focus
 * @property {() => any} read                   undefined: half a value, which is no draft either
 * @property {(value: any) => void} write
 * @property {import("./drafts.js").Drafts} drafts
 * @property {(value: any, base: any) => boolean | void} save  false: it could not be handed on, and stays a draft
 * @property {(value: any) => string} [words]   the value in a sentence
 * @property {(value: any) => any} [clean]      as it is saved
 * @property {(value: any) => string} [problem] why it cannot be saved as it is; "" where it can
 * @property {boolean} [empties]                it is empty once it is saved, for the next one
 * @property {[text: string, action: string]} [unsent]  of a draft, and what saves it
 * @property {boolean} [quiet]                  the form around it shows that there is a draft
 */

/**
 * One box that a person types or chooses in, while others may change the same. What is in it is kept as a draft until it
 * is saved or discarded, and is never overwritten: where both changed it and no merge is possible, the person chooses.
 *
 *     open(box, value)   shows the value of another card or place, or the draft that there is of it
 *     show(value, who)   the value is this by now
 *     commit()           saves it, unless it is held, cannot be saved as it is, or has to be decided on
 *     hold()             leaves it as a draft
 *     discard()          throws the draft away, with a way back
 */
export class Field {
  /** What both sides began with, what the server has by now, and how the box reads when it shows the former. @type {any} */
  #base;
  /** @type {any} */
  #theirs;
  /** @type {any} */
  #clean;
  #box = "";
  /** Left, or given back: a draft until somebody says what becomes of it. */
  #held = false;
  /** Only a part of the value is here. */
  #withheld = false;
  #reading = false;
  /** Who changed it so that both cannot be had. @type {string | null} */
  #rival = null;
  /** The last three texts that were compared, and whether they go together. @type {{texts: any[], merges: boolean} | null} */
  #compared = null;
  #sentence = h("p");
  #buttons = h("div", { class: "note-actions" });
  /** Says what became of the words, and offers what can be done. */
  note = h("div", { class: "field-note", hidden: true }, this.#sentence, this.#buttons);

  /** @param {FieldOptions} options */
  constructor(options) {
    this.options = options;
    this.#clean = options.read();
    options.element.addEventListener("input", () => this.changed());
  }

  get name() {
    return this.options.name;
  }

  get box() {
    return this.#box;
  }

  /** As it would be saved. */
  get value() {
    return this.#mine;
  }

  /** Why it cannot be saved as it is; "" where it can. */
  get problem() {
    return this.options.problem?.(this.#mine) ?? "";
  }

  get isDirty() {
    return !this.#withheld && !same(this.options.read(), this.#clean);
  }

  /** Whether only a part of the value is here: it is shown, and cannot be changed or saved. */
  get isWithheld() {
    return this.#withheld;
  }

  /** @param {string} box @param {any} value */
  open(box, value) {
    const draft = box ? this.options.drafts.take(box) : null;
    this.#box = box;
    this.#withheld = false;
    this.#rival = null;
    this.#theirs = value;
    this.#rest(draft ? draft.base : value);
    if (draft) this.options.write(draft.words);
    this.#held = this.isDirty;
    this.#draw();
  }

  /**
   * Only this part of the value is here. What a person has typed over the whole stays, to be merged with what comes.
   * @param {any} part
   */
  withhold(part) {
    if (this.isDirty) return;
    if (!this.#withheld || !same(this.options.read(), part)) this.#rest(part);
    this.#withheld = true;
  }

  /**
   * @param {any} value
   * @param {string} who  changed it last
   */
  show(value, who) {
    if (this.#withheld) return this.open(this.#box, value);
    this.#theirs = value;
    const merge = this.isDirty ? mergeField(this.#base, this.#mine, value) : "theirs";
    if (merge === "unchanged") this.options.drafts.drop(this.#box);
    if (merge === "theirs" && !same(value, this.#base)) this.#rest(value);
    else if (merge === "unchanged") [this.#base, this.#clean] = [value, this.options.read()];
    this.#rival = merge === "conflict" && !this.#merges(value) ? who : null;
    this.#draw();
  }

  /** Whether it may be changed. @param {boolean} reading */
  setReading(reading) {
    if (this.#reading === reading) return;
    this.#reading = reading;
    this.#draw();
  }

  /** The person has typed or chosen something. */
  changed() {
    const { drafts, read } = this.options;
    this.#held = false;
    const words = read();
    if (this.isDirty && words !== undefined) drafts.put(this.#box, { words, base: this.#base });
    else drafts.drop(this.#box);
    this.#draw();
  }

  /** @returns {boolean}  whether it was handed on */
  commit() {
    if (!this.isDirty || this.#held) return false;
    const { options } = this;
    const [mine, base] = [this.#mine, this.#base];
    if (same(mine, base)) return this.revert();
    if (this.#reading || this.#rival !== null || options.problem?.(mine) || options.save(mine, base) === false) return this.hold();
    options.drafts.drop(this.#box);
    if (options.empties) this.#rest(base);
    else [this.#base, this.#clean] = [mine, options.read()];
    this.#draw();
    return true;
  }

  /** @returns {false} */
  hold() {
    this.#held = this.isDirty;
    this.#draw();
    return false;
  }

  /** Saves what was held, too. */
  send() {
    this.#held = false;
    return this.commit();
  }

  discard() {
    if (!this.isDirty) return;
    const box = this.#box;
    const bringBack = this.options.drafts.discard(box);
    this.revert();
    const run = () => {
      bringBack();
      if (this.#box === box) this.open(box, this.#theirs);
    };
    toast("Draft discarded.", { action: "Undo", run });
  }

  /** Back to what the server has. @returns {false} */
  revert() {
    if (this.#withheld) return false;
    this.options.drafts.drop(this.#box);
    this.#held = false;
    this.#rival = null;
    this.#rest(this.#theirs);
    this.#draw();
    return false;
  }

  get #mine() {
    const value = this.options.read();
    return this.options.clean?.(value) ?? value;
  }

  /** Shows this, as what there is to change. @param {any} value */
  #rest(value) {
    this.#base = value;
    this.options.write(value);
    this.#clean = this.options.read();
  }

  /** Whether what is in the box and what the server has can both be had. @param {any} theirs */
  #merges(theirs) {
    const texts = [this.#base, this.#mine, theirs];
    if (this.#compared && same(this.#compared.texts, texts)) return this.#compared.merges;
    const [base, mine, present] = texts.map((value) => ({ [this.name]: value }));
    this.#compared = { texts, merges: !mergeChanges(base, mine, present).conflicts.length };
    return this.#compared.merges;
  }

  #draw() {
    const said = this.isDirty ? this.#said() : null;
    setAttribute(this.note, "hidden", !said);
    if (!said || this.note.dataset.said === said.text) return;
    this.note.dataset.said = said.text;
    setAttribute(this.note, "role", said.urgent ? "alert" : "status");
    this.note.classList.toggle("conflict", said.urgent);
    setText(this.#sentence, said.text);
    this.#buttons.replaceChildren(...said.choices.map(([text, run]) => h("button", { type: "button", class: "button small", onclick: run }, text)));
  }

  /** @returns {{text: string, urgent: boolean, choices: [text: string, run: () => void][]} | null} */
  #said() {
    const { label, words = String, problem, quiet, unsent = ["Not saved yet.", "Save"] } = this.options;
    /** @type {[string, () => void]} */
    const discard = ["Discard", () => this.discard()];
    if (this.#reading) {
      return { text: `You can no longer change ${label}. What you typed is kept here.`, urgent: true, choices: [["Copy", () => void copyText(String(this.options.read()))], discard] };
    }
    if (this.#rival !== null) {
      const text = `${this.#rival} changed ${label} while you were editing: ${isolated(words(this.#theirs))}`;
      return { text, urgent: true, choices: [["Save mine", () => this.#keepMine()], ["Take theirs", () => this.#takeTheirs()]] };
    }
    if (!this.#held || quiet) return null;
    const why = problem?.(this.#mine);
    if (why) return { text: `Not saved: ${why}`, urgent: false, choices: [discard] };
    return { text: unsent[0], urgent: false, choices: [[unsent[1], () => void this.send()], discard] };
  }

  #keepMine() {
    this.#base = this.#theirs;
    this.#rival = null;
    this.send();
    this.options.element.focus();
  }

  #takeTheirs() {
    this.discard();
    this.options.element.focus();
  }
}
