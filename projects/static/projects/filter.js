/**
 * The filter box: words of title and description, `@person`, `#label`; all must hold. Of a long description a board
 * holds the beginning. Pure.
 *
 * @typedef {import("./types.js").Task} Task
 * @typedef {import("./types.js").Person} Person
 * @typedef {{words: string[], people: string[], labels: string[]}} Filter
 */

/**
 * @param {string} text
 * @returns {Filter}
 */
export function parseFilter(text) {
  const terms = text.toLowerCase().split(/\s+/).filter(Boolean);
  return {
    words: terms.filter((term) => !/^[@#]/.test(term)),
    people: terms.filter((term) => term.startsWith("@")).map((term) => term.slice(1)).filter(Boolean),
    labels: terms.filter((term) => term.startsWith("#")).map((term) => term.slice(1)).filter(Boolean),
  };
}

/** @param {Filter} filter */
export function isEmpty({ words, people, labels }) {
  return words.length + people.length + labels.length === 0;
}

/**
 * @param {Filter} filter
 * @param {Pick<Task, "title" | "description" | "labels">} task
 * @param {Person | undefined} assignee
 */
export function matches(filter, task, assignee) {
  const text = `${task.title} ${task.description}`.toLowerCase();
  const labels = task.labels.map((label) => label.toLowerCase().replace(/\s+/g, "-"));
  return (
    filter.words.every((word) => text.includes(word)) &&
    filter.labels.every((wanted) => labels.some((label) => label.startsWith(wanted))) &&
    filter.people.every((wanted) => isNamed(assignee, wanted))
  );
}

/**
 * @param {Person | undefined} person
 * @param {string} wanted  the start of a username or of any of the names
 */
function isNamed(person, wanted) {
  const names = person ? [person.username, ...person.name.split(/\s+/)] : [];
  return names.some((name) => name.toLowerCase().startsWith(wanted));
}
