import { askText, openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { openMenu } from "./menu.js";
import { columnSteps } from "./places.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */

const LONGEST_NAME = 120;

/**
 * @param {HTMLElement} anchor
 * @param {string} columnId
 * @param {BoardModel} model
 * @param {(columnId: string) => void} addTask
 */
export function openColumnMenu(anchor, columnId, model, addTask) {
  const column = model.view.columns.find((one) => one.id === columnId);
  if (!column) return;
  const { left, right } = columnSteps(model.view, columnId);
  openMenu(anchor, `Column ${column.name}`, [
    { text: "New task", keys: "n", run: () => addTask(columnId) },
    { text: "Rename…", run: () => void rename(column, model) },
    { text: "Move left", heading: "", disabled: left === undefined, run: () => model.ask("column.move", { column: columnId, after: left }) },
    { text: "Move right", disabled: right === undefined, run: () => model.ask("column.move", { column: columnId, after: right }) },
    { text: "Delete…", heading: "", danger: true, run: () => askToDelete(column, model) },
  ]);
}

/**
 * @param {import("./pending.js").ColumnView} column
 * @param {BoardModel} model
 */
async function rename(column, model) {
  const name = await askText({ title: "Rename column", label: "Name", value: column.name, action: "Rename", maxLength: LONGEST_NAME });
  if (name && name !== column.name) model.ask("column.rename", { column: column.id, name });
}

/** @param {BoardModel} model */
export async function addColumn(model) {
  const name = await askText({ title: "New column", label: "Name", action: "Add column", maxLength: LONGEST_NAME });
  if (name) model.ask("column.create", { name });
}

/**
 * A column that holds tasks goes only once they have somewhere to go.
 * @param {import("./pending.js").ColumnView} column
 * @param {BoardModel} model
 */
function askToDelete(column, model) {
  const others = model.view.columns.filter((one) => one.id !== column.id);
  const count = column.tasks.length;
  if (count && !others.length) {
    openDialog("Delete column", [h("p", {}, `“${column.name}” holds ${tasks(count)} and is the only column. Add another one first; they can then move there.`)]);
    return;
  }
  const target = h("select", { class: "input" }, ...others.map(({ id, name }) => h("option", { value: id }, name)));
  const field = h("label", { class: "field" }, h("span", {}, `Where do its ${tasks(count)} go?`), target);
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    dialog.close();
    model.ask("column.delete", { column: column.id, moveTo: count ? target.value : null });
  };
  const question = count ? field : h("p", {}, `“${column.name}” is empty. It goes for everybody.`);
  const button = h("button", { type: "submit", class: "button danger" }, "Delete column");
  const dialog = openDialog(`Delete “${column.name}”`, [h("form", { class: "stack", onsubmit: submit }, question, h("div", { class: "dialog-actions" }, button))]);
}

/** @param {number} count */
function tasks(count) {
  return count === 1 ? "1 task" : `${count} tasks`;
}
