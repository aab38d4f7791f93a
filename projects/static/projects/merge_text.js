/**
 * Merging one text that two people have changed, by lines, and by words where both changed the same lines.
 * Pure.
 *
 * Where both changed the same words, or added something at the same place, there is no merged text: which of
 * both is right, or comes first, only a person knows.
 */

import { withLineFeeds } from "./texts.js";

/** A word, a sign of a script that has no blanks between words, a line break, blanks, or any other sign. */
const WORDS = /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Thai}]|[\p{L}\p{N}\p{M}]+|\n|[^\S\n]+|[^]/gu;
const LINES = /[^\n]*\n|[^\n]+/g;
/**
 * Two texts whose changed parts have more pairs of words than this are not compared: it would hold up the
 * page.
 */
const MOST_PAIRS = 4_000_000;

/**
 * @param {string} base    what both began with
 * @param {string} mine
 * @param {string} theirs
 * @returns {string | null}  null: a person has to decide
 */
export function mergeText(base, mine, theirs) {
  return mergeBy([LINES, WORDS], withLineFeeds(base), withLineFeeds(mine), withLineFeeds(theirs));
}

/**
 * @param {RegExp[]} units  the largest first
 * @param {string} base
 * @param {string} mine
 * @param {string} theirs
 * @returns {string | null}
 */
function mergeBy([unit, ...smaller], base, mine, theirs) {
  if (mine === theirs || theirs === base) return mine;
  if (mine === base) return theirs;
  if (!unit) return null;
  const [inBase, inMine, inTheirs] = [base, mine, theirs].map((text) => text.match(unit) ?? []);
  const [toMine, toTheirs] = [pairs(inBase, inMine), pairs(inBase, inTheirs)];
  if (!toMine || !toTheirs) return null;
  let merged = "";
  for (const [before, here, there] of parts(inBase, inMine, inTheirs, toMine, toTheirs)) {
    const text = mergeBy(smaller, before, here, there);
    if (text === null) return null;
    merged += text;
  }
  return merged;
}

/**
 * The three texts cut at the same places: in turn a part that nobody changed and one that somebody did.
 * @param {string[]} base
 * @param {string[]} mine
 * @param {string[]} theirs
 * @param {number[]} toMine    for each unit of the base where it is in mine, -1 where it is not
 * @param {number[]} toTheirs
 */
function* parts(base, mine, theirs, toMine, toTheirs) {
  let [inBase, inMine, inTheirs] = [0, 0, 0];
  const upTo = (/** @type {number} */ b, /** @type {number} */ m, /** @type {number} */ t) => {
    const units = [base.slice(inBase, b), mine.slice(inMine, m), theirs.slice(inTheirs, t)];
    [inBase, inMine, inTheirs] = [b, m, t];
    return units.map((part) => part.join(""));
  };
  for (let at = 0; at < base.length; at += 1) {
    if (toMine[at] < 0 || toTheirs[at] < 0) continue;
    yield upTo(at, toMine[at], toTheirs[at]); // whatever was changed since the last unit that all three have
    yield upTo(at + 1, toMine[at] + 1, toTheirs[at] + 1);
  }
  yield upTo(base.length, mine.length, theirs.length);
}

/**
 * A longest common subsequence.
 * @param {string[]} from
 * @param {string[]} to
 * @returns {number[] | null}  for each unit of `from` where it is in `to`, or -1; null: too much to compare
 */
function pairs(from, to) {
  let start = 0;
  while (start < from.length && start < to.length && from[start] === to[start]) start += 1;
  const most = Math.min(from.length, to.length) - start;
  let end = 0;
  while (end < most && from[from.length - 1 - end] === to[to.length - 1 - end]) end += 1;
  const [fromMiddle, toMiddle] = [from.slice(start, from.length - end), to.slice(start, to.length - end)];
  if (fromMiddle.length * toMiddle.length > MOST_PAIRS) return null;
  const found = from.map((_, at) => (at < start ? at : at - from.length + to.length));
  found.fill(-1, start, from.length - end);
  for (const [one, other] of commonIn(fromMiddle, toMiddle)) found[start + one] = start + other;
  return found;
}

/**
 * @param {string[]} from
 * @param {string[]} to
 * @returns {[number, number][]}
 */
function commonIn(from, to) {
  const width = to.length + 1;
  const lengths = new Uint16Array((from.length + 1) * width); // of what the ends from there have in common
  for (let one = from.length - 1; one >= 0; one -= 1) {
    for (let other = to.length - 1; other >= 0; other -= 1) {
      const [here, below] = [one * width + other, (one + 1) * width + other];
      const longest = Math.max(lengths[below], lengths[here + 1]);
      lengths[here] = from[one] === to[other] ? lengths[below + 1] + 1 : longest;
    }
  }
  /** @type {[number, number][]} */
  const found = [];
  for (let [one, other] = [0, 0]; one < from.length && other < to.length;) {
    const [here, below] = [one * width + other, (one + 1) * width + other];
    if (from[one] === to[other]) found.push([one++, other++]);
    else if (lengths[below] >= lengths[here + 1]) one += 1;
    else other += 1;
  }
  return found;
}
