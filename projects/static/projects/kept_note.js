import { copyText } from "./copy.js";
import { h } from "./dom.js";
import { toast } from "./toasts.js";
import { clip } from "./words.js";

/** @typedef {import("./kept_words.js").KeptItem} KeptItem */
/** @typedef {import("./board.js").BoardModel} BoardModel */

/**
 * @typedef {object} KeptDeeds
 * @property {BoardModel} model
 * @property {import("./drafts.js").Drafts} drafts
 * @property {(item: KeptItem) => void} open   shows the card, or the form, that the words belong to
 */

/**
 * Words that are not saved: what they are, why, the whole of them, and what can be done.
 * @param {KeptItem} item
 * @param {KeptDeeds} deeds
 * @param {boolean} [inPlace]  it stands where it was typed
 */
export function keptNote(item, deeds, inPlace = false) {
  const { what, why, words, theirs } = item;
  const text = why ? `${what} was not saved: ${why}` : what;
  const both = theirs !== undefined && !inPlace;
  return h("section", { class: why ? "kept conflict" : "kept", "data-kept": item.entry?.key ?? item.box },
    h("p", { class: "kept-what", dir: "auto" }, text),
    both && h("p", { class: "kept-side" }, "Yours"),
    h("div", { class: "kept-words", dir: "auto", tabindex: 0, role: "group", "aria-label": "Your words" }, words),
    both && h("p", { class: "kept-side" }, "Theirs"),
    both && h("div", { class: "kept-words", dir: "auto", tabindex: 0, role: "group", "aria-label": "Their words" }, theirs || "Nothing"),
    h("div", { class: "note-actions" }, ...choices(item, deeds, inPlace).map(([name, run]) => h("button", { type: "button", class: "button small", onclick: run }, name))));
}

/**
 * What can be done, as the board is now: its columns, its cards and one's rights.
 * @param {KeptItem} item
 * @param {KeptDeeds} deeds
 * @param {boolean} inPlace
 * @returns {[string, () => void][]}
 */
export function choices(item, deeds, inPlace) {
  const { entry, theirs } = item;
  /** @type {[string, () => void][]} */
  const found = [];
  if (entry) found.push(...again(item, deeds));
  else if (!item.why) found.push(["Continue", () => deeds.open(item)]);
  if (item.task && entry && !inPlace) found.push(["Open the card", () => deeds.open(item)]);
  found.push(["Copy", () => void copyText(item.words)]);
  found.push([theirs === undefined ? "Drop" : "Take theirs", () => drop(item, deeds)]);
  return found;
}

/**
 * @param {KeptItem} item
 * @param {KeptDeeds} deeds
 * @returns {[string, () => void][]}
 */
function again({ entry, task, field = "", theirs }, { model, drafts, open }) {
  if (!entry || !model.canWrite) return [];
  const { kind, column } = entry.operation;
  const { columns } = model.view;
  if (kind === "task.create" && !columns.some((one) => one.id === column)) {
    const [first] = columns;
    return first ? [[`Add to “${clip(first.name, 30)}”`, () => model.sendAgain(entry.key, { column: first.id })]] : [];
  }
  if (!task && kind !== "task.create" && !kind.startsWith("column.")) return [];
  /** @type {[string, () => void][]} */
  const found = [[theirs === undefined ? "Send again" : "Save mine", () => model.sendAgain(entry.key)]];
  const words = /** @type {Record<string, any>} */ (entry.operation.changes ?? {})[field];
  if (task && theirs !== undefined && typeof words === "string") {
    const edit = () => {
      drafts.put(`${field}:${task}`, { words, base: entry.theirs?.[field] });
      model.drop(entry.key);
      open({ what: "", why: "", words, task, field });
    };
    found.push(["Edit mine", edit]);
  }
  return found;
}

/**
 * @param {KeptItem} item
 * @param {KeptDeeds} deeds
 */
function drop({ entry, box = "" }, { model, drafts }) {
  const bringBack = entry ? model.drop(entry.key) : drafts.discard(box);
  toast("Dropped.", { action: "Undo", run: bringBack });
}
