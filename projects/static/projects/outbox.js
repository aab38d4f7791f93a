/**
 * Sends what waits in the order in which it was asked for, one operation after the other, each with its own
 * key, again and again with that same key until the server answers yes or no. So what was done in an order
 * arrives in it.
 *
 * All pages of one person and board have one queue. Whichever page has the lock sends the oldest operation;
 * the others hear from the store what became of it. Where a browser has no locks, two pages may both send it:
 * its key makes that one change, and neither goes on before it is answered.
 *
 *     wake()                sends what waits, unless the server has just asked for a pause
 *     retryNow()            sends what waits
 *     confirm(key, answer)  the server's yes has come by another way: as an event
 *
 * @typedef {import("./pending.js").Operation} Operation
 *
 * @typedef {object} OutboxOptions
 * @property {import("./queue_store.js").QueueStore} store
 * @property {(operation: Operation) => Promise<any>} send  rejects with an ApiError
 * @property {(run: () => Promise<boolean>) => Promise<boolean>} lock  runs it while no other page does
 * @property {(operation: Operation, answer: any) => void} onAnswer
 * @property {(operation: Operation, error: ApiError, dependents: Operation[]) => void} onRefusal
 * @property {(error: ApiError) => void} [onHeldUp]  a request failed in a way that may pass
 * @property {() => number} random
 * @property {() => number} now  in ms
 * @property {(delayMs: number, run: () => void) => void} later
 */

import { ApiError } from "./api.js";
import { dependentsOf } from "./pending.js";
import { unsavedOf } from "./unsaved.js";

const BASE_MS = 1000;
const CAP_MS = 15_000;
/**
 * A server that answers one request with 500 this often will not change its mind; one that is silent may
 * return.
 */
const SERVER_ERRORS = 6;

/** @typedef {{answer: any} | {error: ApiError}} Outcome */

export class Outbox {
  #running = false;
  /** Somebody asked to send while the last look at the queue was under way. */
  #woken = false;
  /** The pause that the next try waits for. @type {object | null} */
  #pause = null;
  /** @type {Map<string, number>} */
  #failures = new Map();
  /**
   * What is on its way, and how to end the wait for its answer.
   * @type {{key: string, end: (outcome: Outcome) => void} | null}
   */
  #sending = null;

  /** @param {OutboxOptions} options */
  constructor(options) {
    this.options = options;
  }

  wake() {
    this.#woken = true;
    if (!this.#running && !this.#pause) void this.#run();
  }

  /** Also within a pause: the network is back, or somebody has logged in. */
  retryNow() {
    this.#pause = null;
    this.wake();
  }

  /**
   * @param {string} key
   * @param {any} answer
   */
  confirm(key, answer) {
    if (this.#sending?.key === key) return this.#sending.end({ answer });
    const operation = this.options.store.waiting().find((one) => one.key === key);
    if (operation) this.#finish(operation, { answer });
  }

  async #run() {
    this.#running = true;
    try {
      while (this.#woken) {
        this.#woken = false;
        while (!this.#pause && (await this.options.lock(() => this.#sendOldest())));
      }
    } finally {
      this.#running = false;
    }
  }

  /** @returns {Promise<boolean>}  whether to go on with the next */
  async #sendOldest() {
    const [operation] = this.options.store.waiting();
    if (!operation) return false;
    const outcome = await this.#outcomeOf(operation);
    const waits = "error" in outcome && this.#mayPass(operation, outcome.error);
    if (waits) this.#wait(operation, outcome.error);
    else this.#finish(operation, outcome);
    return !waits;
  }

  /**
   * @param {Operation} operation
   * @returns {Promise<Outcome>}
   */
  async #outcomeOf(operation) {
    try {
      return await new Promise((resolve) => {
        this.#sending = { key: operation.key, end: resolve };
        this.options.send(operation).then(
          (answer) => resolve({ answer }),
          (error) => resolve({ error: error instanceof ApiError ? error : unsendable(error) }),
        );
      });
    } finally {
      this.#sending = null;
    }
  }

  /**
   * @param {Operation} operation
   * @param {Outcome} outcome
   */
  #finish(operation, outcome) {
    const { store } = this.options;
    const waiting = store.waiting();
    this.#failures.delete(operation.key);
    const isLeft = waiting.some(({ key }) => key === operation.key);
    if (!isLeft) return; // another page was faster, and tells this one
    if ("error" in outcome) {
      const dependents = dependentsOf(operation, waiting);
      const unsaved = unsavedOf(operation, dependents, outcome.error.problem, this.options.now());
      if (unsaved) store.keep(unsaved);
      store.finish([operation, ...dependents], { problem: outcome.error.problem, dependents });
      this.options.onRefusal(operation, outcome.error, dependents);
    } else {
      store.finish([operation], { answer: outcome.answer });
      this.options.onAnswer(operation, outcome.answer);
    }
  }

  /**
   * @param {Operation} operation
   * @param {ApiError} error
   */
  #wait({ key }, error) {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const ceiling = Math.min(CAP_MS, BASE_MS * 2 ** Math.min(failures, 10));
    const delayMs = error.retryAfterMs ?? 200 + this.options.random() * ceiling;
    const pause = (this.#pause = {});
    this.options.later(delayMs, () => this.#pause === pause && this.retryNow());
    this.options.onHeldUp?.(error);
  }

  /**
   * @param {Operation} operation
   * @param {ApiError} error
   */
  #mayPass({ key }, error) {
    if (error.isOfLogIn) return true; // it waits until this person is logged in again
    const broken = error.status >= 500 && error.status !== 503;
    return error.isPassing && !(broken && (this.#failures.get(key) ?? 0) >= SERVER_ERRORS);
  }
}

/**
 * What another version of the page has left, perhaps: no request can be made of it.
 * @param {unknown} error
 */
function unsendable(error) {
  return new ApiError({ status: 400, code: "unsendable", detail: String(error) });
}
