import { askText, openDialog } from "./dialog.js";
import { h, setAttribute, setChildren, setText } from "./dom.js";
import { isolated } from "./isolated.js";
import { openMenu } from "./menu.js";
import { columnSteps } from "./places.js";
import { LIMITS } from "./texts.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./drafts.js").Drafts} Drafts */

/**
 * @param {HTMLElement} anchor
 * @param {string} columnId
 * @param {BoardModel} model
 * @param {Drafts} drafts
 * @param {(columnId: string) => void} addTask
 */
export function openColumnMenu(anchor, columnId, model, drafts, addTask) {
  const column = model.view.columns.find((one) => one.id === columnId);
  if (!column) return;
  const { left, right } = columnSteps(model.view, columnId);
  openMenu(anchor, `Column ${isolated(column.name)}`, [
    { text: "New task", keys: "n", run: () => addTask(columnId) },
    { text: "Rename…", run: () => rename(column, model, drafts) },
    { text: column.done ? "Mark as not done" : "Mark as done", run: () => model.ask("column.mark", { column: columnId, done: !column.done }) },
    { text: "Move left", heading: "", disabled: left === undefined, run: () => model.ask("column.move", { column: columnId, after: left }) },
    { text: "Move right", disabled: right === undefined, run: () => model.ask("column.move", { column: columnId, after: right }) },
    { text: "Delete…", heading: "", danger: true, run: () => askToDelete(columnId, model) },
  ]);
}

/**
 * @param {import("./pending.js").ColumnView} column
 * @param {BoardModel} model
 * @param {Drafts} drafts
 */
export function rename({ id, name }, model, drafts) {
  const send = async (/** @type {string} */ text) => {
    model.ask("column.rename", { column: id, name: text });
    return "";
  };
  askText({ title: "Rename column", label: "Name", value: name, action: "Rename", limit: LIMITS.name, box: `rename:${id}`, drafts, send });
}

/**
 * @param {BoardModel} model
 * @param {Drafts} drafts
 */
export function addColumn(model, drafts) {
  const send = async (/** @type {string} */ text) => {
    model.ask("column.create", { name: text });
    return "";
  };
  askText({ title: "New column", label: "Name", action: "Add column", limit: LIMITS.name, box: "new-column", drafts, send });
}

/**
 * A column that holds tasks goes only once they have somewhere to go. The question follows the board while it is asked.
 * @param {string} columnId
 * @param {BoardModel} model
 */
function askToDelete(columnId, model) {
  const find = () => model.view.columns.find((one) => one.id === columnId);
  const target = h("select", { class: "input" });
  const where = h("span");
  const field = h("label", { class: "field" }, where, target);
  const sentence = h("p");
  const button = h("button", { type: "submit", class: "button danger" }, "Delete column");
  const form = h("form", { class: "stack" }, sentence, field, h("div", { class: "dialog-actions" }, button));
  const dialog = openDialog(`Delete “${isolated(find()?.name ?? "")}”`, [form]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    dialog.close();
    if (find()) model.ask("column.delete", { column: columnId, moveTo: field.hidden ? null : target.value });
  });
  const draw = () => {
    if (!dialog.isConnected) return;
    const column = find();
    if (!column || !model.canWrite) return dialog.close();
    const others = model.view.columns.filter((one) => one.id !== columnId);
    const count = column.tasks.length;
    const stuck = count > 0 && !others.length;
    setAttribute(field, "hidden", !count || stuck);
    setAttribute(sentence, "hidden", count > 0 && !stuck);
    setAttribute(button, "hidden", stuck);
    setText(sentence, stuck ? `“${isolated(column.name)}” holds ${tasks(count)} and is the only column. Add another one first; they can then move there.` : `“${isolated(column.name)}” is empty. It goes for everybody.`);
    setText(where, `Where do its ${tasks(count)} go?`);
    const { value } = target;
    setChildren(target, others.map(({ id, name }) => [...target.options].find((one) => one.value === id && one.text === name) ?? h("option", { value: id }, name)));
    if (others.some(({ id }) => id === value)) target.value = value;
  };
  model.listen({ changed: draw });
  draw();
}

/** @param {number} count */
function tasks(count) {
  return count === 1 ? "1 task" : `${count} tasks`;
}
