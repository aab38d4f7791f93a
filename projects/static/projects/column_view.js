import { numberText } from "./dates.js";
import { find, h, hiddenText, icon, setAttribute, setText } from "./dom.js";
import { isolated } from "./isolated.js";

/** @typedef {import("./pending.js").ColumnView} ColumnView */

/** @param {string} id */
export function buildColumn(id) {
  const heading = h("h2", { class: "column-name", id: `column-name-${id}`, dir: "auto" });
  const done = h(
    "span",
    { class: "column-done", title: "Done: what is here is never overdue", hidden: true },
    icon("check"),
    hiddenText("done"),
  );
  const count = h("span", { class: "column-count" });
  const add = h("button", { type: "button", class: "icon-button column-add" }, icon("plus"));
  const menu = h(
    "button",
    { type: "button", class: "icon-button column-menu", "aria-haspopup": "menu" },
    icon("more"),
  );
  const head = h(
    "header",
    { class: "column-head" },
    heading,
    done,
    count,
    h("span", { class: "spring" }),
    add,
    menu,
  );
  const list = h("div", { class: "cards", role: "list" });
  const empty = h("p", { class: "column-empty" });
  return h(
    "section",
    { class: "column", "aria-labelledby": `column-name-${id}`, id: `column-${id}` },
    head,
    h("div", { class: "column-scroll" }, list, empty),
  );
}

/**
 * @param {HTMLElement} element
 * @param {ColumnView} column
 * @param {{canWrite: boolean, shown: number, filtered: boolean}} context
 */
export function drawColumn(element, column, { canWrite, shown, filtered }) {
  const total = column.tasks.length;
  setAttribute(element, "data-column-id", column.id);
  element.classList.toggle("is-pending", Boolean(column.pending));
  setText(element.querySelector(".column-name"), column.name);
  const count = element.querySelector(".column-count");
  setText(count, filtered ? `${numberText(shown)} of ${numberText(total)}` : numberText(total));
  if (count) setAttribute(count, "title", total === 1 ? "1 task" : `${numberText(total)} tasks`);
  setAttribute(find(".column-done", element), "hidden", !column.done);
  drawButtons(element, column, canWrite);
  setText(element.querySelector(".column-empty"), shown ? "" : emptyText(total, canWrite));
}

/**
 * @param {HTMLElement} element
 * @param {ColumnView} column
 * @param {boolean} canWrite
 */
function drawButtons(element, column, canWrite) {
  for (const [selector, label] of [
    [".column-add", `New task in ${isolated(column.name)}`],
    [".column-menu", `Actions for the column ${isolated(column.name)}`],
  ]) {
    const button = element.querySelector(selector);
    if (!button) continue;
    setAttribute(button, "hidden", !canWrite);
    setAttribute(button, "aria-label", label);
  }
}

/**
 * @param {number} total
 * @param {boolean} canWrite
 */
function emptyText(total, canWrite) {
  if (total) return "No task here matches the filter.";
  return canWrite ? "No tasks yet. Drop one here, or add one with +." : "No tasks yet.";
}
