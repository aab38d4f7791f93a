/**
 * What is kept of an operation that the server has refused: whatever carries words, whatever the reason.
 * Pure.
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {import("./queue_store.js").Unsaved} Unsaved
 * @typedef {import("./api.js").Problem} Problem
 */

/** Fields that hold words, of a task and of an operation. */
const WORDS = ["title", "description", "labels", "name", "text"];

/**
 * The words that an operation carries, by field: "title", "description", "labels", "name", "text".
 * @param {Operation} operation
 * @returns {[field: string, words: string | string[]][]}
 */
export function wordsOf({ changes = {}, name, text }) {
  const fields = /** @type {Record<string, any>} */ ({ ...changes, name, text });
  return Object.entries(fields).filter(([field, words]) => WORDS.includes(field) && words?.length);
}

/**
 * @param {Operation} operation
 * @param {Operation[]} dependents
 * @param {Problem} problem
 * @param {number} since
 * @returns {Unsaved | null}  null: there is nothing to keep
 */
export function unsavedOf(operation, dependents, { task, ...problem }, since) {
  if (![operation, ...dependents].some((one) => wordsOf(one).length)) return null;
  const names = Object.keys(operation.changes ?? {});
  const theirs = task ? Object.fromEntries(names.map((name) => [name, task[name]])) : null;
  const why = /** @type {Problem} */ (problem);
  return { key: operation.key, operation, dependents, problem: why, theirs, since };
}

/**
 * The operations that do it once more, over what the server was found to have.
 * @param {Unsaved} entry
 * @param {Partial<Operation>} instead  fields that are to be others, as the column where that is gone
 * @returns {Operation[]}
 */
export function onceMore({ operation, dependents, theirs }, instead) {
  const first = { ...operation, ...(theirs && { base: theirs }), ...instead };
  return [first, ...dependents].map(({ attempt: _attempt, answer: _answer, ...fields }) => fields);
}
