/**
 * Sends operations as HTTP requests.
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {import("./types.js").Task} Task
 *
 * What a change of words has to know of its task.
 * @typedef {object} Known
 * @property {(taskId: string) => Task | undefined} newest  the newest state that is known here whole
 * @property {(taskId: string) => Promise<Task>} load       from the server
 * @property {(task: Task) => void} learn                   the server's word on how it is now
 */

import { ApiError, call } from "./api.js";
import { requestOf } from "./requests.js";
import { conflicts } from "./three_way.js";

/** How often a change is put on top of what others did meanwhile, before it is given back. */
const ATTEMPTS = 3;

/**
 * @param {Operation} operation  with real ids only
 * @param {string} projectId
 * @param {Known} known
 * @returns {Promise<any>}  the answer's data; rejects with an ApiError
 */
export async function sendOperation(operation, projectId, known) {
  const { method, path, body } = requestOf(operation, projectId);
  if (operation.kind === "task.update") return sendUpdate(operation, path, known);
  return call(path, { method, body, key: operation.key });
}

/**
 * A change of words names the version that it is made over, so that it overwrites nothing that nobody here has seen.
 * Where others left our fields alone, it goes in on top of what they did, still under its own key, since a refusal
 * uses none up; where they did not, the person decides. Where what is known here does not tell, as with a long
 * description of which only the beginning is, the task is read first.
 * @param {Operation} operation
 * @param {string} path
 * @param {Known} known
 */
async function sendUpdate({ task = "", changes = {}, base = {}, key }, path, known) {
  const overwrites = (/** @type {any} */ present) => conflicts(base, changes, present).length > 0;
  const newest = known.newest(task);
  let present = newest && !overwrites(newest) ? newest : await known.load(task);
  for (let attempt = 1; !overwrites(present); attempt += 1) {
    try {
      return await call(path, { method: "PATCH", body: changes, version: present.version, key });
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 412 || !error.problem.task || attempt === ATTEMPTS) throw error;
      present = error.problem.task;
      known.learn(present);
    }
  }
  throw new ApiError({ status: 412, code: "version-conflict", detail: "The task has moved on.", task: present });
}
