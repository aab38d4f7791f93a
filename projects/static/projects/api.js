/** HTTP as the board uses it: session cookie, CSRF header, problem+json as errors with words. */

import { learnTime } from "./server_clock.js";

/**
 * @typedef {{status: number, code: string, detail: string, errors?: Record<string, string[]>, [key: string]: any}} Problem
 */

const TIMEOUT_MS = 20_000;
const NO_CONTENT = 204;
/** A large board on a slow line takes its time. */
const BOARD_TIMEOUT_MS = 120_000;
/** No answer at all. @type {Problem} */
const UNREACHABLE = { status: 0, code: "unreachable", detail: "The server cannot be reached." };

/** The server's refusal, or, with status 0, no answer at all. */
export class ApiError extends Error {
  /**
   * @param {Problem} problem
   * @param {number | null} retryAfterMs
   */
  constructor(problem, retryAfterMs = null) {
    super(problem.detail);
    this.problem = problem;
    this.status = problem.status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether the same request may succeed later, unchanged. */
  get isPassing() {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }

  /** Whether the log-in has ended, or is by now another person's: nothing has happened. */
  get isOfLogIn() {
    return this.status === 401 || this.problem.code === "other-user";
  }
}

/** Whom the page shows. @type {string | null} */
let writer = null;

/** The true reason of a refusal. @type {(error: ApiError) => Promise<ApiError>} */
let explain = async (error) => error;

/**
 * From now on each write says that it is this person's; the server refuses it where somebody else is logged
 * in by now.
 * @param {string | null} userId
 * @param {(error: ApiError) => Promise<ApiError>} explainRefusal  of writes and reads
 */
export function writeAs(userId, explainRefusal) {
  writer = userId;
  explain = explainRefusal;
}

/**
 * @param {string} path
 * @param {{method?: string, body?: object, key?: string, version?: number, timeoutMs?: number, cache?: RequestCache}} [request]
 * @returns {Promise<any>}  the answer's JSON, null where there is none; rejects with an ApiError
 */
export async function call(path, { method = "GET", body, key, version, timeoutMs = TIMEOUT_MS, cache = "no-store" } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken(document.cookie);
  if (method !== "GET" && writer) headers["X-Expected-User"] = writer;
  if (body) headers["Content-Type"] = "application/json";
  if (key) headers["Idempotency-Key"] = key;
  if (version !== undefined) headers["If-Match"] = `"${version}"`;
  const signal = AbortSignal.timeout(timeoutMs);
  try {
    return await answerOf(await send(path, { method, headers, body: body && JSON.stringify(body), cache, signal }));
  } catch (error) {
    throw error instanceof ApiError ? await explain(error) : error;
  }
}

/**
 * A board as it is now. A browser that has it from earlier asks whether that is still the newest.
 * @param {string} projectId
 * @param {typeof call} [request]
 * @returns {Promise<import("./types.js").Snapshot>}  rejects with an ApiError
 */
export function loadBoard(projectId, request = call) {
  return request(`/api/projects/${projectId}/board/?include=commentCounts`, { timeoutMs: BOARD_TIMEOUT_MS, cache: "no-cache" });
}

/**
 * @param {Response} response
 * @returns {Promise<any>}  its JSON, null where there is none; rejects with an ApiError
 */
async function answerOf(response) {
  learnTime(response.headers.get("Date"));
  const answer = await readJson(response);
  if (!response.ok) throw new ApiError(problemOf(response, answer), retryAfterMs(response));
  if (answer === null && response.status !== NO_CONTENT) throw new ApiError(UNREACHABLE); // it was cut off on its way
  return answer;
}

/**
 * @param {string} path
 * @param {RequestInit} options
 */
async function send(path, options) {
  try {
    return await fetch(path, options);
  } catch {
    throw new ApiError(UNREACHABLE);
  }
}

/** @param {Response} response */
async function readJson(response) {
  try {
    return await response.json();
  } catch {
    return null;
  }
}

/**
 * @param {Response} response
 * @param {any} answer
 * @returns {Problem}
 */
function problemOf(response, answer) {
  const { status } = response;
  return { code: "unknown", detail: `The server answered ${status}.`, ...answer, status };
}

/** @param {Response} response */
function retryAfterMs(response) {
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

/**
 * Read at each write: a log-in in another tab changes it.
 * @param {string} cookies
 */
export function csrfToken(cookies) {
  return /(?:^|;\s*)csrftoken=([^;]*)/.exec(cookies)?.[1] ?? "";
}
