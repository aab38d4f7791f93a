import { Feed } from "./feed.js";
import { log } from "./log.js";
import { NEW_LOG_IN_MS } from "./closing.js";
import { Poller } from "./poller.js";
import { fullJitter } from "./backoff.js";

/** @typedef {import("./frames.js").LogEvent} LogEvent */
/** @typedef {import("./line.js").Line} Line */

/**
 * How a room of the domain looks on the wire; handed in, so that nothing here knows what a room stands for.
 * @typedef {object} RoomKind
 * @property {string} name            "project" gives the frames `project:join` and `project:leave`
 * @property {string} idKey           the room id's key on the wire, "projectId"
 * @property {string} eventsAddress   where the room's events are polled; `{room}` stands for its id
 */

/**
 * @typedef {object} RoomOptions
 * @property {RoomKind} kind
 * @property {Line} line
 * @property {import("./clock.js").Clock} clock
 * @property {() => number} random
 * @property {typeof fetch} fetch
 * @property {(event: LogEvent) => void} onEvent
 * @property {(name: "joined" | "trimmed" | "gone" | "refused", detail?: any) => void} onNews
 * @property {() => void} onChange
 */

/** Polling starts when the socket has not brought the room in within this; a quick reconnect needs no poll. */
const POLL_AFTER_MS = 700;
/** How long a head may be ahead of our cursor before we ask again: events may be on their way. */
const BEHIND_MS = 1_500;
const REJOIN_PAUSE_MS = 1_000;

/** One room that this page follows: over the socket when it is joined there, by polling for as long as it is not. */
export class Room {
  #joining = false;
  #askedAt = 0;
  #unauthenticated = 0;
  /** @type {(() => void)[]} */
  #timers = [];
  /** @type {(() => void) | null} */
  #cancelPolling = null;

  /**
   * @param {string} id
   * @param {number | null} cursor
   * @param {RoomOptions} options
   */
  constructor(id, cursor, options) {
    this.id = id;
    this.options = options;
    this.joined = false;
    this.left = false;
    /** The history no longer reaches back to our cursor: nothing can be asked until the board was loaded afresh. */
    this.halted = false;
    /** The server says that there is no such room, or not for us; joining tries anew. */
    this.gone = false;
    /** @type {"none" | "ok" | "failed"} */
    this.poll = "none";
    this.feed = new Feed(cursor, options.onEvent);
    this.poller = new Poller({
      address: (query) => `${options.kind.eventsAddress.replace("{room}", encodeURIComponent(id))}?${query}`,
      cursor: () => this.feed.cursor,
      onPage: (page) => this.#takePage(page),
      onOutcome: (ok) => this.#polled(ok),
      onRefused: (status) => this.#refused(status),
      backoff: fullJitter(options.random, { capMs: 10_000 }),
      clock: options.clock,
      fetch: options.fetch,
    });
  }

  /** Joins where the socket is up, else polls; `now` skips the moment of patience before polling. */
  follow(now = false) {
    if (this.left || this.halted) return;
    if (this.options.line.isOpen) void this.join();
    this.#pollUnlessJoined(now ? 0 : POLL_AFTER_MS);
  }

  leave() {
    this.left = true;
    this.#stopPolling();
    for (const cancel of this.#timers) cancel();
    const frame = { [this.options.kind.idKey]: this.id };
    if (this.joined) this.options.line.request(`${this.options.kind.name}:leave`, frame).catch(() => undefined);
    this.joined = false;
  }

  /** The page gave the connection up; `follow` takes it up again. */
  pause() {
    this.joined = false;
    this.#stopPolling();
  }

  /** The socket went away. @param {boolean} pollNow */
  lineDown(pollNow) {
    this.joined = this.#joining = false;
    this.#pollUnlessJoined(pollNow ? 0 : POLL_AFTER_MS);
  }

  /** Asks the server for everything after our cursor, and for what comes after that. */
  async join() {
    if (this.#joining || this.left || this.halted || !this.options.line.isOpen) return;
    this.#joining = true;
    this.#askedAt = this.options.clock.now();
    const since = this.feed.cursor === null ? {} : { since: this.feed.cursor };
    try {
      const answer = await this.options.line.request(`${this.options.kind.name}:join`, { [this.options.kind.idKey]: this.id, ...since });
      this.#joined(answer);
    } catch (error) {
      this.#joinFailed(/** @type {any} */ (error));
    } finally {
      this.#joining = false;
    }
  }

  /** @param {LogEvent} event */
  receive(event) {
    if (this.left || this.feed.accept(event) !== "hole") return;
    log("room", this.id, "hole before", event.seq, "have", this.feed.cursor);
    this.#askAgain();
  }

  /**
   * The heartbeat's word on where the log stands.
   * @param {number | undefined} head  undefined when the server does not think that we are in the room
   */
  hearHead(head) {
    if (!this.joined) return;
    if (head === undefined) this.#later(BEHIND_MS, () => void this.join());
    else if (this.feed.isBehind(head)) this.#later(BEHIND_MS, () => this.feed.isBehind(head) && void this.join());
  }

  /** Goes on from a board that was loaded afresh. @param {number} seq */
  restartAt(seq) {
    this.feed.cursor = seq;
    this.halted = false;
    this.follow(true);
  }

  /** @param {any} answer */
  #joined(answer) {
    if (this.left) return;
    this.feed.startAt(answer.seq);
    this.joined = true;
    this.gone = false;
    this.#stopPolling();
    log("room", this.id, "joined at", answer.seq);
    this.options.onNews("joined", answer);
    this.options.onChange();
  }

  /** @param {{code?: string, retryAfterMs?: number}} error */
  #joinFailed(error) {
    if (this.left) return;
    log("room", this.id, "join failed", error.code);
    if (error.code === "history-trimmed") this.#trimmed();
    else if (error.code === "not-found") this.#gone();
    else if (error.code === "timeout") this.options.line.recycle();
    else if (error.code !== "closed") this.#later(error.retryAfterMs ?? 5 * REJOIN_PAUSE_MS, () => void this.join());
  }

  #askAgain() {
    const sinceLast = this.options.clock.now() - this.#askedAt;
    if (sinceLast >= REJOIN_PAUSE_MS) void this.join();
    else this.#later(REJOIN_PAUSE_MS - sinceLast, () => void this.join());
  }

  /** @param {import("./poller.js").Page} page */
  #takePage(page) {
    // A hole in a page cannot be; should a proxy ever serve a stale one, the next request asks from our cursor again.
    this.feed.acceptAll(page.events);
    if (page.events.length === 0) this.feed.startAt(page.seq);
  }

  /** @param {boolean} ok */
  #polled(ok) {
    if (ok) this.#unauthenticated = 0;
    this.poll = ok ? "ok" : "failed";
    this.options.onChange();
  }

  /** @param {number} status */
  #refused(status) {
    if (status === 410) return this.#trimmed();
    if (status === 404) return this.#gone();
    if (status === 401 && ++this.#unauthenticated === 1) return this.#later(NEW_LOG_IN_MS, () => this.#pollUnlessJoined(0));
    this.poll = "failed";
    this.options.onNews("refused", status);
    this.options.onChange();
  }

  #gone() {
    this.gone = true;
    this.joined = false;
    this.#stopPolling();
    this.options.onNews("gone");
    this.options.onChange();
  }

  #trimmed() {
    this.halted = true;
    this.joined = false;
    this.#stopPolling();
    this.options.onNews("trimmed");
  }

  /** @param {number} delayMs */
  #pollUnlessJoined(delayMs) {
    if (this.joined || this.left || this.halted || this.poller.running) return;
    this.#cancelPolling?.();
    this.#cancelPolling = this.options.clock.after(delayMs, () => {
      this.#cancelPolling = null;
      if (!this.joined && !this.left && !this.halted) this.poller.start();
    });
  }

  #stopPolling() {
    this.#cancelPolling?.();
    this.#cancelPolling = null;
    this.poller.stop();
    this.poll = "none";
  }

  /**
   * @param {number} delayMs
   * @param {() => void} run
   */
  #later(delayMs, run) {
    const cancel = this.options.clock.after(delayMs, () => {
      this.#timers = this.#timers.filter((one) => one !== cancel);
      run();
    });
    this.#timers.push(cancel);
  }
}
