/**
 * Merging what two people have changed: one field, or all fields of a change. Pure.
 *
 * @typedef {"unchanged" | "mine" | "theirs" | "conflict"} Merge
 */

import { mergeText } from "./merge_text.js";
import { labelKey } from "./texts.js";

/**
 * @param {unknown} base    what the field held when editing began
 * @param {unknown} mine    what is in the field now
 * @param {unknown} theirs  what the server has
 * @returns {Merge}  "conflict" only where both changed it, and to different values
 */
export function mergeField(base, mine, theirs) {
  if (same(mine, theirs)) return "unchanged";
  if (same(base, theirs)) return "mine";
  return same(base, mine) ? "theirs" : "conflict";
}

/**
 * @param {unknown} a
 * @param {unknown} b
 */
export function same(a, b) {
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * A change as it is on top of what others did meanwhile: lists by their items, texts by words. Of what cannot
 * be merged the change has mine, and its name is among the conflicts. A field whose base is not known is
 * mine.
 * @param {Record<string, any>} base     what the changed fields held when the change was made
 * @param {Record<string, any>} changes
 * @param {Record<string, any>} present  what the server has
 * @returns {{changes: Record<string, any>, conflicts: string[]}}
 */
export function mergeChanges(base, changes, present) {
  const merged = { ...changes };
  /** @type {string[]} */
  const conflicts = [];
  for (const [name, mine] of Object.entries(changes)) {
    if (!Object.hasOwn(base, name) || mergeField(base[name], mine, present[name]) !== "conflict") continue;
    const both = mergeValue(name, base[name], mine, present[name]);
    if (both === null) conflicts.push(name);
    else merged[name] = both;
  }
  return { changes: merged, conflicts };
}

/** Fields that hold words; of any other that is no list, two values do not go together. */
const TEXTS = ["title", "description"];

/**
 * @param {string} name
 * @param {any} base
 * @param {any} mine
 * @param {any} theirs
 */
function mergeValue(name, base, mine, theirs) {
  if ([base, mine, theirs].every(Array.isArray)) return mergeSet(base, mine, theirs);
  return TEXTS.includes(name) ? mergeText(base, mine, theirs) : null;
}

/**
 * What I added and took away, done to theirs. Items are labels.
 * @param {string[]} base
 * @param {string[]} mine
 * @param {string[]} theirs
 */
export function mergeSet(base, mine, theirs) {
  const [before, wanted, there] = [base, mine, theirs].map((items) => new Set(items.map(labelKey)));
  const kept = theirs.filter((item) => wanted.has(labelKey(item)) || !before.has(labelKey(item)));
  return [...kept, ...mine.filter((item) => !before.has(labelKey(item)) && !there.has(labelKey(item)))];
}
