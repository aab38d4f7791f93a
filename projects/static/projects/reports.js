import { findTask } from "./pending.js";
import { toast } from "./toasts.js";
import { refusal } from "./words.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./pending.js").Operation} Operation */
/** @typedef {import("./api.js").ApiError} ApiError */

/**
 * One sentence on what became of a refused change, and what can be done about it. Its words, if it has any, are kept.
 * @param {BoardModel} model
 * @param {Operation} operation
 * @param {ApiError} error
 * @param {{openTask: (taskId: string) => void, showKept: () => void}} deeds
 */
export function reportRefusal(model, operation, error, { openTask, showKept }) {
  const sentence = refusal(operation, error.problem, model.state);
  const { kind, key, base: _base, ...fields } = operation;
  const task = operation.task && findTask(model.view, operation.task) ? operation.task : null;
  if (model.unsaved.some((entry) => entry.key === key)) toast(`${sentence} Your words are kept.`, { action: "Show", run: showKept, lasting: true });
  else if (error.status >= 500) toast(sentence, { action: "Try again", run: () => void model.ask(kind, fields), lasting: true });
  else if (task) toast(sentence, { action: "Open the task", run: () => openTask(task) });
  else toast(sentence);
}
