/**
 * Sentences for people. Pure: facts in, words out.
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {import("./api.js").Problem} Problem
 * @typedef {import("./store.js").Board} Board
 * @typedef {import("./types.js").BoardEvent} BoardEvent
 */

import { isolated } from "./isolated.js";
import { reason } from "./reasons.js";

/** @type {Record<string, string>} */
const ATTEMPTS = {
  "task.create": "“{title}” was not created",
  "task.move": "“{title}” went back to where it was",
  "task.update": "The change to “{title}” was not saved",
  "task.delete": "“{title}” was not deleted",
  "column.create": "The column was not created",
  "column.rename": "The column kept its name",
  "column.mark": "The column stayed as it was",
  "column.move": "The column went back to where it was",
  "column.delete": "The column was not deleted",
  "comment.create": "Your comment was not saved",
  "comment.update": "Your comment was not changed",
  "comment.delete": "The comment was not deleted",
};

/**
 * What became of a change that the server refused, and why.
 * @param {Operation} operation
 * @param {Problem} problem
 * @param {Board} board
 */
export function refusal(operation, problem, board) {
  const known = operation.changes?.title ?? board.tasks.get(operation.task ?? "")?.title;
  if (problem.status === 404 && operation.task && !known) return "The task that you changed is no longer there, or you may no longer see it.";
  const title = known ?? "The task";
  const attempt = (ATTEMPTS[operation.kind] ?? "The change was not saved").replace("{title}", clip(title));
  return `${attempt}: ${reason(problem)}`;
}

/**
 * Other people's words for a sentence of ours: not too long, and with a direction of their own.
 * @param {string} text
 * @param {number} [length]
 */
export function clip(text, length = 60) {
  return isolated(text.length > length ? `${text.slice(0, length - 1).trimEnd()}…` : text);
}

/**
 * What a filter cannot know.
 * @param {number} cards  that it hides, and of whose long descriptions only the beginning is here
 */
export function unsureOf(cards) {
  const of = cards === 1 ? "One hidden card has" : `${cards} hidden cards have`;
  return `${of} a long description, of which the filter looks at the beginning alone.`;
}

/** @type {Record<string, (title: string, columnName: string) => string>} */
const DEEDS = {
  "task:created": (title, columnName) => `added “${title}” to ${columnName}`,
  "task:updated": (title) => `changed “${title}”`,
  "task:moved": (title, columnName) => `moved “${title}” to ${columnName}`,
  "task:deleted": (title) => `deleted “${title}”`,
  "column:created": (_, columnName) => `added the column ${columnName}`,
  "column:updated": (_, columnName) => `changed the column ${columnName}`,
  "column:moved": (_, columnName) => `moved the column ${columnName}`,
  "column:deleted": (_, columnName) => `deleted the column ${columnName}`,
  "comment:created": (title) => `commented on “${title}”`,
  "project:updated": () => "changed the board's settings",
};

/**
 * One event for a screen reader; "" where there is nothing to say.
 * @param {BoardEvent} event
 * @param {import("./store.js").Before} before  what was deleted still has its name there
 * @param {Board} board
 */
export function announcement(event, before, board) {
  const deed = DEEDS[event.event];
  if (!deed) return "";
  const { data } = event;
  const title = data.title ?? before.task?.title ?? "a task";
  const isColumn = event.event.startsWith("column:");
  const columnName = isColumn ? (data.name ?? before.column?.name) : board.columns.get(data.column)?.name;
  return `${isolated(event.actor?.name ?? "Somebody")} ${deed(clip(title), isolated(columnName ?? "another column"))}`;
}

/**
 * @param {string[]} sentences  what happened since the last announcement
 */
export function summary(sentences) {
  if (sentences.length <= 2) return sentences.join(". ");
  return `${sentences.length} changes. Latest: ${sentences[sentences.length - 1]}`;
}
