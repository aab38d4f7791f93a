/**
 * The filter box: words, `@person`, `#label`; all must hold. Quotes keep blanks: `"in review"`, `#"data
 * loss"`, which is `#data-loss` as well. Whatever is typed is also looked for as it stands, in titles,
 * descriptions and labels: `#42`, `@home`. Letters count without accents and case. Of a long description a
 * board holds the beginning. Pure.
 *
 * @typedef {import("./types.js").Task} Task
 * @typedef {import("./types.js").Person} Person
 * @typedef {{sign: "" | "@" | "#", text: string}} Term  folded
 * @typedef {Term[]} Filter
 */

/** A term: perhaps a sign, then a quotation that may still lack its end, or what is no blank. */
const TERM = /([@#]?)(?:["“”„«»]([^"“”„«»]*)["“”„«»]?|(\S+))/gu;

/**
 * @param {string} text
 * @returns {Filter}
 */
export function parseFilter(text) {
  const terms = [...text.matchAll(TERM)].map(([, sign, quoted, bare]) => ({
    sign: /** @type {Term["sign"]} */ (sign),
    text: fold(quoted ?? bare),
  }));
  return terms.filter((term) => term.sign || term.text);
}

/** @param {Filter} filter */
export function isEmpty(filter) {
  return filter.length === 0;
}

/**
 * Whether it looks at texts, and not at people alone.
 * @param {Filter} filter
 */
export function looksAtTexts(filter) {
  return filter.some(({ sign }) => sign !== "@");
}

/**
 * @param {Filter} filter
 * @param {Pick<Task, "title" | "description" | "labels">} task
 * @param {Person | undefined} assignee
 */
export function matches(filter, task, assignee) {
  const labels = task.labels.map(fold);
  const text = [fold(task.title), fold(task.description), ...labels].join("\n");
  return filter.every((term) => {
    if (text.includes(term.sign + term.text)) return true;
    if (term.sign === "#") return labels.some((label) => begins(label, term.text));
    return (
      term.sign === "@" &&
      assignee !== undefined &&
      [assignee.username, assignee.name].some((name) => begins(fold(name), term.text))
    );
  });
}

/**
 * As letters are compared: without accents and case, in one form.
 * @param {string} text
 */
export function fold(text) {
  return text.normalize("NFKD").replace(/\p{M}/gu, "").toUpperCase().toLowerCase().replaceAll("ς", "σ");
}

/**
 * Whether the whole, or a word within, begins like that; `-` is as good as a blank.
 * @param {string} whole
 * @param {string} beginning
 */
function begins(whole, beginning) {
  const dashed = (/** @type {string} */ text) => text.trim().replace(/\s+/g, "-");
  return `-${dashed(whole)}`.includes(`-${dashed(beginning)}`);
}
