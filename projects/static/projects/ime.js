/** Input methods, with which Chinese, Japanese, Korean and others are typed: their keys compose a word. Pure. */

/** What a browser says of a key that an input method takes. */
const TAKEN = 229;

/**
 * Whether a key belongs to an input method: Enter and Escape then end a composition, and nothing else. Safari ends the
 * composition before it tells of the key that did so; what it says of that key is its code alone.
 * @param {KeyboardEvent} event
 */
export function isComposing(event) {
  return event.isComposing || event.keyCode === TAKEN;
}
