/**
 * The connection in one word. Pure: facts and time go in, a word comes out.
 *
 * @typedef {"live" | "polling" | "connecting" | "offline"} Mode
 *
 * @typedef {object} Facts
 * @property {boolean} joined       the socket is open and every room that is wanted is joined on it
 * @property {number} lastFrameAt   when the server was last heard on the socket
 * @property {number} heartbeatMs   how often it promises to speak
 * @property {"none" | "ok" | "failed"} poll  how the last poll went since polling began
 * @property {boolean} switchedOff  the server itself said: poll
 *
 * @typedef {object} Shown
 * @property {Mode} mode
 * @property {number} since            when this mode was first shown
 * @property {number | null} wavering  since when the facts have said something else than "live"
 */

/** A drop that heals within this is nobody's business. */
export const GRACE_MS = 1000;
const MISSED_HEARTBEATS = 2.5;

/**
 * @param {Facts} facts
 * @param {number} now
 * @returns {Mode}
 */
export function modeOf(facts, now) {
  if (facts.joined && isFresh(facts, now)) return "live";
  if (facts.poll === "ok") return "polling";
  return facts.poll === "failed" ? "offline" : "connecting";
}

/**
 * @param {{lastFrameAt: number, heartbeatMs: number}} facts
 * @param {number} now
 */
export function isFresh({ lastFrameAt, heartbeatMs }, now) {
  return now - lastFrameAt < MISSED_HEARTBEATS * heartbeatMs;
}

/**
 * @param {number} now
 * @returns {Shown}
 */
export function initialStatus(now) {
  return { mode: "connecting", since: now, wavering: null };
}

/**
 * The next word to show: "live" is left only after the grace, unless the server switched real-time off.
 *
 * @param {Shown} shown
 * @param {Facts} facts
 * @param {number} now
 * @returns {Shown}
 */
export function nextStatus(shown, facts, now) {
  const mode = modeOf(facts, now);
  if (mode === shown.mode) return shown.wavering === null ? shown : { ...shown, wavering: null };
  if (shown.mode === "live" && !facts.switchedOff) {
    const wavering = shown.wavering ?? now;
    if (now - wavering < GRACE_MS) return shown.wavering === null ? { ...shown, wavering } : shown;
  }
  return { mode, since: now, wavering: null };
}
