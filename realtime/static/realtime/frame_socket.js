import { FrameError, parseFrame } from "./frames.js";

/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {(url: string) => WebSocket} OpenSocket */
/** @typedef {{resolve: (data: any) => void, reject: (error: FrameError) => void, cancel: () => void}} Waiting */

/**
 * @typedef {object} SocketEvents
 * @property {(hello: any) => void} onHello
 * @property {(frame: Frame) => void} onFrame  everything but hello and answers
 * @property {(close: {code: number, reason: string}) => void} onClose  once, however it ended
 */

export const HELLO_TIMEOUT_MS = 10_000;
export const ANSWER_TIMEOUT_MS = 8_000;

/** One WebSocket from its handshake to its close: frames in and out, answers matched to requests. */
export class FrameSocket {
  /** @type {Map<number, Waiting>} */
  #waiting = new Map();
  #nextId = 1;
  #closed = false;
  /** @type {() => void} */
  #cancelHello;

  /**
   * @param {string} url
   * @param {SocketEvents} events
   * @param {{open: OpenSocket, clock: Clock}} tools
   */
  constructor(url, events, { open, clock }) {
    this.events = events;
    this.clock = clock;
    this.lastFrameAt = clock.now();
    this.socket = open(url);
    this.socket.onmessage = (message) => this.#receive(message.data);
    this.socket.onclose = (close) => this.#end(close.code, close.reason);
    // Some proxies accept the handshake and then pass nothing on: no hello, no connection.
    this.#cancelHello = clock.after(HELLO_TIMEOUT_MS, () => this.abandon(1006, "no hello"));
  }

  /**
   * @param {string} event
   * @param {object} data
   * @param {number} [timeoutMs]
   * @returns {Promise<any>}  the ack's data; rejects with a FrameError
   */
  request(event, data, timeoutMs = ANSWER_TIMEOUT_MS) {
    if (this.#closed || this.socket.readyState !== 1) return Promise.reject(new FrameError("closed", "not connected"));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const late = () => this.#settle(id)?.reject(new FrameError("timeout", `no answer to ${event}`));
      this.#waiting.set(id, { resolve, reject, cancel: this.clock.after(timeoutMs, late) });
      this.socket.send(JSON.stringify({ id, event, data }));
    });
  }

  /**
   * Ends it without waiting for the other side, which may be gone.
   * @param {number} code  reported to onClose
   * @param {string} reason
   */
  abandon(code, reason) {
    this.socket.onmessage = this.socket.onclose = null;
    this.socket.close(1000);
    this.#end(code, reason);
  }

  /** @param {unknown} text */
  #receive(text) {
    this.lastFrameAt = this.clock.now();
    const frame = parseFrame(text);
    if (!frame) return;
    if (frame.event === "hello") this.#greet(frame.data ?? {});
    else if (frame.id !== undefined && (frame.event === "ack" || frame.event === "error")) this.#answer(frame);
    else this.events.onFrame(frame);
  }

  /** @param {any} hello */
  #greet(hello) {
    this.#cancelHello();
    this.events.onHello(hello);
  }

  /** @param {Frame} frame */
  #answer(frame) {
    const waiting = this.#settle(Number(frame.id));
    const { code = "internal", message = "", retryAfterMs } = frame.data ?? {};
    if (frame.event === "ack") waiting?.resolve(frame.data ?? {});
    else waiting?.reject(new FrameError(code, message, retryAfterMs));
  }

  /** @param {number} id */
  #settle(id) {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.cancel();
    return waiting;
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  #end(code, reason) {
    if (this.#closed) return;
    this.#closed = true;
    this.#cancelHello();
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new FrameError("closed", reason));
    this.events.onClose({ code, reason });
  }
}
