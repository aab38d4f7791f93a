import { log } from "./log.js";

/**
 * What the server says about transports: `GET /api/realtime/`.
 * @typedef {{realtime: boolean, websocketUrl: string, pollIntervalMs: number, banner: any}} Transports
 */

/** How long an answer holds while no socket is up; with the request's own time this stays under 10 s. */
export const STALE_MS = 8_000;
const REQUEST_TIMEOUT_MS = 6_000;

/** Reads the transports, one request at a time, and remembers the last answer. */
export class Directory {
  /** @type {Promise<Transports | null> | null} */
  #reading = null;

  /**
   * @param {{address: string, clock: import("./clock.js").Clock, fetch: typeof globalThis.fetch}} options
   */
  constructor({ address, clock, fetch }) {
    this.address = address;
    this.clock = clock;
    this.fetch = fetch;
    /** @type {Transports | null} */
    this.known = null;
    /** Whether the last reading came through; null before the first. @type {boolean | null} */
    this.reachable = null;
    /** The socket's address, where none could be opened: told to the server, for its operators. @type {string | null} */
    this.unreachable = null;
  }

  /** @returns {Promise<Transports | null>} null when the server cannot be reached */
  read() {
    this.#reading ??= this.#request().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #request() {
    const request = new AbortController();
    const cancel = this.clock.after(REQUEST_TIMEOUT_MS, () => request.abort());
    try {
      const told = this.unreachable === null ? "" : `?unreachable=${encodeURIComponent(this.unreachable)}`;
      const response = await this.fetch(this.address + told, { signal: request.signal, cache: "no-store" });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      this.known = /** @type {Transports} */ (await response.json());
      this.reachable = true;
      return this.known;
    } catch (error) {
      log("transport", "cannot be read", String(error));
      this.reachable = false;
      return null;
    } finally {
      cancel();
    }
  }
}
