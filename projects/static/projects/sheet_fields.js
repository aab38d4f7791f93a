import { h } from "./dom.js";
import { Field } from "./field.js";
import { LabelEditor } from "./label_editor.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {(name: string, value: any, base: any) => void} Save */

const LONGEST_TITLE = 200;
const LONGEST_DESCRIPTION = 20_000;

/**
 * The fields of a task that are edited in place.
 * @param {BoardModel} model
 * @param {Save} save
 */
export function buildFields(model, save) {
  const title = h("textarea", { class: "sheet-title", id: "sheet-title", rows: 1, maxlength: LONGEST_TITLE, "aria-label": "Title", spellcheck: "true" });
  const description = h("textarea", { class: "input sheet-description", id: "sheet-description", rows: 4, maxlength: LONGEST_DESCRIPTION, placeholder: "Add a description" });
  const assignee = h("select", { class: "input", id: "sheet-assignee" });
  const dueOn = h("input", { class: "input", type: "date", id: "sheet-due" });
  const labels = new LabelEditor(() => fields.labels.commit());
  const fields = {
    title: textField("title", "the title", title, save),
    description: textField("description", "the description", description, save),
    assignee: chosenField("assignee", "the assignee", assignee, save, (id) => model.person(id)?.name ?? "nobody"),
    dueOn: chosenField("dueOn", "the due date", dueOn, save, (day) => day ?? "none"),
    labels: new Field({
      name: "labels",
      label: "the labels",
      element: labels.input,
      read: () => labels.labels,
      write: (value) => (labels.labels = value),
      words: (value) => value.join(", ") || "none",
      save: (value, base) => save("labels", value, base),
    }),
  };
  finishTitle(title, fields.title);
  finishDescription(description, fields.description);
  return { fields, inputs: { title, description, assignee, dueOn, labels } };
}

/**
 * @param {string} name
 * @param {string} label
 * @param {HTMLTextAreaElement} element
 * @param {Save} save
 */
function textField(name, label, element, save) {
  const write = (/** @type {string} */ value) => {
    element.value = value;
    grow(element);
  };
  const field = new Field({
    name,
    label,
    element,
    read: () => element.value,
    write,
    words: (value) => (value ? `“${value.length > 200 ? `${value.slice(0, 200)}…` : value}”` : "nothing"),
    save: (value, base) => save(name, value, base),
  });
  element.addEventListener("input", () => grow(element));
  element.addEventListener("blur", () => field.commit());
  return field;
}

/**
 * @param {string} name
 * @param {string} label
 * @param {HTMLSelectElement | HTMLInputElement} element
 * @param {Save} save
 * @param {(value: any) => string} words
 */
function chosenField(name, label, element, save, words) {
  const field = new Field({
    name,
    label,
    element,
    read: () => element.value || null,
    write: (value) => (element.value = value ?? ""),
    words,
    save: (value, base) => save(name, value, base),
  });
  element.addEventListener("change", () => field.commit());
  return field;
}

/** @param {string} text */
function inOneLine(text) {
  return text.split("\n").map((line) => line.trim()).filter(Boolean).join(" ");
}

/**
 * A title is one line: Enter saves it, Escape brings the old one back, and an empty one is not taken.
 * @param {HTMLTextAreaElement} element
 * @param {Field} field
 */
function finishTitle(element, field) {
  element.addEventListener("input", () => {
    if (element.value.includes("\n")) element.value = inOneLine(element.value);
  });
  element.addEventListener("blur", () => !element.value.trim() && field.revert(), true);
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) {
      event.preventDefault();
      element.blur();
    }
    if (event.key === "Escape") giveUp(event, field);
  });
}

/**
 * @param {HTMLTextAreaElement} element
 * @param {Field} field
 */
function finishDescription(element, field) {
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) element.blur();
    if (event.key === "Escape") giveUp(event, field);
  });
}

/**
 * Escape in a changed field undoes the typing; in an unchanged one it goes on to close the sheet.
 * @param {KeyboardEvent} event
 * @param {Field} field
 */
function giveUp(event, field) {
  if (!field.isDirty) return;
  event.preventDefault();
  event.stopPropagation();
  field.revert();
}

/** As tall as its text. @param {HTMLTextAreaElement} element */
export function grow(element) {
  if (!element.isConnected) return;
  element.style.height = "auto";
  element.style.height = `${element.scrollHeight + element.offsetHeight - element.clientHeight}px`;
}
