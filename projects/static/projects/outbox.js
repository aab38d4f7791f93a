/**
 * Sends operations: those of one task in the order in which they were made, each with its own key, again and again
 * with that same key until the server answers yes or no.
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {import("./api.js").ApiError} ApiError
 *
 * @typedef {object} OutboxOptions
 * @property {(operation: Operation) => Promise<any>} send  rejects with an ApiError
 * @property {(operation: Operation, answer: any) => void} onAnswer
 * @property {(operation: Operation, error: ApiError) => void} onRefusal
 * @property {() => void} [onHeldUp]  a request failed in a way that may pass
 * @property {() => number} random
 * @property {(delayMs: number, run: () => void) => void} later
 */

import { isTemporary } from "./pending.js";

const BASE_MS = 1000;
const CAP_MS = 15_000;
/** A server that answers one request with 500 this often will not change its mind; one that is silent may return. */
const SERVER_ERRORS = 6;

export class Outbox {
  /** @type {Map<string, Operation[]>} */
  #lanes = new Map();
  /** @type {Set<string>} */
  #busy = new Set();
  /** The ids that the server gave to what this page made up. @type {Map<string, string>} */
  realIds = new Map();
  /** @type {Map<string, number>} */
  #failures = new Map();

  /** @param {OutboxOptions} options */
  constructor(options) {
    this.options = options;
  }

  /** @param {Operation} operation */
  add(operation) {
    const lane = laneOf(operation);
    this.#lanes.set(lane, [...(this.#lanes.get(lane) ?? []), operation]);
    void this.#work(lane);
  }

  /** Tries everything that waits, now. */
  retryNow() {
    for (const lane of this.#lanes.keys()) void this.#work(lane);
  }

  /**
   * The id that the server gave to what this page made up.
   * @param {string | null | undefined} id
   */
  realId(id) {
    return this.realIds.get(id ?? "") ?? id;
  }

  /** @param {string} lane */
  async #work(lane) {
    const operation = this.#lanes.get(lane)?.[0];
    if (!operation || this.#busy.has(lane)) return;
    const ready = this.#resolved(operation);
    if (!ready) return; // an answer that names the id will start it
    this.#busy.add(lane);
    const outcome = await this.options.send(ready).then(
      (answer) => ({ answer }),
      (error) => ({ error: /** @type {ApiError} */ (error) }),
    );
    this.#busy.delete(lane);
    if ("error" in outcome && this.#mayPass(operation, outcome.error)) this.#again(lane, operation, outcome.error);
    else this.#finish(lane, operation, outcome);
  }

  /**
   * @param {string} lane
   * @param {Operation} operation
   * @param {{answer: any} | {error: ApiError}} outcome
   */
  #finish(lane, operation, outcome) {
    const rest = (this.#lanes.get(lane) ?? []).slice(1);
    if (rest.length) this.#lanes.set(lane, rest);
    else this.#lanes.delete(lane);
    this.#failures.delete(operation.key);
    if ("error" in outcome) this.options.onRefusal(operation, outcome.error);
    else this.#answered(operation, outcome.answer);
    this.retryNow();
  }

  /**
   * @param {Operation} operation
   * @param {any} answer
   */
  #answered(operation, answer) {
    const made = operation.kind === "column.create" ? operation.column : operation.task;
    if (made && isTemporary(made) && operation.kind.endsWith(".create") && answer?.id) this.realIds.set(made, answer.id);
    this.options.onAnswer(operation, answer);
  }

  /**
   * @param {string} lane
   * @param {Operation} operation
   * @param {ApiError} error
   */
  #again(lane, operation, error) {
    const failures = this.#failures.get(operation.key) ?? 0;
    this.#failures.set(operation.key, failures + 1);
    const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures, 10));
    this.options.onHeldUp?.();
    this.options.later(error.retryAfterMs ?? 200 + this.options.random() * ceiling, () => void this.#work(lane));
  }

  /**
   * @param {Operation} operation
   * @param {ApiError} error
   */
  #mayPass({ key }, error) {
    if (error.status === 401) return true; // logged out: the change waits for the next log-in
    const broken = error.status >= 500 && error.status !== 503;
    return error.isPassing && !(broken && (this.#failures.get(key) ?? 0) >= SERVER_ERRORS);
  }

  /**
   * @param {Operation} operation
   * @returns {Operation | null}  null while it speaks of something that the server has not named yet
   */
  #resolved(operation) {
    const { kind, task, column, after, moveTo } = operation;
    const names = {
      task: kind === "task.create" ? task : this.realId(task),
      column: kind === "column.create" ? column : this.realId(column),
      after: this.realId(after),
      moveTo: this.realId(moveTo),
    };
    const own = kind === "task.create" ? task : kind === "column.create" ? column : null;
    const unknown = Object.values(names).some((id) => id !== own && isTemporary(id));
    return unknown ? null : /** @type {Operation} */ ({ ...operation, ...names });
  }
}

/** @param {Operation} operation */
function laneOf({ task, column, comment }) {
  return task ?? comment ?? column ?? "board";
}
