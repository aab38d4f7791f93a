/** Initials and stable colours. Pure. */

const COLOURS = 8;

/** @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? [first(words[0]), first(words[words.length - 1])] : [...(words[0] ?? "?")].slice(0, 2);
  return letters.join("").toUpperCase();
}

/** @param {string} word */
function first(word) {
  return [...word][0] ?? "";
}

/**
 * A board's people, each in their own colour as long as there are colours; earlier members keep theirs.
 * @param {string[]} ids  in the order of joining
 * @returns {Map<string, number>}
 */
export function coloursOf(ids) {
  const found = new Map();
  for (const id of ids) {
    const taken = new Set(found.values());
    let colour = colourOf(id);
    while (taken.has(colour) && taken.size < COLOURS) colour = (colour + 1) % COLOURS;
    found.set(id, colour);
  }
  return found;
}

/**
 * One of the token sheet's colours, the same for the same text on every page.
 * @param {string} text
 */
export function colourOf(text) {
  let hash = 0;
  for (const letter of text) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash % COLOURS;
}
