/**
 * Who is logged in in this browser by now: any of its tabs may log in or out, as somebody else too. A page
 * goes on for the person for whom it was opened, and for nobody else.
 *
 *     isOurs           whether that person is still the one who is logged in, as far as is known
 *     now              who is, as the server says
 *     check()          asks the server
 *     hint(userId)     somebody has heard that this user, or nobody, is logged in
 *     explain(error)   the true reason of a refusal: what is not there may be what another log-in may not see
 *     listen(changed)  called when it changes
 *
 * @typedef {{id: string, name: string}} Someone
 */

import { ApiError } from "./api.js";
import { isolated } from "./isolated.js";

const TIMEOUT_MS = 20_000;
/**
 * What a request that another log-in must not make is refused with, and what may be because of the log-in.
 */
const DOUBTFUL = [403, 404];

export class LogIn {
  /** @type {((logIn: LogIn) => void)[]} */
  #listeners = [];
  /** @type {Promise<void> | null} */
  #checking = null;
  /** For whoever asks while an older question is under way. @type {Promise<void> | null} */
  #next = null;

  /**
   * @param {Someone | null} user  for whom the page was opened
   * @param {() => Promise<Someone | null>} [ask]  rejects where the server does not say
   */
  constructor(user, ask = askServer) {
    this.user = user;
    this.now = user;
    this.ask = ask;
  }

  get isOurs() {
    return this.now?.id === this.user?.id;
  }

  /** @param {(logIn: LogIn) => void} changed */
  listen(changed) {
    this.#listeners.push(changed);
  }

  /** @returns {Promise<void>}  resolves when `now` is no older than the question */
  check() {
    if (!this.#checking) return this.#start();
    this.#next ??= this.#checking.then(() => {
      this.#next = null;
      return this.#start();
    });
    return this.#next;
  }

  /** @param {string | null} userId */
  hint(userId) {
    if (userId !== (this.now?.id ?? null)) void this.check();
  }

  /**
   * @param {ApiError} error
   * @returns {Promise<ApiError>}
   */
  async explain(error) {
    if (!error.isOfLogIn && !(this.user && DOUBTFUL.includes(error.status))) return error;
    await this.check();
    return this.isOurs || error.isOfLogIn ? error : new ApiError(notOurs(this.now));
  }

  #start() {
    this.#checking = this.#check().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  async #check() {
    const before = this.now;
    this.now = await this.ask().catch(() => before);
    if (before?.id !== this.now?.id) for (const changed of this.#listeners) changed(this);
  }
}

/**
 * @param {Someone | null} now
 * @returns {import("./api.js").Problem}
 */
function notOurs(now) {
  if (now)
    return { status: 409, code: "other-user", detail: `You are logged in as ${isolated(now.name)} by now.` };
  return { status: 401, code: "unauthenticated", detail: "You are logged out." };
}

/** @returns {Promise<Someone | null>} */
async function askServer() {
  const response = await fetch("/api/me/", {
    cache: "no-store",
    headers: { Accept: "application/json" },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status === 401) return null;
  if (!response.ok) throw new Error(`/api/me/ answered ${response.status}`);
  return response.json();
}
