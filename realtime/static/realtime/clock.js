/**
 * Time, handed in wherever it matters, so that tests own it.
 *
 * @typedef {object} Clock
 * @property {() => number} now  milliseconds; a wall clock, so that a laptop's sleep counts
 * @property {(delayMs: number, run: () => void) => (() => void)} after  runs once, later; returns the cancelling
 */

/** @type {Clock} */
export const systemClock = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
