/**
 * Merging one field that two people may have changed. Pure.
 *
 * @typedef {"unchanged" | "mine" | "theirs" | "conflict"} Merge
 */

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
 * The names of the fields in which a change would overwrite somebody else's.
 * @param {Record<string, any>} base
 * @param {Record<string, any>} changes
 * @param {Record<string, any>} present
 */
export function conflicts(base, changes, present) {
  return Object.keys(changes).filter((name) => mergeField(base[name], changes[name], present[name]) === "conflict");
}
