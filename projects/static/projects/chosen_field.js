/**
 * Boxes whose value is chosen: a date, and one of a list. With the mouse a choice is made at once; by keys it is made step
 * by step, and only the last step is one: whoever leaves the box, presses Enter, or pauses has chosen.
 */

import { Field } from "./field.js";
import { isComposing } from "./ime.js";

/** A pause that says that a choice by keys is made. */
const PAUSE_MS = 1200;
const FIRST_DAY = "1900-01-01";
const LAST_DAY = "2199-12-31";

/** @typedef {Omit<import("./field.js").FieldOptions, "read" | "write"> & {element: HTMLSelectElement}} ListOptions */
/** @typedef {Omit<import("./field.js").FieldOptions, "read" | "write" | "problem"> & {element: HTMLInputElement}} DateOptions */

/** @param {ListOptions} options */
export function listField(options) {
  const { element } = options;
  const field = new Field({ ...options, read: () => element.value || null, write: (value) => (element.value = value ?? "") });
  chooseByPause(element, field, () => true);
  return field;
}

/**
 * A date is saved when it is whole. Taking it away is no pause: it is said by leaving the box or by Enter.
 * @param {DateOptions} options
 */
export function dateField(options) {
  const { element } = options;
  const read = () => (element.validity.badInput ? undefined : element.value || null);
  const field = new Field({ ...options, read, write: (value) => (element.value = value ?? ""), problem: problemOf });
  chooseByPause(element, field, (value) => Boolean(value) && !problemOf(value));
  return field;
}

/** @param {string | null | undefined} day */
function problemOf(day) {
  if (day === undefined) return "the date is not whole.";
  if (day && (day < FIRST_DAY || day > LAST_DAY)) return `the year ${Number.parseInt(day, 10)} is not between 1900 and 2199.`;
  return "";
}

/**
 * @param {HTMLSelectElement | HTMLInputElement} element
 * @param {Field} field
 * @param {(value: any) => boolean} isWhole  whether a pause may save it
 */
function chooseByPause(element, field, isWhole) {
  let byKey = false;
  let pause = 0;
  const wait = () => {
    clearTimeout(pause);
    pause = window.setTimeout(() => isWhole(field.options.read()) && field.commit(), PAUSE_MS);
  };
  element.addEventListener("pointerdown", () => (byKey = false));
  element.addEventListener("keydown", (event) => {
    const { key } = /** @type {KeyboardEvent} */ (event);
    if (isComposing(/** @type {KeyboardEvent} */ (event))) return;
    byKey = true;
    if (key === "Enter") field.send();
    else if (field.isDirty) wait();
    if (key !== "Escape" || !field.isDirty) return;
    event.preventDefault();
    event.stopPropagation();
    clearTimeout(pause);
    field.hold();
  });
  element.addEventListener("input", () => {
    if (byKey || element instanceof HTMLInputElement) wait();
    else field.commit();
  });
  element.addEventListener("blur", () => {
    clearTimeout(pause);
    field.commit();
  });
}
