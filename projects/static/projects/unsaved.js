/**
 * What is kept of an operation that the server has refused: whatever carries words, whatever the reason. Pure.
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {import("./queue_store.js").Unsaved} Unsaved
 * @typedef {import("./api.js").Problem} Problem
 */

/** Fields of a task that hold words. */
const WORDS = ["title", "description", "labels"];

/**
 * The words that an operation carries, by field: "title", "description", "labels", "name", "text".
 * @param {Operation} operation
 * @returns {[field: string, words: string | string[]][]}
 */
export function wordsOf({ kind, changes = {}, name, text }) {
  const found = Object.entries(/** @type {Record<string, any>} */ ({ ...changes, ...(kind.startsWith("column.") && { name }), text }));
  return found.filter(([field, words]) => [...WORDS, "name", "text"].includes(field) && words !== undefined && words.length);
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
  return { key: operation.key, operation, dependents, problem: /** @type {Problem} */ (problem), theirs, since };
}

/**
 * The operations that do it once more, over what the server was found to have.
 * @param {Unsaved} entry
 * @param {Partial<Operation>} instead  fields that are to be others, as the column where the first one is gone
 * @returns {Operation[]}
 */
export function onceMore({ operation, dependents, theirs }, instead) {
  const first = { ...operation, ...(theirs && { base: theirs }), ...instead };
  return [first, ...dependents].map(({ attempt: _attempt, answer: _answer, ...fields }) => fields);
}
