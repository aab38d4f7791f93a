/**
 * The board's model: the server's state, what people of this page have asked for, and the one view of both.
 *
 *     ask(kind, fields)       a change: it shows at once, and is sent until the server says yes or no. Whatever it creates
 *                             gets its id here: `ask("task.create", {column, changes}).task`
 *     unsaved                 words that the server has not taken, oldest first, over visits (queue_store.js, unsaved.js)
 *     sendAgain(key, fields)  asks for one of them once more, over what the other person wrote where both changed it
 *     drop(key)               forgets it
 *     safe                    false while leaving the page would lose something
 *     listen({changed, event, refused, answered, lost, identity})
 */

import { ApiError, call, loadBoard } from "./api.js";
import { WholeDescriptions } from "./descriptions.js";
import { newId } from "./new_id.js";
import { Outbox } from "./outbox.js";
import * as pending from "./pending.js";
import { sendOperation } from "./sending.js";
import { apply, boardOf } from "./store.js";
import { onceMore } from "./unsaved.js";

/** @typedef {import("./types.js").BoardEvent} BoardEvent */
/** @typedef {import("./pending.js").Operation} Operation */

/**
 * @typedef {object} BoardOptions
 * @property {import("./types.js").Snapshot} snapshot
 * @property {import("./types.js").Feed} feed
 * @property {string | null} userId
 * @property {import("./queue_store.js").QueueStore} store
 * @property {import("./outbox.js").OutboxOptions["lock"]} lock
 * @property {typeof call} [request]
 * @property {(run: () => void) => void} soon  before the next picture
 * @property {(delayMs: number, run: () => void) => void} later
 * @property {() => number} random
 *
 * @typedef {object} BoardListener
 * @property {() => void} [changed]  once for all that has changed since the last picture
 * @property {(event: BoardEvent, before: import("./store.js").Before) => void} [event]
 * @property {(operation: Operation, error: ApiError, dependents: Operation[]) => void} [refused]  with what could not be done either
 * @property {(operation: Operation, answer: any) => void} [answered]
 * @property {(problem: "gone" | "unreachable" | "refused") => void} [lost]
 * @property {() => void} [identity]  somebody else is logged in by now: what waits is held until this person is again
 */

/** So many events in one picture are not somebody's work but the past of a page that was away. */
const MANY_EVENTS = 20;
/** Between two pictures while it catches up: each costs more than all the events that it leaves time for. */
const CATCHING_UP_MS = 200;

export class BoardModel {
  /** @type {BoardListener[]} */
  #listeners = [];
  /** @type {import("./pending.js").BoardView | null} */
  #view = null;
  #reloading = false;
  #changedSoon = false;
  /** Events since the last picture. */
  #heard = 0;
  #catchingUp = false;
  /** Keys of what this very page asked for: another window of the same person is somebody else here. @type {Set<string>} */
  #asked = new Set();
  /** @type {{of: Map<string, import("./types.js").Member> | null, byUser: Map<string, import("./types.js").Member>}} */
  #members = { of: null, byUser: new Map() };
  #descriptions = new WholeDescriptions();
  #request;

  /** @param {BoardOptions} options */
  constructor(options) {
    this.options = options;
    this.#request = options.request ?? call;
    this.state = boardOf(options.snapshot);
    /** @type {Operation[]} */
    this.operations = [];
    /** We may no longer see this board; what is shown is what it was. */
    this.lost = false;
    this.store = options.store;
    this.unsaved = this.store.unsaved();
    this.outbox = new Outbox({
      store: this.store,
      lock: options.lock,
      send: (operation) => sendOperation(operation, this.id, this.#known, this.#request),
      onAnswer: (operation, answer) => this.#answered(operation, answer),
      onRefusal: (operation, error, dependents) => this.#refused(operation, error, dependents),
      onHeldUp: (error) => this.#heldUp(error),
      random: options.random,
      now: Date.now,
      later: options.later,
    });
    this.feed = options.feed;
  }

  start() {
    const { feed } = this.options;
    feed.on("*", (event) => event.projectId === this.id && this.apply(event));
    feed.on("trimmed", ({ room }) => room === this.id && void this.reload());
    feed.on("gone", ({ room }) => room === this.id && this.lose());
    feed.on("refused", ({ room }) => room === this.id && this.#tell("lost", "refused"));
    this.store.listen({
      put: (operation) => {
        this.#show(operation);
        this.outbox.wake(); // its page may close before it has sent it
      },
      finished: (operation, end) => this.#finishedElsewhere(operation, end),
      unsavedChanged: () => this.#readUnsaved(),
    });
    for (const operation of this.store.waiting()) this.#show(operation, true);
    this.outbox.wake();
    feed.joinProject(this.id, this.state.seq);
  }

  get id() {
    return this.options.snapshot.project.id;
  }

  /** @returns {import("./pending.js").BoardView} */
  get view() {
    this.#view ??= pending.viewOf(this.state, this.operations);
    return this.#view;
  }

  /** @returns {import("./types.js").Role | null} */
  get role() {
    return this.#member(this.options.userId)?.role ?? null;
  }

  get canWrite() {
    return !this.state.deleted && !this.lost && (this.role === "owner" || this.role === "editor");
  }

  /** @param {string | null | undefined} userId */
  person(userId) {
    return this.#member(userId)?.user;
  }

  /** @param {string | null | undefined} userId */
  #member(userId) {
    const { members } = this.state;
    if (this.#members.of !== members) this.#members = { of: members, byUser: new Map([...members.values()].map((one) => [one.user.id, one])) };
    return this.#members.byUser.get(userId ?? "");
  }

  /**
   * The whole description of a task of the view; null where only its beginning is known.
   * @param {import("./pending.js").TaskView} task
   */
  wholeDescription(task) {
    return this.#descriptions.of(task);
  }

  /**
   * Reads a task whole, from its own address.
   * @param {string} taskId
   * @returns {Promise<import("./types.js").Task>}
   */
  async loadTask(taskId) {
    const task = await this.#request(`/api/tasks/${taskId}/`);
    this.#descriptions.learn(task);
    this.#changed();
    return task;
  }

  /** @param {BoardListener} listener */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /**
   * @param {string} kind
   * @param {Partial<Operation>} fields
   * @returns {Operation}
   */
  ask(kind, fields) {
    const created = pending.createdBy(kind);
    const operation = { ...(created && { [created]: newId() }), ...this.#baseOf(kind, fields), ...fields, key: newId(), kind };
    this.store.put(operation);
    this.#show(operation, true);
    this.outbox.wake();
    return operation;
  }

  /**
   * @param {string} key
   * @param {Partial<Operation>} [instead]  fields that are to be others, as the column where the first one is gone
   */
  sendAgain(key, instead = {}) {
    const entry = this.unsaved.find((one) => one.key === key);
    for (const { kind, key: _key, ...fields } of entry ? onceMore(entry, instead) : []) this.ask(kind, fields);
    this.drop(key);
  }

  /** @param {string} key */
  drop(key) {
    this.store.drop(key);
    this.#readUnsaved();
  }

  /** Whether what waits, and what was not saved, would outlive the page. */
  get safe() {
    return this.store.safe;
  }

  /**
   * What words were before a change of them, as the page shows it, where whoever asks does not say.
   * @param {string} kind
   * @param {Partial<Operation>} fields
   * @returns {Partial<Operation>}
   */
  #baseOf(kind, { task = "", column, changes = {} }) {
    if (kind === "column.rename") return { base: { name: this.view.columns.find((one) => one.id === column)?.name } };
    const shown = kind === "task.update" && pending.findTask(this.view, task)?.task;
    if (!shown) return {};
    const whole = /** @type {Record<string, any>} */ (this.#whole(shown));
    return { base: Object.fromEntries(Object.keys(changes).map((name) => [name, whole[name]])) };
  }

  /** @param {BoardEvent} event */
  apply(event) {
    const before = apply(this.state, event);
    if (!before) return;
    if (before.task) before.task = this.#whole(before.task);
    if (event.event.startsWith("task:")) this.#descriptions.learn(event.data);
    this.#heard += 1;
    if (event.mutationId && this.operations.some(({ key }) => key === event.mutationId)) this.outbox.confirm(event.mutationId, event.data);
    this.#keep(pending.settle(pending.confirmByEvent(this.operations, event), this.state));
    this.#tell("event", event, before);
    this.#changed();
  }

  /**
   * Whether this page asked for what the event tells of.
   * @param {BoardEvent} event
   */
  isOwn({ actor, mutationId }) {
    return actor?.id === this.options.userId && this.#asked.has(mutationId ?? "");
  }

  /** The board anew: its history no longer reaches back to us. */
  async reload() {
    if (this.#reloading) return;
    this.#reloading = true;
    try {
      const snapshot = await loadBoard(this.id, this.#request);
      this.state = boardOf(snapshot);
      this.#keep(pending.waiting(pending.settle(this.operations, this.state)));
      this.feed.restartAt(this.id, snapshot.seq);
      this.#changed();
    } catch (error) {
      if (error instanceof ApiError && error.isPassing) this.options.later(1000 + this.options.random() * 4000, () => void this.reload());
      else if (error instanceof ApiError && error.status === 401) this.#tell("lost", "refused");
      else this.lose();
    } finally {
      this.#reloading = false;
    }
  }

  /** The board is no longer ours to see. */
  lose() {
    if (this.lost) return;
    this.lost = true;
    this.#tell("lost", "gone");
    this.#changed();
  }

  /**
   * What was asked for in this page or in another one.
   * @param {Operation} operation
   * @param {boolean} [here]
   */
  #show(operation, here = false) {
    if (here) this.#asked.add(operation.key);
    const known = this.operations.some(({ key }) => key === operation.key);
    if (known) return;
    this.#keep([...this.operations, operation]);
    this.#changed();
  }

  /**
   * Another page has sent it, or heard of its event.
   * @param {Operation} operation
   * @param {import("./queue_store.js").End} end
   */
  #finishedElsewhere(operation, end) {
    if (!this.operations.some(({ key, answer }) => key === operation.key && !answer)) return;
    if ("answer" in end) this.#answered(operation, end.answer);
    else this.#refused(operation, new ApiError(end.problem), end.dependents);
  }

  #readUnsaved() {
    this.unsaved = this.store.unsaved();
    this.#changed();
  }

  /** @returns {import("./sending.js").Known} */
  get #known() {
    return {
      newest: (id) => this.#newest(id),
      load: (id) => this.loadTask(id),
      learn: (task) => this.#descriptions.learn(task),
      column: (id) => this.operations.findLast(({ answer }) => answer?.id === id)?.answer ?? this.state.columns.get(id),
      save: (operation) => this.store.put(operation),
    };
  }

  /** @param {ApiError} error */
  #heldUp(error) {
    if (error.isOfLogIn) this.#tell(error.status === 401 ? "lost" : "identity", "refused");
  }

  /**
   * The newest state of a task that is known here whole: an answer may be ahead of its event.
   * @param {string} taskId
   * @returns {import("./types.js").Task | undefined}
   */
  #newest(taskId) {
    const shown = this.state.tasks.get(taskId);
    const answers = this.operations.map(({ answer }) => answer).filter((answer) => answer?.id === taskId && answer.version);
    const [newest] = [...answers, ...(shown ? [this.#whole(shown)] : [])].sort((a, b) => b.version - a.version);
    return newest?.descriptionCut ? undefined : newest;
  }

  /**
   * With its whole description where that is known.
   * @param {import("./types.js").Task} task
   */
  #whole(task) {
    const description = task.descriptionCut ? this.#descriptions.of(task) : null;
    return description === null ? task : { ...task, description, descriptionCut: undefined };
  }

  /**
   * @param {Operation} operation
   * @param {any} answer
   */
  #answered(operation, answer) {
    if (operation.kind.startsWith("task.")) this.#descriptions.learn(answer);
    this.#keep(pending.settle(pending.confirmByAnswer(this.operations, operation.key, answer), this.state));
    this.#tell("answered", operation, answer);
    this.#changed();
  }

  /**
   * @param {Operation} operation
   * @param {ApiError} error
   * @param {Operation[]} dependents
   */
  #refused(operation, error, dependents) {
    this.#keep(pending.refuse(this.operations, [operation, ...dependents]));
    this.#readUnsaved();
    this.#tell("refused", operation, error, dependents);
  }

  /** @param {Operation[]} operations */
  #keep(operations) {
    if (operations === this.operations) return;
    this.operations = operations;
    this.feed.reportWaiting(pending.waiting(operations).length);
  }

  /** However many events come between two pictures, whoever draws is told once. */
  #changed() {
    this.#view = null;
    if (this.#changedSoon) return;
    this.#changedSoon = true;
    if (this.#catchingUp) this.options.later(CATCHING_UP_MS, () => this.#tellChanged());
    else this.options.soon(() => this.#tellChanged());
  }

  #tellChanged() {
    this.#changedSoon = false;
    this.#catchingUp = this.#heard > MANY_EVENTS;
    this.#heard = 0;
    this.#tell("changed");
  }

  /**
   * @param {keyof BoardListener} what
   * @param {...any} details
   */
  #tell(what, ...details) {
    for (const listener of this.#listeners) /** @type {any} */ (listener[what])?.(...details);
  }
}
