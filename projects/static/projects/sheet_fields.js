import { dateField, listField } from "./chosen_field.js";
import { dayText } from "./dates.js";
import { h } from "./dom.js";
import { LabelEditor } from "./label_editor.js";
import { textField } from "./text_field.js";
import { LIMITS } from "./texts.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {(name: string, value: any, base: any) => boolean} Save */

/**
 * The fields of a task that are edited in place.
 * @param {BoardModel} model
 * @param {import("./drafts.js").Drafts} drafts
 * @param {Save} save
 */
export function buildFields(model, drafts, save) {
  const inputs = {
    title: h("textarea", { class: "sheet-title", id: "sheet-title", rows: 1, "aria-label": "Title", spellcheck: "true", dir: "auto" }),
    description: h("textarea", { class: "input sheet-description", id: "sheet-description", rows: 4, placeholder: "Add a description", dir: "auto" }),
    column: h("select", { class: "input", id: "sheet-column" }),
    assignee: h("select", { class: "input", id: "sheet-assignee" }),
    dueOn: h("input", { class: "input", type: "date", id: "sheet-due" }),
  };
  const of = (/** @type {string} */ name, /** @type {string} */ label) => ({ name, label, drafts, save: (/** @type {any} */ value, /** @type {any} */ base) => save(name, value, base) });
  const title = textField({ ...of("title", "the title"), element: inputs.title, limit: LIMITS.title, required: true, oneLine: true, tall: true, sends: "enter", savesOnLeave: true });
  const description = textField({ ...of("description", "the description"), element: inputs.description, limit: LIMITS.description, tall: true, savesOnLeave: true });
  const labels = new LabelEditor(drafts, (value, base) => save("labels", value, base));
  const fields = {
    title: title.field,
    description: description.field,
    column: listField({ ...of("column", "the column"), element: inputs.column, words: (id) => model.view.columns.find((one) => one.id === id)?.name ?? "another one" }),
    assignee: listField({ ...of("assignee", "the assignee"), element: inputs.assignee, words: (id) => model.person(id)?.name ?? "nobody" }),
    dueOn: dateField({ ...of("dueOn", "the due date"), element: inputs.dueOn, words: (day) => (day ? dayText(day) : "none") }),
    labels: labels.field,
  };
  inputs.title.addEventListener("input", () => asOneLine(inputs.title));
  return { fields, inputs: { ...inputs, labels }, counters: { title: title.counter, description: description.counter } };
}

/** What is pasted with line ends is one line, as it will be saved. @param {HTMLTextAreaElement} element */
function asOneLine(element) {
  if (!element.value.includes("\n")) return;
  const { selectionEnd, value } = element;
  element.value = value.replace(/\n+/g, " ");
  element.selectionEnd = selectionEnd - (value.length - element.value.length);
  element.dispatchEvent(new Event("input"));
}
