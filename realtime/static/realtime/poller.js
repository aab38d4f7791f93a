import { log } from "./log.js";

/** @typedef {import("./clock.js").Clock} Clock */
/** @typedef {import("./frames.js").LogEvent} LogEvent */
/** @typedef {{seq: number, events: LogEvent[], more: boolean, pollAfterMs?: number}} Page */

/**
 * @typedef {object} PollerOptions
 * @property {(query: string) => string} address  of the room's events, with that query
 * @property {() => number | null} cursor
 * @property {(page: Page) => void} onPage
 * @property {(ok: boolean) => void} onOutcome  after each request
 * @property {(status: number) => void} onRefused  404, 401, 403 or 410, without a word on when to ask again; polling has stopped
 * @property {import("./backoff.js").Backoff} backoff
 * @property {Clock} clock
 * @property {typeof fetch} fetch
 */

export const WAIT_MS = 25_000;
const SLACK_MS = 10_000;
const PAGE = 500;
const IDLE_MS = 2_000; // between two empty answers of a server that does not hold requests
const REFUSALS = [401, 403, 404, 410];

/** Long polling of one room, from its cursor, until stopped. One request at a time. */
export class Poller {
  /** @type {AbortController | null} */
  #request = null;
  /** @type {(() => void) | null} */
  #cancelPause = null;
  #failures = 0;
  #proven = false;

  /** @param {PollerOptions} options */
  constructor(options) {
    this.options = options;
    this.running = false;
  }

  start() {
    if (this.running) return;
    this.running = true;
    this.#proven = false;
    this.#failures = 0;
    void this.#ask();
  }

  stop() {
    this.running = false;
    this.#cancelPause?.();
    this.#request?.abort();
    this.#request = this.#cancelPause = null;
  }

  /** Asks now instead of after the pause; also gives up a request that a dead network may be holding. */
  poke() {
    if (!this.running) return;
    this.stop();
    this.start();
  }

  async #ask() {
    const request = new AbortController();
    this.#request = request;
    const askedAt = this.options.clock.now();
    const cancelTimeout = this.options.clock.after(WAIT_MS + SLACK_MS, () => request.abort());
    let pauseMs = 0;
    try {
      const response = await this.options.fetch(this.#address(), { signal: request.signal, headers: { Accept: "application/json" } });
      pauseMs = await this.#take(response, request.signal);
    } catch (error) {
      if (this.#request !== request) return; // stopped, or asked anew
      pauseMs = this.#failed(String(error));
    } finally {
      cancelTimeout();
    }
    // The server's pause is between the starts of two requests: one that was held for long has waited already.
    const spentMs = this.options.clock.now() - askedAt;
    if (this.running && this.#request === request) this.#pause(Math.max(0, pauseMs - spentMs));
  }

  /** The first request does not wait: it is the proof that polling works at all. */
  #address() {
    const since = this.options.cursor() ?? 0;
    const wait = this.#proven ? `&wait=${WAIT_MS}` : "";
    return this.options.address(`since=${since}&limit=${PAGE}${wait}`);
  }

  /**
   * @param {Response} response
   * @param {AbortSignal} signal
   * @returns {Promise<number>}  from the start of this request to the start of the next
   */
  async #take(response, signal) {
    if (isFinal(response)) {
      this.stop();
      this.options.onRefused(response.status);
      return 0;
    }
    if (!response.ok && response.status !== 304) return this.#failed(String(response.status), retryAfterMs(response));
    const page = response.status === 304 ? null : /** @type {Page} */ (await response.json());
    if (signal.aborted) return 0;
    const held = this.#proven;
    this.#proven = true;
    this.#failures = 0;
    this.options.onOutcome(true);
    if (page) this.options.onPage(page);
    if (page?.more || !held) return 0;
    return page?.pollAfterMs ?? retryAfterMs(response) ?? IDLE_MS;
  }

  /**
   * @param {string} why
   * @param {number | null} [orderedMs]
   */
  #failed(why, orderedMs = null) {
    log("polling", "failed", why);
    this.#proven = false;
    this.options.onOutcome(false);
    return orderedMs ?? 250 + this.options.backoff(this.#failures++);
  }

  /** @param {number} pauseMs */
  #pause(pauseMs) {
    this.#cancelPause = this.options.clock.after(pauseMs, () => {
      this.#cancelPause = null;
      void this.#ask();
    });
  }
}

/**
 * Whether asking again would be in vain. Whom an operator has disconnected is told when to come back, with a 403 too.
 * @param {Response} response
 */
function isFinal(response) {
  return REFUSALS.includes(response.status) && retryAfterMs(response) === null;
}

/**
 * @param {Response} response
 * @returns {number | null}
 */
function retryAfterMs(response) {
  const seconds = Number(response.headers.get("Retry-After") ?? NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1000 : null;
}
