/** What people type, as the server counts, compares and takes it. Pure. */

/** Characters, and how many labels of a card; as projects/limits.py. */
export const LIMITS = { title: 200, description: 20_000, comment: 10_000, label: 40, labels: 20, name: 120, username: 150 };

/** Letters and symbols that are drawn as blanks, and what Unicode keeps free for characters that are not drawn. */
const BLANKS = /[\u115f\u1160\u3164\uffa0\u2065\u2800\u{1d159}\ufff0-\ufff8\u{e0000}-\u{e0fff}]/gu;
const SEEN = /[^\p{Cc}\p{Cf}\p{Cs}\p{M}\p{Z}]/u;
/** What begins each line of a list that was written by hand. */
const BULLET = /^\s*(?:[-*•] (?:\[[ xX]\] )?|\d{1,3}[.)] )/;

/** Whether a reader sees anything of it: one character that is no blank, no mark on another, no format. @param {string} text */
export function isVisible(text) {
  return SEEN.test(text.replace(BLANKS, ""));
}

/** Unicode's characters, of which some are two of JavaScript's. @param {string} text */
export function lengthOf(text) {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

/** As a browser's box gives it back, whatever ends a line. @param {string} text */
export function withLineFeeds(text) {
  return text.replace(/\r\n?/g, "\n");
}

/** @param {string} text */
export function inOneLine(text) {
  return text.trim().replace(/\s+/g, " ");
}

/**
 * The cards that a text of several lines can become: one for each line that is not empty, or one with the first line as
 * its title and the others as its description.
 * @param {string} text
 */
export function cardsIn(text) {
  const lines = withLineFeeds(text).split("\n");
  const filled = lines.filter(isVisible);
  const isList = filled.every((line) => BULLET.test(line));
  const titles = filled.map((line) => inOneLine(isList ? line.replace(BULLET, "") : line)).filter(isVisible);
  const first = lines.findIndex(isVisible);
  const description = lines.slice(first + 1).join("\n").trim();
  return { titles, one: { title: inOneLine(lines[first] ?? ""), description } };
}

/** The same for two labels that differ in case or Unicode form alone. @param {string} label */
export function labelKey(label) {
  return label.normalize("NFD").toUpperCase().toLowerCase().normalize("NFC");
}

/**
 * A typed or pasted text as labels: those that a comma or a line's end has ended, and what follows the last of these.
 * @param {string} text
 */
export function labelsIn(text) {
  const parts = text.split(/[,，、\n]/).map(inOneLine);
  return { whole: parts.slice(0, -1).filter(isVisible), rest: parts.at(-1) ?? "" };
}

/**
 * Those that are not there yet, each once, in the spelling that the board has.
 * @param {string[]} wanted
 * @param {string[]} present  the card's
 * @param {string[]} known    the board's
 */
export function newLabels(wanted, present, known) {
  const spellings = new Map(known.map((label) => [labelKey(label), label]));
  const taken = new Set(present.map(labelKey));
  /** @type {string[]} */
  const found = [];
  for (const label of wanted) {
    const key = labelKey(label);
    if (!taken.has(key)) found.push(spellings.get(key) ?? label);
    taken.add(key);
  }
  return found;
}
