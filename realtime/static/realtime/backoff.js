/**
 * How long to wait before trying again.
 *
 * @typedef {(attempt: number) => number} Backoff  milliseconds before attempt 0, 1, 2 …
 */

/**
 * Full jitter: anything from nothing to a ceiling that doubles from base to cap. The whole range is random, so that
 * a thousand clients that lost one gateway do not come back in step.
 *
 * @param {() => number} random  in [0, 1)
 * @param {{baseMs?: number, capMs?: number}} [bounds]
 * @returns {Backoff}
 */
export function fullJitter(random, { baseMs = 1000, capMs = 30_000 } = {}) {
  return (attempt) => Math.floor(random() * ceilingMs(attempt, baseMs, capMs));
}

/**
 * @param {number} attempt
 * @param {number} baseMs
 * @param {number} capMs
 */
export function ceilingMs(attempt, baseMs, capMs) {
  return Math.min(capMs, baseMs * 2 ** Math.min(Math.max(attempt, 0), 30));
}
