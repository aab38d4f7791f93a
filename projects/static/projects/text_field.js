import { h, setAttribute, setText } from "./dom.js";
import { Field } from "./field.js";
import { isComposing } from "./ime.js";
import { clip } from "./words.js";
import { inOneLine, isVisible, lengthOf } from "./texts.js";

/**
 * @typedef {object} TextOptions
 * @property {HTMLTextAreaElement | HTMLInputElement} element
 * @property {number} limit        characters
 * @property {boolean} [required]  it cannot be saved without a sign that can be seen
 * @property {boolean} [oneLine]   its line ends become blanks
 * @property {boolean} [tall]      as tall as its text
 * @property {"enter" | "ctrl"} [sends]  which key saves it: Enter, or Enter with Ctrl or Command (the default)
 * @property {boolean} [savesOnLeave]    it is saved when it loses the focus; else it stays a draft then
 */

/** So many characters before the limit, or a tenth of it, a text says how much room is left. */
const NEAR = 100;
/** Longer than a click takes. */
const HOLD_MS = 200;

/**
 * A box for a text: nothing of it is cut, Escape leaves it with the words kept as a draft, and the keys of an input method
 * are the input method's. Where the form around shows the draft, Escape is the form's.
 * @param {Omit<import("./field.js").FieldOptions, "read" | "write" | "problem" | "clean" | "words"> & TextOptions & {problem?: (value: string) => string}} options
 * @returns {{field: Field, counter: HTMLElement}}
 */
export function textField(options) {
  const { element, limit, required = false, oneLine = false, tall = false, } = options;
  const counter = h("p", { class: "counter", role: "status", hidden: true });
  const clean = (/** @type {string} */ value) => (oneLine ? inOneLine(value) : value);
  const problem = (/** @type {string} */ value) => options.problem?.(value) || problemOf(value, options.label, limit, required);
  const draw = () => {
    drawRoom(counter, element, roomIn(clean(element.value), limit));
    if (tall) grow(element);
  };
  const write = (/** @type {string} */ value) => {
    element.value = value ?? "";
    draw();
  };
  const field = new Field({ ...options, read: () => element.value, write, clean, problem, words: quoted });
  element.addEventListener("input", draw);
  element.addEventListener("blur", () => (options.savesOnLeave ? field.commit() : holdSoon(element, field)));
  element.addEventListener("keydown", (event) => press(/** @type {KeyboardEvent} */ (event), field, options));
  return { field, counter };
}

/**
 * @param {KeyboardEvent} event
 * @param {Field} field
 * @param {TextOptions} options
 */
function press(event, field, { element, sends, savesOnLeave }) {
  if (isComposing(event)) return;
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey || (sends === "enter" && !event.shiftKey))) {
    event.preventDefault();
    field.send();
    if (savesOnLeave) element.blur();
  }
  if (event.key === "Escape" && !field.options.quiet) leave(event, element, field);
}

/**
 * Not at once: what appears must not move a button from under the pointer that has just been pressed.
 * @param {HTMLElement} element
 * @param {Field} field
 */
function holdSoon(element, field) {
  setTimeout(() => document.activeElement !== element && field.hold(), HOLD_MS);
}

/**
 * Escape in a changed box leaves it and keeps the words; in an unchanged one it goes on to close what is around it.
 * @param {KeyboardEvent} event
 * @param {HTMLElement} element
 * @param {Field} field
 */
function leave(event, element, field) {
  if (!field.isDirty) return;
  event.preventDefault();
  event.stopPropagation();
  field.hold();
  element.blur();
}

/**
 * @param {string} value
 * @param {string} label
 * @param {number} limit
 * @param {boolean} required
 */
function problemOf(value, label, limit, required) {
  if (required && !isVisible(value)) return `${label} needs at least one character that can be seen.`;
  const over = lengthOf(value.trim()) - limit;
  return over > 0 ? `${label} is ${over.toLocaleString()} ${over === 1 ? "character" : "characters"} too long.` : "";
}

/**
 * How much room is left, near the limit; how much is too much, beyond it; else "".
 * @param {string} value
 * @param {number} limit
 * @returns {{text: string, over: boolean}}
 */
export function roomIn(value, limit) {
  const left = value.length < limit / 2 ? limit : limit - lengthOf(value.trim());
  const of = (/** @type {number} */ number) => `${number.toLocaleString()} ${number === 1 ? "character" : "characters"}`;
  if (left < 0) return { text: `${of(-left)} too many`, over: true };
  return { text: left > Math.min(NEAR, limit / 10) ? "" : `${of(left)} left`, over: false };
}

/**
 * @param {HTMLElement} counter
 * @param {HTMLElement} element
 * @param {{text: string, over: boolean}} room
 */
export function drawRoom(counter, element, { text, over }) {
  setText(counter, text);
  setAttribute(counter, "hidden", !text);
  counter.classList.toggle("is-over", over);
  setAttribute(element, "aria-invalid", over && "true");
}

/** @param {string} value */
function quoted(value) {
  return value ? `“${clip(value, 200)}”` : "nothing";
}

/**
 * As tall as its text. Measuring makes it short for a moment; what it stands in must not scroll because of that.
 * @param {HTMLElement} element
 */
export function grow(element) {
  if (!element.isConnected) return;
  const scroller = element.closest(".sheet-body");
  const top = scroller?.scrollTop ?? 0;
  element.style.height = "auto";
  element.style.height = `${element.scrollHeight + element.offsetHeight - element.clientHeight}px`;
  if (scroller && scroller.scrollTop !== top) scroller.scrollTop = top;
}
