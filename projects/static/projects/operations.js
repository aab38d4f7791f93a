/**
 * The operations of one person and board: those that wait, those that are answered and do not show on the
 * board yet, and those that were refused. What other pages of the person do is among them.
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {import("./store.js").Board} Board
 * @typedef {import("./types.js").BoardEvent} BoardEvent
 * @typedef {import("./queue_store.js").Unsaved} Unsaved
 *
 * @typedef {object} OperationsOptions
 * @property {import("./queue_store.js").QueueStore} store
 * @property {import("./outbox.js").OutboxOptions["lock"]} lock
 * @property {import("./outbox.js").OutboxOptions["send"]} send
 * @property {(delayMs: number, run: () => void) => void} later
 * @property {() => number} random
 * @property {() => Board} board  as the server has it
 * @property {(waiting: number) => void} changed  with how many wait
 * @property {(operation: Operation, answer: any) => void} answered
 * @property {(operation: Operation, error: ApiError, dependents: Operation[]) => void} refused
 * @property {(error: ApiError) => void} [heldUp]
 * @property {() => void} overdue  something was answered, and the board does not show it: load that afresh
 */

import { ApiError } from "./api.js";
import { Outbox } from "./outbox.js";
import * as pending from "./pending.js";

/** An event comes within seconds of the answer, or it came before the board was loaded. */
const OVERDUE_MS = 15_000;

export class Operations {
  /** Oldest first; replaced as a whole. @type {Operation[]} */
  list = [];
  /** Oldest first. @type {Unsaved[]} */
  unsaved;
  /** Keys of what this very page asked for. @type {Set<string>} */
  #own = new Set();

  /** @param {OperationsOptions} options */
  constructor(options) {
    this.options = options;
    this.store = options.store;
    this.unsaved = this.store.unsaved();
    this.outbox = new Outbox({
      ...options,
      now: Date.now,
      onAnswer: (operation, answer) => this.#answered(operation, answer),
      onRefusal: (operation, error, dependents) => this.#refused(operation, error, dependents),
      onHeldUp: options.heldUp,
    });
  }

  /** With what an earlier visit has left. */
  start() {
    this.store.listen({
      put: (operation) => {
        this.#show(operation);
        this.outbox.wake(); // its page may close before it has sent it
      },
      finished: (operation, end) => this.#finishedElsewhere(operation, end),
      unsavedChanged: () => this.readUnsaved(),
    });
    for (const operation of this.store.waiting()) this.#showOwn(operation);
    this.outbox.wake();
  }

  /** @param {Operation} operation */
  add(operation) {
    this.store.put(operation);
    this.#showOwn(operation);
    this.outbox.wake();
  }

  /** @param {string} key */
  isOwn(key) {
    return this.#own.has(key);
  }

  /**
   * The board has changed by an event: if it is of one of these, that one is done.
   * @param {BoardEvent} event
   */
  confirm(event) {
    const { mutationId } = event;
    const isOfThese = this.list.some(({ key }) => key === mutationId);
    if (mutationId && isOfThese) this.outbox.confirm(mutationId, event.data);
    this.#keep(pending.settle(pending.confirmByEvent(this.list, event), this.options.board()));
  }

  /** The board was loaded afresh, with whatever has been answered. */
  boardLoaded() {
    this.#keep(pending.waiting(this.list));
  }

  readUnsaved() {
    this.unsaved = this.store.unsaved();
    this.#tellChanged();
  }

  /** @param {Operation} operation */
  #showOwn(operation) {
    this.#own.add(operation.key);
    this.#show(operation);
  }

  /** @param {Operation} operation */
  #show(operation) {
    if (!this.list.some(({ key }) => key === operation.key)) this.#keep([...this.list, operation]);
  }

  /**
   * Another page has sent it, or heard of its event.
   * @param {Operation} operation
   * @param {import("./queue_store.js").End} end
   */
  #finishedElsewhere(operation, end) {
    if (!this.list.some(({ key, answer }) => key === operation.key && !answer)) return;
    if ("answer" in end) this.#answered(operation, end.answer);
    else this.#refused(operation, new ApiError(end.problem), end.dependents);
  }

  /**
   * @param {Operation} operation
   * @param {any} answer
   */
  #answered(operation, answer) {
    const answered = pending.confirmByAnswer(this.list, operation.key, answer);
    this.#keep(pending.settle(answered, this.options.board()));
    this.options.answered(operation, answer);
    const isLeft = () => this.list.some(({ key }) => key === operation.key);
    if (isLeft()) this.options.later(OVERDUE_MS, () => isLeft() && this.options.overdue());
  }

  /**
   * @param {Operation} operation
   * @param {ApiError} error
   * @param {Operation[]} dependents
   */
  #refused(operation, error, dependents) {
    this.#keep(pending.refuse(this.list, [operation, ...dependents]));
    this.readUnsaved();
    this.options.refused(operation, error, dependents);
  }

  /** @param {Operation[]} operations */
  #keep(operations) {
    if (operations === this.list) return;
    this.list = operations;
    this.#tellChanged();
  }

  #tellChanged() {
    this.options.changed(pending.waiting(this.list).length);
  }
}
