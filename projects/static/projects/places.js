/**
 * The places that a card or a column can be moved to, as a person would name them. Pure.
 *
 * @typedef {import("./pending.js").BoardView} BoardView
 * @typedef {{text: string, column: string, after: string | null, disabled: boolean}} Place
 */

import { findTask } from "./pending.js";
import { clip } from "./words.js";

/**
 * Top, up, down and bottom within the task's own column.
 * @param {BoardView} view
 * @param {string} taskId
 * @returns {Place[]}
 */
export function placesInColumn(view, taskId) {
  const found = findTask(view, taskId);
  if (!found) return [];
  const others = found.list.filter((task) => task.id !== taskId);
  const { index } = found;
  const column = found.column.id;
  const last = index === others.length;
  const idAt = (/** @type {number} */ at) => others[at]?.id ?? null;
  return [
    { text: "Top", column, after: null, disabled: index === 0 },
    { text: "Up", column, after: idAt(index - 2), disabled: index === 0 },
    { text: "Down", column, after: idAt(index), disabled: last },
    { text: "Bottom", column, after: idAt(others.length - 1), disabled: last },
  ];
}

/**
 * Every place in one column: the top, and below each of its other tasks.
 * @param {BoardView} view
 * @param {string} columnId
 * @param {string} taskId
 */
export function placesIn(view, columnId, taskId) {
  const tasks = view.columns.find((column) => column.id === columnId)?.tasks ?? [];
  const others = tasks.filter((task) => task.id !== taskId);
  return [{ text: "At the top", after: "" }, ...others.map((task) => ({ text: `After “${clip(task.title, 40)}”`, after: task.id }))];
}

/**
 * @param {BoardView} view
 * @param {string} columnId
 * @returns {{left: string | null | undefined, right: string | undefined}}  `after` for a step; undefined at the end
 */
export function columnSteps(view, columnId) {
  const ids = view.columns.map((column) => column.id);
  const index = ids.indexOf(columnId);
  return { left: index > 0 ? (ids[index - 2] ?? null) : undefined, right: ids[index + 1] };
}
