/**
 * The board's model: the server's state, what people of this page have asked for, and the one view of both.
 *
 *     ask(kind, fields)       a change: shows at once, and is sent until the server says yes or no; what it
 *                             creates gets its id here: `ask("task.create", {column, changes}).task`
 *     unsaved                 words that the server has not taken, oldest first, over visits (`Unsaved` in
 *                             queue_store.js; `wordsOf` in unsaved.js)
 *     sendAgain(key, fields)  asks for one of them once more; over the other's words where both changed them
 *     drop(key)               forgets it
 *     safe                    false while leaving the page would lose something
 *     listen({changed, event, refused, answered, lost, found})
 */

import { ApiError, call, loadBoard } from "./api.js";
import { WholeDescriptions } from "./descriptions.js";
import { newId } from "./new_id.js";
import { Operations } from "./operations.js";
import * as pending from "./pending.js";
import { PicturePace } from "./picture_pace.js";
import { sendOperation } from "./sending.js";
import { apply, boardOf } from "./store.js";
import { onceMore } from "./unsaved.js";

/** @typedef {import("./types.js").BoardEvent} BoardEvent */
/** @typedef {import("./types.js").Member} Member */
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
 * @property {() => boolean} [isOurs]  whether the person whom the page shows is still the one who is logged
 *   in
 *
 * @typedef {object} BoardListener
 * @property {() => void} [changed]  once for all that has changed since the last picture
 * @property {(event: BoardEvent, before: import("./store.js").Before) => void} [event]
 * @property {(operation: Operation, error: ApiError, dependents: Operation[]) => void} [refused]  with what
 *   could not be done either
 * @property {(operation: Operation, answer: any) => void} [answered]
 * @property {() => void} [lost]  the board is no longer ours to see
 * @property {() => void} [found]  a board that was lost can be seen again
 */

export class BoardModel {
  /** @type {BoardListener[]} */
  #listeners = [];
  /** @type {import("./pending.js").BoardView | null} */
  #view = null;
  #reloading = false;
  /** @type {{of: Map<string, Member> | null, byUser: Map<string, Member>}} */
  #members = { of: null, byUser: new Map() };
  #descriptions = new WholeDescriptions();
  #request;
  #pace;

  /** @param {BoardOptions} options */
  constructor(options) {
    this.options = options;
    this.#request = options.request ?? call;
    this.#pace = new PicturePace({ ...options, draw: () => this.#tell("changed") });
    this.state = boardOf(options.snapshot);
    /** We may no longer see this board; what is shown is what it was. */
    this.lost = false;
    this.asked = new Operations({
      ...options,
      send: (operation) => sendOperation(operation, this.id, this.#known, this.#request),
      board: () => this.state,
      changed: (waiting) => {
        this.feed.reportWaiting(waiting);
        this.#changed();
      },
      overdue: () => void this.reload(),
      answered: (operation, answer) => this.#answered(operation, answer),
      refused: (...refused) => this.#tell("refused", ...refused),
    });
    this.feed = options.feed;
  }

  start() {
    const { feed } = this.options;
    feed.on("*", (event) => event.projectId === this.id && this.apply(event));
    feed.on("trimmed", ({ room }) => room === this.id && void this.reload());
    feed.on("gone", ({ room }) => room === this.id && void this.reload({ renew: true }));
    feed.on("joined", ({ room }) => room === this.id && this.#found());
    this.asked.start();
    feed.joinProject(this.id, this.state.seq);
  }

  get id() {
    return this.options.snapshot.project.id;
  }

  /** What was asked for and does not show on the server's board yet. */
  get operations() {
    return this.asked.list;
  }

  get unsaved() {
    return this.asked.unsaved;
  }

  /** Whether what waits, and what was not saved, would outlive the page. */
  get safe() {
    return this.options.store.safe;
  }

  /** Tries what waits, now. */
  retryNow() {
    this.asked.outbox.retryNow();
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
    const isOurs = this.options.isOurs?.() ?? true;
    return isOurs && !this.state.deleted && !this.lost && (this.role === "owner" || this.role === "editor");
  }

  /**
   * A member; or who was one, and is still assigned to tasks.
   * @param {string | null | undefined} userId
   */
  person(userId) {
    return this.#member(userId)?.user ?? this.state.people.get(userId ?? "");
  }

  /** @param {string | null | undefined} userId */
  #member(userId) {
    const { members } = this.state;
    if (this.#members.of !== members) {
      const byUser = new Map([...members.values()].map((one) => [one.user.id, one]));
      this.#members = { of: members, byUser };
    }
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
    const made = created && { [created]: newId() };
    const operation = { ...made, ...this.#baseOf(kind, fields), ...fields, key: newId(), kind };
    this.asked.add(operation);
    return operation;
  }

  /**
   * @param {string} key
   * @param {Partial<Operation>} [instead]  fields that are to be others, as the column where that is gone
   */
  sendAgain(key, instead = {}) {
    const entry = this.unsaved.find((one) => one.key === key);
    const operations = entry ? onceMore(entry, instead) : [];
    for (const { kind, key: _key, ...fields } of operations) this.ask(kind, fields);
    this.drop(key);
  }

  /**
   * @param {string} key
   * @returns {() => void}  brings it back
   */
  drop(key) {
    const { store } = this.options;
    const entry = this.unsaved.find((one) => one.key === key);
    store.drop(key);
    this.asked.readUnsaved();
    return () => {
      if (entry) store.keep(entry);
      this.asked.readUnsaved();
    };
  }

  /**
   * What words were before a change of them, as the page shows it, where whoever asks does not say.
   * @param {string} kind
   * @param {Partial<Operation>} fields
   * @returns {Partial<Operation>}
   */
  #baseOf(kind, { task = "", column, changes = {} }) {
    const { columns } = this.view;
    if (kind === "column.rename") return { base: { name: columns.find((one) => one.id === column)?.name } };
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
    this.#pace.noteEvent();
    this.asked.confirm(event);
    this.#tell("event", event, before);
    this.#changed();
  }

  /**
   * Whether this page asked for what the event tells of.
   * @param {BoardEvent} event
   */
  isOwn({ actor, mutationId }) {
    return actor?.id === this.options.userId && this.asked.isOwn(mutationId ?? "");
  }

  /**
   * The board anew: its history no longer reaches back to us, or the server says that it has no such board,
   * which may be so for somebody who was logged in for a moment alone.
   * @param {{renew?: boolean}} [options]  renew: by a connection of whoever is logged in now
   */
  async reload({ renew = false } = {}) {
    if (this.#reloading) return;
    this.#reloading = true;
    try {
      const snapshot = await loadBoard(this.id, this.#request);
      this.state = boardOf(snapshot);
      this.asked.boardLoaded();
      if (renew) this.feed.renew();
      this.feed.restartAt(this.id, snapshot.seq);
      this.#changed();
    } catch (error) {
      const { later, random } = this.options;
      const refused = error instanceof ApiError && error;
      if (refused && refused.isPassing) later(1000 + random() * 4000, () => void this.reload({ renew }));
      else if (!(refused && refused.isOfLogIn)) this.lose();
    } finally {
      this.#reloading = false;
    }
  }

  #found() {
    if (!this.lost) return;
    this.lost = false;
    this.#tell("found");
    this.#changed();
  }

  /** The board is no longer ours to see. */
  lose() {
    if (this.lost) return;
    this.lost = true;
    this.#tell("lost");
    this.#changed();
  }

  /** @returns {import("./sending.js").Known} */
  get #known() {
    return {
      newest: (id) => this.#newest(id),
      load: (id) => this.loadTask(id),
      learn: (task) => this.#descriptions.learn(task),
      column: (id) => this.#answersOf(id).at(-1) ?? this.state.columns.get(id),
      save: (operation) => this.options.store.replace(operation),
    };
  }

  /**
   * The newest state of a task that is known here whole: an answer may be ahead of its event.
   * @param {string} taskId
   * @returns {import("./types.js").Task | undefined}
   */
  #newest(taskId) {
    const shown = this.state.tasks.get(taskId);
    const known = [...this.#answersOf(taskId), ...(shown ? [this.#whole(shown)] : [])];
    const [newest] = known.sort((a, b) => b.version - a.version);
    return newest?.descriptionCut ? undefined : newest;
  }

  /**
   * What the server has said of a task or column in answers whose events have not come yet.
   * @param {string} id
   * @returns {any[]}
   */
  #answersOf(id) {
    return this.operations.map(({ answer }) => answer).filter((answer) => answer?.id === id);
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
    this.#tell("answered", operation, answer);
    this.#changed();
  }

  /** Whether one may write has changed, and not by an event. */
  refresh() {
    this.#changed();
  }

  #changed() {
    this.#view = null;
    this.#pace.changed();
  }

  /**
   * A listener that fails keeps neither the others nor the queue from going on.
   * @param {keyof BoardListener} what
   * @param {...any} details
   */
  #tell(what, ...details) {
    for (const listener of this.#listeners) {
      try {
        /** @type {any} */ (listener[what])?.(...details);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
