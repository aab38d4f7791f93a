/**
 * Other people's words within a sentence of ours: they have a direction of their own, and turn nothing around
 * them. Pure.
 */

const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";
/** That are written from right to left; and that turn what follows. */
const LETTERS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;
const SIGNS = /[\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

/**
 * For sentences that are text alone, as labels for screen readers; where they are elements, `<bdi>` does it.
 * Our own sentences are written from left to right: words that are, too, stay as they are.
 * @param {string} text
 */
export function isolated(text) {
  return LETTERS.test(text) || SIGNS.test(text) ? FIRST_STRONG_ISOLATE + text + POP_ISOLATE : text;
}
