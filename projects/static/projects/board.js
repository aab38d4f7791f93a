import { ApiError, call, loadBoard } from "./api.js";
import { WholeDescriptions } from "./descriptions.js";
import { Outbox } from "./outbox.js";
import * as pending from "./pending.js";
import { sendOperation } from "./sending.js";
import { apply, boardOf } from "./store.js";

/** @typedef {import("./types.js").BoardEvent} BoardEvent */
/** @typedef {import("./pending.js").Operation} Operation */

/**
 * @typedef {object} BoardOptions
 * @property {import("./types.js").Snapshot} snapshot
 * @property {import("./types.js").Feed} feed
 * @property {string | null} userId
 * @property {{load: () => Operation[], save: (operations: Operation[]) => void}} kept
 * @property {(run: () => void) => void} soon  before the next picture
 * @property {(delayMs: number, run: () => void) => void} later
 *
 * @typedef {object} BoardListener
 * @property {() => void} [changed]  once for all that has changed since the last picture
 * @property {(event: BoardEvent, before: import("./store.js").Before) => void} [event]
 * @property {(operation: Operation, error: ApiError) => void} [refused]
 * @property {(operation: Operation, answer: any) => void} [answered]
 * @property {(problem: "gone" | "unreachable" | "refused") => void} [lost]
 */

/** So many events in one picture are not somebody's work but the past of a page that was away. */
const MANY_EVENTS = 20;
/** Between two pictures while it catches up: each costs more than all the events that it leaves time for. */
const CATCHING_UP_MS = 200;

/** The board's model: the server's state, what this page has asked for, and the one view of both. */
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

  /** @param {BoardOptions} options */
  constructor(options) {
    this.options = options;
    this.state = boardOf(options.snapshot);
    /** @type {Operation[]} */
    this.operations = [];
    /** We may no longer see this board; what is shown is what it was. */
    this.lost = false;
    this.outbox = new Outbox({
      send: (operation) => this.#send(operation),
      onAnswer: (operation, answer) => this.#answered(operation, answer),
      onRefusal: (operation, error) => this.#refused(operation, error),
      random: Math.random,
      later: options.later,
    });
    this.feed = options.feed;
  }

  start() {
    const { feed, kept } = this.options;
    feed.on("*", (event) => event.projectId === this.id && this.apply(event));
    feed.on("trimmed", ({ room }) => room === this.id && void this.reload());
    feed.on("gone", ({ room }) => room === this.id && this.lose());
    feed.on("refused", ({ room }) => room === this.id && this.#tell("lost", "refused"));
    for (const operation of kept.load()) this.#enqueue(operation);
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
    const task = await call(`/api/tasks/${taskId}/`);
    this.#descriptions.learn(task);
    this.#changed();
    return task;
  }

  /** @param {BoardListener} listener */
  listen(listener) {
    this.#listeners.push(listener);
  }

  /**
   * Asks for a change: it shows at once and is sent until the server says yes or no.
   * @param {string} kind
   * @param {Partial<Operation>} fields
   * @returns {Operation}
   */
  ask(kind, fields) {
    const key = crypto.randomUUID();
    const made = kind === "task.create" ? { task: pending.temporaryId(key) } : kind === "column.create" ? { column: pending.temporaryId(key) } : {};
    const operation = { ...fields, ...made, key, kind };
    this.#enqueue(operation);
    return operation;
  }

  /** @param {BoardEvent} event */
  apply(event) {
    const before = apply(this.state, event);
    if (!before) return;
    if (before.task) before.task = this.#whole(before.task);
    if (event.event.startsWith("task:")) this.#descriptions.learn(event.data);
    this.#heard += 1;
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
      const snapshot = await loadBoard(this.id);
      this.state = boardOf(snapshot);
      this.#keep(pending.waiting(pending.settle(this.operations, this.state)));
      this.feed.restartAt(this.id, snapshot.seq);
      this.#changed();
    } catch (error) {
      if (error instanceof ApiError && error.isPassing) setTimeout(() => void this.reload(), 1000 + Math.random() * 4000);
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

  /** @param {Operation} operation */
  #enqueue(operation) {
    this.#asked.add(operation.key);
    this.#keep([...this.operations, operation]);
    this.#changed();
    this.outbox.add(operation);
  }

  /**
   * @param {Operation} operation
   * @returns {Promise<any>}
   */
  async #send(operation) {
    const known = {
      newest: (/** @type {string} */ id) => this.#newest(id),
      load: (/** @type {string} */ id) => this.loadTask(id),
      learn: (/** @type {import("./types.js").Task} */ task) => this.#descriptions.learn(task),
    };
    try {
      return await sendOperation(operation, this.id, known);
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) this.#tell("lost", "refused");
      throw error;
    }
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
   */
  #refused(operation, error) {
    this.#keep(pending.refuse(this.operations, operation.key));
    this.#tell("refused", operation, error);
    this.#changed();
  }

  /** @param {Operation[]} operations */
  #keep(operations) {
    if (operations === this.operations) return;
    this.operations = operations;
    const waiting = pending.waiting(operations);
    this.options.kept.save(waiting);
    this.feed.reportWaiting(waiting.length);
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
