/**
 * What one person has asked for on one board and the server has not answered, and what it refused: kept by
 * the browser for the next visit, and common to all pages of that person and board.
 *
 * In localStorage, one item for each: it is written before the page goes on, so that what was done last
 * before a tab closes is there, too. Pages hear of each other's items by the browser's `storage` events.
 *
 *     put(operation)          the end of the queue
 *     replace(operation)      its new content in its old place, unless it has left the queue
 *     waiting()               the queue, oldest first
 *     finish(operations, end) they leave the queue; other pages hear how that came about
 *     keep(entry), drop(key)  of what was refused
 *     unsaved()               what was refused, oldest first
 *     listen(listener)        to what other pages do
 *     safe                    false while something could not be written, and would be lost with the page
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {import("./api.js").Problem} Problem
 * @typedef {{answer: any} | {problem: Problem, dependents: Operation[]}} End  how an operation left the queue
 *
 * Words that the server has not taken.
 * @typedef {object} Unsaved
 * @property {string} key                the operation's
 * @property {Operation} operation
 * @property {Operation[]} dependents    which could not be done either, in the order in which they were made
 * @property {Problem} problem           why
 * @property {Record<string, any> | null} theirs  where both changed the same: what the server has in the
 *   changed fields
 * @property {number} since              in ms
 *
 * @typedef {object} StoreListener
 * @property {(operation: Operation) => void} put
 * @property {(operation: Operation, end: End) => void} finished
 * @property {() => void} unsavedChanged
 *
 * @typedef {{n: number, operation: Operation, end?: End}} Item
 */

import { namesIn, parsed } from "./browser_storage.js";

const KINDS = ["waiting", "unsaved"];

export class QueueStore {
  #waiting;
  #unsaved;
  /** The page's own place in the queue is never above one that it has given before. */
  #last = 0;
  /** Items that storage has not taken. @type {Map<string, string>} */
  #unwritten = new Map();

  /**
   * @param {string} projectId
   * @param {string} userId
   * @param {Storage | null} storage  null where there is none
   * @param {Pick<EventTarget, "addEventListener">} [events]  where the browser tells what other pages wrote
   */
  constructor(projectId, userId, storage, events = globalThis) {
    this.storage = storage;
    this.events = events;
    this.#waiting = `devmentor.waiting.${userId}.${projectId}.`;
    this.#unsaved = `devmentor.unsaved.${userId}.${projectId}.`;
  }

  get safe() {
    return this.#unwritten.size === 0;
  }

  /** @returns {Operation[]} */
  waiting() {
    return this.#items().map(({ operation }) => operation);
  }

  /** @param {Operation} operation */
  put(operation) {
    this.#last = Math.max(this.#last, this.#items().at(-1)?.n ?? 0) + 1;
    this.#write(this.#waiting + operation.key, { n: this.#last, operation });
  }

  /** @param {Operation} operation */
  replace(operation) {
    const present = this.#read(this.#waiting + operation.key);
    if (present) this.#write(this.#waiting + operation.key, { ...present, operation });
  }

  /**
   * @param {Operation[]} operations
   * @param {End} end
   */
  finish(operations, end) {
    for (const operation of operations) {
      const name = this.#waiting + operation.key;
      if (this.#read(name)) this.#write(name, { n: 0, operation, end });
      this.#remove(name);
    }
  }

  /** @returns {Unsaved[]} */
  unsaved() {
    const entries = /** @type {Unsaved[]} */ (this.#all(this.#unsaved));
    return entries.sort((a, b) => a.since - b.since);
  }

  /** @param {Unsaved} entry */
  keep(entry) {
    this.#write(this.#unsaved + entry.key, entry);
  }

  /** @param {string} key */
  drop(key) {
    this.#remove(this.#unsaved + key);
  }

  /** @param {StoreListener} listener */
  listen(listener) {
    this.events.addEventListener("storage", (event) => {
      const { key, newValue, storageArea } = /** @type {StorageEvent} */ (event);
      if (storageArea !== this.storage || !key) return;
      const item = parsed(newValue);
      if (key.startsWith(this.#unsaved)) listener.unsavedChanged();
      else if (!key.startsWith(this.#waiting) || !isOperation(item?.operation)) return;
      else if (item.end) listener.finished(item.operation, item.end);
      else if (this.#read(key)) listener.put(item.operation); // else it has left the queue meanwhile
    });
  }

  /** @returns {Item[]} */
  #items() {
    const items = /** @type {Item[]} */ (this.#all(this.#waiting)).filter(({ end }) => !end);
    return items.sort((a, b) => a.n - b.n || (a.operation.key < b.operation.key ? -1 : 1));
  }

  /**
   * What can be read of all items whose names begin like that.
   * @param {string} prefix
   */
  #all(prefix) {
    const unwritten = [...this.#unwritten.keys()].filter((name) => name.startsWith(prefix));
    const names = new Set([...unwritten, ...namesIn(this.storage, prefix)]);
    const found = [...names].map((name) => this.#read(name));
    return found.filter((item) => isOperation(item?.operation)); // anything may have been written there
  }

  /** @param {string} name */
  #read(name) {
    return parsed(this.#unwritten.get(name) ?? this.storage?.getItem(name) ?? null);
  }

  /**
   * @param {string} name
   * @param {object} item
   */
  #write(name, item) {
    const text = JSON.stringify(item);
    try {
      if (!this.storage) throw new Error("no storage");
      this.storage.setItem(name, text);
      this.#unwritten.delete(name);
    } catch {
      this.#unwritten.set(name, text); // full, or forbidden
    }
  }

  /** @param {string} name */
  #remove(name) {
    this.#unwritten.delete(name);
    this.storage?.removeItem(name);
  }
}

/**
 * The boards on which something of that person's waits or was not saved, also those that they no longer see.
 * @param {string} userId
 * @param {Storage | null} storage
 * @returns {string[]}
 */
export function boardsWithKept(userId, storage) {
  const found = new Set();
  for (const name of namesIn(storage, "devmentor.")) {
    const [, kind, user, projectId] = name.split(".");
    if (KINDS.includes(kind) && user === userId) found.add(projectId);
  }
  return [...found];
}

/** @param {any} found */
function isOperation(found) {
  return typeof found?.key === "string" && typeof found.kind === "string";
}
