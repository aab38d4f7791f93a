import { openDialog } from "./dialog.js";
import { h } from "./dom.js";
import { isolated } from "./isolated.js";
import { openMenu } from "./menu.js";
import { findTask } from "./pending.js";
import { placesIn, placesInColumn } from "./places.js";

/** @typedef {import("./board_view.js").BoardView} BoardView */
/** @typedef {(move: {task: string, column: string, after: string | null | undefined}) => void} Move */

/**
 * Everything that a drag does, without one. Places are those of the list that one sees; the bottom of another
 * column is below what the filter hides there, too.
 * @param {HTMLElement} anchor
 * @param {string} taskId
 * @param {BoardView} view
 * @param {{move: Move, open: (taskId: string) => void}} deeds
 */
export function openMoveMenu(anchor, taskId, view, { move, open }) {
  const found = findTask(view.shown, taskId);
  if (!found) return;
  const columns = view.model.view.columns.map((column, index) => ({
    text: column.name,
    heading: index === 0 ? "Move to" : undefined,
    checked: column.id === found.column.id,
    run: () =>
      column.id !== found.column.id &&
      move({ task: taskId, column: column.id, after: column.tasks.at(-1)?.id ?? null }),
  }));
  const places = placesInColumn(view.shown, taskId).map(({ text, column, after, disabled }, index) => ({
    text,
    disabled,
    heading: index === 0 ? `Within ${isolated(found.column.name)}` : undefined,
    run: () => move({ task: taskId, column, after }),
  }));
  openMenu(anchor, `Move ${isolated(found.task.title)}`, [
    ...columns,
    ...places,
    { text: "To a certain place…", heading: "", run: () => openPlaceDialog(taskId, view.shown, move) },
    { text: "Open", keys: "Enter", run: () => open(taskId) },
  ]);
}

/**
 * @param {string} taskId
 * @param {import("./pending.js").BoardView} shown
 * @param {Move} move
 */
function openPlaceDialog(taskId, shown, move) {
  const found = findTask(shown, taskId);
  if (!found) return;
  const column = select(
    "Column",
    shown.columns.map(({ id, name }) => ({ value: id, text: name })),
  );
  const place = select("Place", []);
  const fill = () => {
    const places = placesIn(shown, column.input.value, taskId);
    place.input.replaceChildren(...places.map(({ text, after }) => h("option", { value: after }, text)));
  };
  column.input.value = found.column.id;
  column.input.addEventListener("change", fill);
  fill();
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    dialog.close();
    move({ task: taskId, column: column.input.value, after: place.input.value || null });
  };
  const button = h("button", { type: "submit", class: "button primary" }, "Move");
  const form = h(
    "form",
    { class: "stack", onsubmit: submit },
    column.field,
    place.field,
    h("div", { class: "dialog-actions" }, button),
  );
  const dialog = openDialog(`Move “${isolated(found.task.title)}”`, [form]);
}

/**
 * @param {string} label
 * @param {{value: string, text: string}[]} options
 */
function select(label, options) {
  const input = h(
    "select",
    { class: "input" },
    ...options.map(({ value, text }) => h("option", { value }, text)),
  );
  return { input, field: h("label", { class: "field" }, h("span", {}, label), input) };
}
