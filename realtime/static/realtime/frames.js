/**
 * What travels over the socket, as JSON text. A log event carries `seq`; everything else is volatile.
 *
 * @typedef {{id?: number, event: string, data?: any, seq?: number, [key: string]: any}} Frame
 * @typedef {Frame & {seq: number}} LogEvent
 */

/** An answer that says no, or none within the time allowed (`code` "timeout"), or the socket went ("closed"). */
export class FrameError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} [retryAfterMs]
   */
  constructor(code, message, retryAfterMs) {
    super(message);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/**
 * @param {unknown} text
 * @returns {Frame | null}  null for what is not a frame; a newer server may say things we do not know
 */
export function parseFrame(text) {
  if (typeof text !== "string") return null;
  try {
    const frame = JSON.parse(text);
    return typeof frame?.event === "string" ? frame : null;
  } catch {
    return null;
  }
}

/**
 * @param {Frame} frame
 * @returns {frame is LogEvent}
 */
export function isLogEvent(frame) {
  return Number.isInteger(frame.seq);
}
