/**
 * Sends operations as HTTP requests.
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {import("./types.js").Task} Task
 *
 * What a change of words has to know of the board.
 * @typedef {object} Known
 * @property {(taskId: string) => Task | undefined} newest  the newest state that is known here whole
 * @property {(taskId: string) => Promise<Task>} load       from the server
 * @property {(task: Task) => void} learn                   the server's word on how it is now
 * @property {(columnId: string) => import("./types.js").Column | undefined} column
 * @property {(operation: Operation) => void} save          an attempt, before it is sent
 */

import { ApiError } from "./api.js";
import { requestOf } from "./requests.js";
import { mergeChanges, mergeField } from "./three_way.js";

/** How often a change is put on top of what others did meanwhile, before it is given back. */
const ATTEMPTS = 5;

/**
 * @param {Operation} operation
 * @param {string} projectId
 * @param {Known} known
 * @param {typeof import("./api.js").call} call
 * @returns {Promise<any>}  the answer's data; rejects with an ApiError
 */
export async function sendOperation(operation, projectId, known, call) {
  const { method, path, body } = requestOf(operation, projectId);
  if (operation.kind === "task.update") return sendUpdate(operation, path, known, call);
  if (operation.kind === "column.rename") await checkName(operation, path, known, call);
  return call(path, { method, body, key: operation.key });
}

/**
 * A column has no version: a name that somebody else gave it since is at least not overwritten once it is
 * known.
 * @param {Operation} operation
 * @param {string} path
 * @param {Known} known
 * @param {typeof import("./api.js").call} call
 */
async function checkName({ column = "", base, name }, path, known, call) {
  const isOthers = (/** @type {any} */ present) => mergeField(base?.name, name, present.name) === "conflict";
  const newest = known.column(column);
  const isSure = newest && isOthers(newest) && isOthers(await call(path)); // the page may be behind
  if (isSure) throw conflict("Somebody else renamed the column meanwhile.");
}

/**
 * A change of a task overwrites nothing that was not seen when it was made: it is merged with what the task
 * holds by now, and names the version with which it was merged. Where both cannot be had, the person decides.
 *
 * An attempt is written down before it is sent, and repeated as it is until the server has answered it: under
 * one key there is one content. A refusal uses no key up, so what was refused over an old version is merged
 * and sent anew.
 * @param {Operation} operation
 * @param {string} path
 * @param {Known} known
 * @param {typeof import("./api.js").call} call
 */
async function sendUpdate(operation, path, known, call) {
  const { task = "", key } = operation;
  let attempt = operation.attempt ?? (await firstAttempt(operation, known, task));
  for (let times = 1; ; times += 1) {
    known.save({ ...operation, attempt });
    try {
      return await call(path, { method: "PATCH", body: attempt.changes, version: attempt.version, key });
    } catch (error) {
      const present = error instanceof ApiError && error.status === 412 && error.problem.task;
      if (!present || times === ATTEMPTS) throw error;
      known.learn(present);
      attempt = attemptOver(present, operation);
    }
  }
}

/**
 * Where what is known here does not tell, as with a long description of which only the beginning is, or
 * speaks against the change, the task is read first.
 * @param {Operation} operation
 * @param {Known} known
 * @param {string} task
 */
async function firstAttempt({ changes = {}, base = {} }, known, task) {
  const newest = known.newest(task);
  const merges = newest && !mergeChanges(base, changes, newest).conflicts.length;
  return attemptOver(merges ? newest : await known.load(task), { changes, base });
}

/**
 * @param {Task} present
 * @param {Pick<Operation, "changes" | "base">} operation
 */
function attemptOver(present, { changes = {}, base = {} }) {
  const merged = mergeChanges(base, changes, present);
  if (merged.conflicts.length) throw conflict("The task has moved on.", present);
  return { changes: merged.changes, version: present.version };
}

/**
 * @param {string} detail
 * @param {Task} [task]
 */
function conflict(detail, task) {
  return new ApiError({ status: 412, code: "version-conflict", detail, ...(task && { task }) });
}
