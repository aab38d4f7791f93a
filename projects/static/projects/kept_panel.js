import { openDialog } from "./dialog.js";
import { h, setAttribute, setChildren, setText } from "./dom.js";
import { choices, keptNote } from "./kept_note.js";
import { draftItems, refusedItems } from "./kept_words.js";

/** @typedef {import("./kept_words.js").KeptItem} KeptItem */

/** Elements of kept words, by their key: one that shows the same stays, and keeps its focus. */
export class KeptNotes {
  /** @type {Map<string, {drawn: string, element: HTMLElement}>} */
  #known = new Map();

  /**
   * @param {import("./kept_note.js").KeptDeeds} deeds
   * @param {boolean} [inPlace]
   */
  constructor(deeds, inPlace = false) {
    this.deeds = deeds;
    this.inPlace = inPlace;
  }

  /** @param {KeptItem[]} items */
  elements(items) {
    const before = this.#known;
    this.#known = new Map();
    return items.map((item) => {
      const key = item.entry?.key ?? item.box ?? "";
      const drawn = JSON.stringify([item, choices(item, this.deeds, this.inPlace).map(([name]) => name)]);
      const known = before.get(key);
      const element = known?.drawn === drawn ? known.element : keptNote(item, this.deeds, this.inPlace);
      this.#known.set(key, { drawn, element });
      return element;
    });
  }
}

/** The quiet place for words that are not saved: a button with their number, and behind it the words. */
export class KeptPanel {
  #refused = h("div", { class: "kept-list" });
  #drafts = h("div", { class: "kept-list" });
  #heading = h("h3", { class: "section-heading" }, "Drafts");
  #empty = h("p", { class: "quiet-text" }, "Everything that you wrote on this board is saved.");
  /** @type {HTMLDialogElement | null} */
  #dialog = null;

  /**
   * @param {HTMLElement} button
   * @param {import("./kept_note.js").KeptDeeds} deeds
   */
  constructor(button, deeds) {
    this.button = button;
    this.deeds = { ...deeds, open: (/** @type {KeptItem} */ item) => (this.#dialog?.close(), deeds.open(item)) };
    this.refusedNotes = new KeptNotes(this.deeds);
    this.draftNotes = new KeptNotes(this.deeds);
    button.addEventListener("click", () => this.open());
    deeds.model.listen({ changed: () => this.draw() });
    deeds.drafts.listen(() => this.draw());
    this.draw();
  }

  /** Whether there is anything in it. */
  get isEmpty() {
    const { model, drafts } = this.deeds;
    return !model.unsaved.length && !drafts.all().length;
  }

  open() {
    if (this.#dialog?.isConnected) return;
    this.draw();
    this.#dialog = openDialog("Not saved", [this.#empty, this.#refused, this.#heading, this.#drafts], { wide: true });
  }

  draw() {
    const { model, drafts } = this.deeds;
    const { stranded, open } = draftItems(model, drafts);
    const lost = [...refusedItems(model), ...stranded];
    setText(this.button, `Not saved (${lost.length})`);
    setAttribute(this.button, "hidden", !lost.length);
    setChildren(this.#refused, this.refusedNotes.elements(lost));
    setChildren(this.#drafts, this.draftNotes.elements(open));
    setAttribute(this.#heading, "hidden", !open.length);
    setAttribute(this.#empty, "hidden", lost.length + open.length > 0);
  }
}
