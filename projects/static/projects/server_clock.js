/**
 * The server's time: a browser's clock may be hours off. Each answer of the API says what time it is. Pure,
 * but for the clock.
 */

/** `Date` headers have whole seconds, and take a while to arrive: what is off by less is right. */
const TOLERANCE_MS = 5_000;

let offsetMs = 0;

/**
 * @param {string | null} date  of an answer that has just come, as HTTP writes it
 * @param {number} [now]
 */
export function learnTime(date, now = Date.now()) {
  const offBy = Date.parse(date ?? "") - now;
  if (Number.isFinite(offBy)) offsetMs = Math.abs(offBy) > TOLERANCE_MS ? offBy : 0;
}

/** In ms, as `Date.now()` would say if the clock were right. */
export function serverNow() {
  return Date.now() + offsetMs;
}
