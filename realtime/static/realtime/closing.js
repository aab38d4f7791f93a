/**
 * What to do after a socket's close, by its code. Pure; the numbers are the protocol's.
 *
 * @typedef {object} Next
 * @property {number} delayMs    before the next attempt
 * @property {string} why        in words, for the badge's details
 * @property {boolean} [poll]    start polling now, without waiting whether the socket comes back
 * @property {boolean} [logIn]   the server no longer knows who we are
 * @property {boolean} [off]     real-time is switched off: wait until the server says it is on again
 *
 * @typedef {object} Circumstances
 * @property {number} attempt          failures in a row, this one not counted
 * @property {boolean} greeted         the server had said hello
 * @property {number} [reconnectAfterMs]  from `system:draining`
 * @property {number} [retryAfterMs]      from the last rate-limited answer
 * @property {import("./backoff.js").Backoff} backoff
 */

/**
 * A log-in that ended may be the beginning of another, in another tab, whose cookie is on its way to the browser: who
 * asked at once, with the old cookie, would have the new one taken away again by the answer.
 */
export const NEW_LOG_IN_MS = 1_000;
const SLOW = 5; // the attempt whose ceiling is the cap: for servers that said no rather than nothing

/**
 * @param {number} code
 * @param {Circumstances} seen
 * @returns {Next}
 */
export function afterClose(code, seen) {
  const answer = ANSWERS[code];
  if (answer) return answer(seen);
  return seen.greeted
    ? { delayMs: seen.backoff(seen.attempt), why: "The connection was lost." }
    : { delayMs: seen.backoff(seen.attempt), why: "The socket could not be opened.", poll: true };
}

/** @type {Record<number, (seen: Circumstances) => Next>} */
const ANSWERS = {
  1001: (seen) => restarting(seen, "The server is stopping."),
  1012: (seen) => restarting(seen, "The server is restarting."),
  4000: () => ({ delayMs: 0, why: "Real-time is switched off.", poll: true, off: true }),
  4401: (seen) =>
    seen.attempt === 0
      ? { delayMs: NEW_LOG_IN_MS + seen.backoff(0), why: "Your log-in has ended." }
      : { delayMs: slowly(seen), why: "You are no longer logged in.", poll: true, logIn: true },
  4403: (seen) => ({ delayMs: 5_000 + slowly(seen), why: "The server does not allow a socket from here.", poll: true }),
  4408: () => ({ delayMs: 0, why: "The connection was idle." }),
  4413: () => ({ delayMs: 0, why: "Events came faster than this page could read them." }),
  4429: (seen) => ({ delayMs: seen.retryAfterMs ?? 5_000 + slowly(seen), why: "Too many frames; waiting.", poll: true }),
  4503: (seen) => ({ delayMs: slowly(seen), why: "The server is full.", poll: true }),
};

/**
 * @param {Circumstances} seen
 * @param {string} why
 * @returns {Next}
 */
function restarting(seen, why) {
  return { delayMs: seen.reconnectAfterMs ?? seen.backoff(seen.attempt), why };
}

/** @param {Circumstances} seen */
function slowly(seen) {
  return seen.backoff(Math.max(seen.attempt, SLOW));
}
