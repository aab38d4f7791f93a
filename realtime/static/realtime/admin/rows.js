/**
 * The rows of a list: brought up to date one by one, and ticked.
 *
 * Stands in for Django's own script of actions, which knows only the rows that were there when the page was
 * loaded. There is no "select all pages" here: what is ticked is what one sees.
 */

const ROWS = "#result_list tbody tr";
const TICKS = "input.action-select";

const form = document.querySelector("#changelist-form");
if (form instanceof HTMLFormElement) {
  form.addEventListener("change", (event) => {
    const target = event.target;
    if (target instanceof HTMLInputElement && target.id === "action-toggle") tickAll(form, target.checked);
    count(form);
  });
  window.addEventListener("pageshow", () => count(form)); // a browser that goes back keeps the ticks
}

/**
 * @param {HTMLFormElement} form
 * @param {boolean} checked
 */
function tickAll(form, checked) {
  for (const tick of ticks(form)) tick.checked = checked;
}

/** @param {HTMLFormElement} form */
function ticks(form) {
  return /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll(`${ROWS} ${TICKS}`)]);
}

/** @param {HTMLFormElement} form */
function count(form) {
  const all = ticks(form);
  const ticked = all.filter((tick) => tick.checked);
  for (const tick of all) tick.closest("tr")?.classList.toggle("selected", tick.checked);
  const counter = form.querySelector(".action-counter");
  if (counter) counter.textContent = `${ticked.length} of ${all.length} selected`;
  const toggle = form.querySelector("#action-toggle");
  if (toggle instanceof HTMLInputElement) toggle.checked = all.length > 0 && ticked.length === all.length;
}

/** Whether somebody has ticked, chosen, marked or entered something in a list. @param {HTMLFormElement} form */
export function inUse(form) {
  const action = form.querySelector("select[name=action]");
  const marked = document.getSelection();
  const active = document.activeElement;
  return (
    ticks(form).some((tick) => tick.checked) ||
    (action instanceof HTMLSelectElement && (action.value !== "" || action === active)) ||
    (marked !== null && !marked.isCollapsed && form.contains(marked.anchorNode))
  );
}

/**
 * Show a list as it is now. While it is in use no row comes, goes or moves: one that has gone is marked, where
 * the whole list is on one page and so tells that it has. Returns how many new rows are not shown.
 * @param {HTMLFormElement} form
 * @param {Element} fresh
 * @param {boolean} used
 */
export function patchRows(form, fresh, used) {
  const [body, freshBody] = [form.querySelector("#result_list tbody"), fresh.querySelector("#result_list tbody")];
  replacePaginator(form, fresh);
  if (!body || !freshBody) return used ? 0 : whole(form, fresh);
  const now = new Map([...freshBody.children].map((row) => [key(row), row]));
  const there = new Map([...body.children].map((row) => [key(row), row]));
  const onePage = !fresh.querySelector(".paginator a");
  for (const [name, row] of there) {
    const found = now.get(name);
    row.classList.toggle("gone", !found && onePage);
    if (found) patchCells(row, found);
  }
  const missing = [...now.keys()].filter((name) => !there.has(name)).length;
  if (used) return missing;
  rearrange(body, [...now].map(([name, row]) => there.get(name) ?? document.importNode(row, true)));
  count(form);
  return 0;
}

/** A list that was empty, or is now. @param {HTMLFormElement} form @param {Element} fresh */
function whole(form, fresh) {
  const had = form.querySelector("#result_list") !== null;
  if (had !== (fresh.querySelector("#result_list") !== null)) {
    form.replaceChildren(...[...fresh.childNodes].map((node) => document.importNode(node, true)));
    count(form);
  }
  return 0;
}

/** @param {Element} body @param {Element[]} rows */
function rearrange(body, rows) {
  const active = document.activeElement;
  const wanted = new Set(rows);
  for (const row of [...body.children]) if (!wanted.has(row)) row.remove();
  rows.forEach((row, place) => {
    if (body.children[place] !== row) body.insertBefore(row, body.children[place] ?? null);
  });
  // A row that moves loses the focus it holds.
  if (active instanceof HTMLElement && active !== document.activeElement && body.contains(active)) {
    active.focus({ preventScroll: true });
  }
}

/** @param {Element} there @param {Element} row */
function patchCells(there, row) {
  [...row.children].forEach((cell, place) => {
    const old = there.children[place];
    if (!old || old.classList.contains("action-checkbox") || old.innerHTML === cell.innerHTML) return;
    if (old.contains(document.activeElement)) return;
    old.replaceChildren(...[...cell.childNodes].map((node) => document.importNode(node, true)));
  });
}

/** @param {HTMLFormElement} form @param {Element} fresh */
function replacePaginator(form, fresh) {
  const [old, now] = [form.querySelector(".paginator"), fresh.querySelector(".paginator")];
  if (old && now && old.innerHTML !== now.innerHTML && !old.contains(document.activeElement)) old.innerHTML = now.innerHTML;
}

/** What a row is about. @param {Element} row */
function key(row) {
  const tick = row.querySelector(TICKS);
  if (tick instanceof HTMLInputElement) return tick.value;
  return row.querySelector("th a")?.getAttribute("href") ?? row.textContent ?? "";
}
