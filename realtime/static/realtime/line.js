import { afterClose } from "./closing.js";
import { fullJitter } from "./backoff.js";
import { STALE_MS } from "./directory.js";
import { FrameSocket } from "./frame_socket.js";
import { log } from "./log.js";
import { isFresh } from "./status.js";

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {"idle" | "waiting" | "connecting" | "open"} LineState */

/**
 * @typedef {object} LineOptions
 * @property {import("./directory.js").Directory} directory
 * @property {import("./clock.js").Clock} clock
 * @property {() => number} random
 * @property {import("./frame_socket.js").OpenSocket} open
 * @property {string} ownSocket  the socket of the page's own origin, for when the one that the server names cannot be opened
 * @property {(hello: any) => void} onOpen
 * @property {(frame: Frame) => void} onFrame
 * @property {(next: import("./closing.js").Next | null) => void} onDown  null when we ended it ourselves
 * @property {() => void} onChange
 */

/** Up for this long, a connection counts as good and the backoff starts over. */
const SETTLED_MS = 10_000;
/** A server that said a moment ago that sockets are welcome is tried at least this often, so that Live returns soon. */
const WELCOME_CAP_MS = 10_000;
const PROBE_TIMEOUT_MS = 2_500;
const DEFAULT_HEARTBEAT_MS = 10_000;

/** Keeps one socket open for as long as it is wanted, and knows when to try again. */
export class Line {
  /** @type {FrameSocket | null} */
  #socket = null;
  /** @type {(() => void) | null} */
  #cancelRetry = null;
  #wanted = false;
  #openedAt = 0;
  /** Whether the page's own origin is tried in place of the address that the server names. */
  #tryOwn = false;
  /** @type {{reconnectAfterMs?: number, retryAfterMs?: number}} */
  #hints = {};

  /** @param {LineOptions} options */
  constructor(options) {
    this.options = options;
    /** @type {LineState} */
    this.state = "idle";
    this.attempts = 0;
    this.nextTryAt = /** @type {number | null} */ (null);
    this.switchedOff = false;
    this.why = "";
    this.lastClose = /** @type {{code: number, reason: string} | null} */ (null);
    this.heartbeatMs = DEFAULT_HEARTBEAT_MS;
    this.latencyMs = /** @type {number | null} */ (null);
    this.hello = /** @type {any} */ (null);
  }

  get isOpen() {
    return this.state === "open";
  }

  get lastFrameAt() {
    return this.#socket?.lastFrameAt ?? 0;
  }

  start() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.attempts = 0;
    void this.#attempt();
  }

  stop() {
    this.#wanted = false;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.nextTryAt = null;
    this.#drop(1000, "left");
    this.#change("idle");
  }

  /** Tries now, whatever the backoff had in mind. */
  retryNow() {
    if (!this.#wanted || this.state !== "waiting") return;
    this.#cancelRetry?.();
    void this.#attempt();
  }

  /**
   * @param {string} event
   * @param {object} data
   * @returns {Promise<any>}
   */
  async request(event, data) {
    if (!this.#socket) throw new Error("no socket");
    try {
      return await this.#socket.request(event, data);
    } catch (error) {
      this.#hints.retryAfterMs = /** @type {any} */ (error).retryAfterMs ?? this.#hints.retryAfterMs;
      throw error;
    }
  }

  /**
   * Asks the server for a sign of life, and gives the socket up when none comes. Any frame is one: behind thousands of
   * events that were missed the answer itself may come late.
   * @returns {Promise<boolean>}
   */
  async probe() {
    const socket = this.#socket;
    if (!socket || !this.isOpen) return false;
    const sentAt = this.options.clock.now();
    try {
      await socket.request("ping", {}, PROBE_TIMEOUT_MS);
      this.latencyMs = this.options.clock.now() - sentAt;
      this.options.onChange();
      return true;
    } catch (error) {
      if (/** @type {any} */ (error).code === "rate-limited" || socket.lastFrameAt > sentAt) return this.#socket === socket;
      if (this.#socket === socket) this.#drop(1006, "no answer");
      return false;
    }
  }

  /** @param {number} now */
  isFresh(now) {
    return this.isOpen && isFresh(this, now);
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #drop(code, reason) {
    this.#socket?.abandon(code, reason);
  }

  /** Gives the socket up and comes back by the ordinary way. */
  recycle() {
    this.#drop(1006, "given up");
  }

  async #attempt() {
    this.nextTryAt = null;
    this.#change("connecting");
    const transports = await this.options.directory.read();
    if (!this.#wanted || this.#socket || this.state !== "connecting") return;
    if (transports && !transports.realtime) return this.#waitForSwitch();
    this.switchedOff = false;
    if (transports) this.#connect(this.#tryOwn ? this.options.ownSocket : transports.websocketUrl);
    else this.#wait(this.#backoff(this.attempts++), "The server cannot be reached.");
  }

  #waitForSwitch() {
    this.switchedOff = true;
    this.#wait(STALE_MS, "Real-time is switched off.");
    this.options.onDown({ delayMs: STALE_MS, why: this.why, poll: true, off: true });
  }

  /** @param {string} url */
  #connect(url) {
    log("socket", "connecting to", url);
    this.#hints = {};
    let greeted = false;
    const events = {
      /** @param {any} hello */
      onHello: (hello) => {
        greeted = true;
        this.#opened(hello);
      },
      onFrame: (/** @type {Frame} */ frame) => this.#frame(frame),
      onClose: (/** @type {{code: number, reason: string}} */ close) => this.#closed(close, greeted),
    };
    try {
      this.#socket = new FrameSocket(url, events, this.options);
    } catch (error) {
      this.#closed({ code: 1006, reason: String(error) }, false); // a policy forbids the address
    }
  }

  /** @param {any} hello */
  #opened(hello) {
    this.hello = hello;
    this.heartbeatMs = hello.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    this.#openedAt = this.options.clock.now();
    this.options.directory.unreachable = null;
    this.why = "";
    log("socket", "open", hello);
    this.#change("open");
    this.options.onOpen(hello);
    void this.probe();
  }

  /** @param {Frame} frame */
  #frame(frame) {
    if (frame.event === "system:draining") this.#hints.reconnectAfterMs = frame.data?.reconnectAfterMs;
    if (frame.event === "error") this.#hints.retryAfterMs = frame.data?.retryAfterMs;
    this.options.onFrame(frame);
  }

  /**
   * @param {{code: number, reason: string}} close
   * @param {boolean} greeted
   */
  #closed(close, greeted) {
    log("socket", "closed", close.code, close.reason);
    this.#socket = null;
    this.lastClose = close;
    if (greeted && this.options.clock.now() - this.#openedAt > SETTLED_MS) this.attempts = 0;
    if (!this.#wanted) return this.options.onDown(null);
    const seen = { attempt: this.attempts, greeted, backoff: this.#backoff, ...this.#hints };
    const next = afterClose(close.code, seen);
    this.switchedOff = next.off ?? false;
    if (!greeted && this.#turn()) this.#wait(0, next.why);
    else {
      this.attempts += 1;
      this.#wait(next.off ? STALE_MS : next.delayMs, next.why);
    }
    this.options.onDown(next);
  }

  /**
   * A socket could not be opened: whether the other address is to be tried at once. Once both have failed again and
   * again, the server hears of it.
   */
  #turn() {
    const { directory, ownSocket } = this.options;
    const named = directory.known?.websocketUrl ?? ownSocket;
    if (this.attempts > 0) directory.unreachable = named;
    this.#tryOwn = !this.#tryOwn && named !== ownSocket;
    return this.#tryOwn;
  }

  /** @type {import("./backoff.js").Backoff} */
  #backoff = (attempt) => {
    const welcome = this.options.directory.reachable && this.options.directory.known?.realtime;
    const capMs = welcome ? WELCOME_CAP_MS : undefined;
    return fullJitter(this.options.random, { capMs })(attempt);
  };

  /**
   * @param {number} delayMs
   * @param {string} why
   */
  #wait(delayMs, why) {
    this.why = why;
    this.nextTryAt = this.options.clock.now() + delayMs;
    this.#cancelRetry?.();
    this.#cancelRetry = this.options.clock.after(delayMs, () => void this.#attempt());
    this.#change("waiting");
  }

  /** @param {LineState} state */
  #change(state) {
    this.state = state;
    this.options.onChange();
  }
}
