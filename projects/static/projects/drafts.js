/**
 * What one person has typed on one board and not sent: kept by the browser at each key stroke, box by box, and given back
 * whenever the box is shown again. A draft ends by being sent or by being discarded, and by nothing else but the bounds.
 *
 * In localStorage, one item for each box and page, so that two pages with the same box do not overwrite each other. Who
 * takes the draft of another page and goes on with it takes its place, unless that page has changed it since.
 *
 *     take(box)         the newest draft of a box, which the page goes on with; null: there is none
 *     put(box, draft)   at each key stroke
 *     drop(box)         it was sent
 *     discard(box)      a person has thrown it away; gives the way back
 *     all()             the newest of each box, newest first
 *     listen(changed)   whenever there is another number of them, here or in another page
 *     safe              false while something could not be written, and would be lost with the page
 *
 * A box is named by its kind and the ids of what it belongs to, as "comment:TASK"; kept_words.js knows all kinds.
 *
 * @typedef {{words: any, base: any, at: number}} Draft  words: what the box holds; base: what it held before; at: in ms
 * @typedef {{box: string, draft: Draft}} Kept
 * @typedef {{page: string, text: string}} Slot
 */

import { namesIn, parsed } from "./browser_storage.js";
import { newId } from "./new_id.js";

const PREFIX = "devmentor.draft.";
/** Of all boards of a person; beyond it, and beyond this age, the oldest go when a board is opened. */
const MOST = 200;
const LONGEST_MS = 90 * 86_400_000;

export class Drafts {
  /** As they are written, by name: storage is read once. @type {Map<string, string>} */
  #items = new Map();
  /** Names of those that storage has not taken. @type {Set<string>} */
  #unwritten = new Set();
  /** What another page wrote and this one goes on with, by box. @type {Map<string, Slot>} */
  #taken = new Map();
  /** @type {(() => void)[]} */
  #listeners = [];
  #page = newId();

  /**
   * @param {string} projectId
   * @param {string} userId
   * @param {Storage | null} storage  null where there is none
   * @param {Pick<EventTarget, "addEventListener">} [events]  where the browser tells what other pages wrote
   * @param {() => number} [now]
   */
  constructor(projectId, userId, storage, events = globalThis, now = Date.now) {
    this.storage = storage;
    this.now = now;
    this.prefix = `${PREFIX}${userId}.${projectId}.`;
    if (storage) sweep(storage, `${PREFIX}${userId}.`, now());
    for (const name of namesIn(storage, this.prefix)) this.#items.set(name, storage?.getItem(name) ?? "");
    events.addEventListener("storage", (event) => this.#heard(/** @type {StorageEvent} */ (event)));
  }

  get safe() {
    return this.#unwritten.size === 0;
  }

  /** @param {string} box @returns {Draft | null} */
  take(box) {
    const [newest] = this.#slots(box);
    if (!newest) return null;
    if (newest.page !== this.#page) this.#taken.set(box, { page: newest.page, text: newest.text });
    return newest.draft;
  }

  /**
   * @param {string} box
   * @param {{words: any, base: any}} draft
   */
  put(box, { words, base }) {
    this.#write(this.#name(box, this.#page), JSON.stringify({ words, base, at: this.now() }));
    this.#release(box);
  }

  /** @param {string} box */
  drop(box) {
    this.#remove(this.#name(box, this.#page));
    this.#release(box);
  }

  /**
   * @param {string} box
   * @returns {() => void}  puts it back
   */
  discard(box) {
    const draft = this.take(box);
    this.drop(box);
    return () => void (draft && this.put(box, draft));
  }

  /** @returns {Kept[]} */
  all() {
    const boxes = new Set([...this.#items.keys()].map((name) => name.slice(this.prefix.length, name.lastIndexOf("."))));
    const found = [...boxes].map((box) => ({ box, draft: this.#slots(box)[0]?.draft })).filter(({ draft }) => draft);
    return /** @type {Kept[]} */ (found).sort((a, b) => b.draft.at - a.draft.at);
  }

  /** @param {string} box */
  has(box) {
    return this.#slots(box).length > 0;
  }

  /** @param {() => void} changed */
  listen(changed) {
    this.#listeners.push(changed);
  }

  /** @param {string} box @param {string} page */
  #name(box, page) {
    return `${this.prefix}${box}.${page}`;
  }

  /** The drafts of one box, newest first. @param {string} box */
  #slots(box) {
    const start = `${this.prefix}${box}.`;
    const names = [...this.#items.keys()].filter((name) => name.startsWith(start));
    const slots = names.map((name) => ({ page: name.slice(start.length), text: this.#items.get(name) ?? "", draft: parse(this.#items.get(name)) }));
    return /** @type {(Slot & {draft: Draft})[]} */ (slots.filter(({ draft }) => draft)).sort((a, b) => b.draft.at - a.draft.at);
  }

  /** What was taken from another page goes, unless that page has written something else since. @param {string} box */
  #release(box) {
    const taken = this.#taken.get(box);
    this.#taken.delete(box);
    if (taken && this.#items.get(this.#name(box, taken.page)) === taken.text) this.#remove(this.#name(box, taken.page));
  }

  /** @param {string} name @param {string} text */
  #write(name, text) {
    const isNew = !this.#items.has(name);
    this.#items.set(name, text);
    try {
      if (!this.storage) throw new Error("no storage");
      this.storage.setItem(name, text);
      this.#unwritten.delete(name);
    } catch {
      this.#unwritten.add(name); // full, or forbidden
    }
    if (isNew) this.#tell();
  }

  /** @param {string} name */
  #remove(name) {
    if (!this.#items.delete(name)) return;
    this.#unwritten.delete(name);
    this.storage?.removeItem(name);
    this.#tell();
  }

  /** @param {StorageEvent} event */
  #heard({ key, newValue, storageArea }) {
    if (storageArea !== this.storage || !key?.startsWith(this.prefix)) return;
    const known = this.#items.has(key);
    if (newValue === null) this.#items.delete(key);
    else this.#items.set(key, newValue);
    if (known !== (newValue !== null)) this.#tell();
  }

  #tell() {
    for (const changed of this.#listeners) changed();
  }
}

/**
 * Of one person's drafts, those go that are too old, and of too many the oldest.
 * @param {Storage} storage
 * @param {string} prefix
 * @param {number} now
 */
function sweep(storage, prefix, now) {
  const kept = namesIn(storage, prefix).map((name) => ({ name, at: parse(storage.getItem(name))?.at ?? 0 }));
  kept.sort((a, b) => b.at - a.at);
  for (const [index, { name, at }] of kept.entries()) if (index >= MOST || at < now - LONGEST_MS) storage.removeItem(name);
}

/** @param {string | null | undefined} text @returns {Draft | null} */
function parse(text) {
  const draft = parsed(text);
  return typeof draft?.at === "number" ? draft : null;
}
