import { Announcer } from "./announcer.js";
import { writeAs } from "./api.js";
import { knowPeople, personColour } from "./avatar.js";
import { BoardModel } from "./board.js";
import { BoardView } from "./board_view.js";
import { browserStorage } from "./browser_storage.js";
import { addColumn, openColumnMenu, rename } from "./column_menu.js";
import { ColumnTabs } from "./column_tabs.js";
import { Composer } from "./composer.js";
import { useLanguages } from "./dates.js";
import { find, h, icon, setAttribute, setText } from "./dom.js";
import { Drafts } from "./drafts.js";
import { Drag } from "./drag.js";
import { dragNews } from "./drag_news.js";
import { KeptPanel } from "./kept_panel.js";
import { isComposing } from "./ime.js";
import { isolated } from "./isolated.js";
import { listenToKeys } from "./keyboard.js";
import { closeMenu } from "./menu.js";
import { openMoveMenu } from "./move_menu.js";
import { openMembers } from "./members_panel.js";
import { firstBoard } from "./loading.js";
import { LogIn } from "./log_in.js";
import { watchLogIn } from "./log_in_watch.js";
import { clearLoss, reportBanner, reportLogIn, reportLoss } from "./notices.js";
import { pageLock } from "./page_lock.js";
import { followTime } from "./passing_time.js";
import { findTask } from "./pending.js";
import { PresenceBar } from "./presence_bar.js";
import { openProjectMenu, renameBoard } from "./project_menu.js";
import { QueueStore } from "./queue_store.js";
import { reportRefusal } from "./reports.js";
import { beforeNextPicture } from "./soon.js";
import { TaskAddress } from "./task_address.js";
import { TaskSheet } from "./task_sheet.js";
import { toast } from "./toasts.js";
import { announcement, clip, unsureOf } from "./words.js";

/** @typedef {import("./types.js").BoardEvent} BoardEvent */

const root = find("#board");
const userId = root.dataset.userId || null;
const feed = /** @type {{websocketService: import("./types.js").Feed}} */ (/** @type {unknown} */ (window))
  .websocketService;
const logIn = new LogIn(userId ? { id: userId, name: root.dataset.userName ?? "" } : null);

useLanguages(navigator.languages);
writeAs(userId, (error) => logIn.explain(error));
logIn.listen(() => reportLogIn(logIn, 0));
watchLogIn(logIn, feed);
const snapshot = await firstBoard(root, logIn);
const drafts = new Drafts(snapshot.project.id, userId ?? "guest", browserStorage());
const store = new QueueStore(snapshot.project.id, userId ?? "guest", browserStorage());
const lock = pageLock(`devmentor.outbox.${userId}.${snapshot.project.id}`);
const model = new BoardModel({
  snapshot,
  feed,
  userId,
  store,
  lock,
  soon: beforeNextPicture,
  random: Math.random,
  isOurs: () => logIn.isOurs,
  later: (delayMs, run) => void setTimeout(run, delayMs),
});
const address = new TaskAddress(model.id, (taskId) => showTask(taskId));
const tail = h(
  "div",
  { class: "column-tail" },
  h(
    "button",
    { type: "button", class: "button quiet", title: "Add column", onclick: () => addColumn(model, drafts) },
    icon("plus"),
    h("span", { class: "column-tail-text" }, "Add column"),
  ),
);
const view = new BoardView(root, tail, model, (taskId) => address.href(taskId));
const phone = matchMedia("(max-width: 640px)");
const tabs = new ColumnTabs(find("#column-tabs"), root, phone);
const sheet = new TaskSheet({ model, drafts, open: (item) => goOnWith(item), close: () => closeTask() });
const composer = new Composer(view, drafts, ({ column, title, description }) =>
  model.ask("task.create", { column, changes: { title, ...(description && { description }) } }),
);
const kept = new KeptPanel(find("#kept-button"), { model, drafts, open: (item) => goOnWith(item) });
const announcer = new Announcer(find("#announcements"));
const filter = /** @type {HTMLInputElement} */ (find("#filter"));
const drag = new Drag({
  root,
  allowed: () => model.canWrite,
  onDrop: (drop) => move(drop),
  onStart: () => closeMenu(),
});

/** @param {{task: string, column: string, after: string | null | undefined}} intent */
function move({ task, column, after }) {
  const found = findTask(model.view, task);
  const target = model.view.columns.find((one) => one.id === column);
  if (!found || !target) return void toast("That place is no longer there. Nothing was moved.");
  const shown = findTask(view.shown, task);
  const above = shown && shown.index > 0 ? shown.list[shown.index - 1].id : null;
  if (shown?.column.id === column && above === after) return;
  model.ask("task.move", { task, column, after });
  view.draw();
  view.focus.set(task);
  announcer.say(`Moved “${clip(found.task.title)}” to ${isolated(target.name)}`);
}

/** @param {string | null} taskId */
function showTask(taskId) {
  if (taskId === sheet.taskId) return;
  const before = sheet.taskId;
  if (taskId && findTask(model.view, taskId)) sheet.open(taskId);
  else sheet.close();
  coverBoard();
  if (!sheet.taskId && before) view.focus.set(before);
}

/**
 * On a phone the sheet is the whole page: what it covers is out of reach, for the keyboard and for readers
 * too.
 */
function coverBoard() {
  const covered = sheet.taskId !== null && phone.matches;
  for (const part of ["#main", "#column-tabs", ".board-bar"]) find(part).inert = covered;
}

/** @param {string} taskId */
function openTask(taskId) {
  address.open(taskId);
  showTask(taskId);
}

/** Goes on with words that were kept, where they belong. @param {import("./kept_words.js").KeptItem} item */
function goOnWith({ task, field, column, box = "" }) {
  if (task) openTask(task);
  if (task && field) sheet.resume(field);
  if (task) return;
  const kind = box.split(":")[0];
  const renamed = model.view.columns.find((one) => one.id === box.split(":")[1]);
  if (kind === "card" && column) composer.open(column);
  else if (kind === "rename" && renamed) rename(renamed, model, drafts);
  else if (kind === "new-column") addColumn(model, drafts);
  else if (kind === "board-name") renameBoard(model, drafts);
  else if (kind === "member") openMembers(model, drafts);
}

function closeTask() {
  address.close();
  showTask(null);
}

/** @param {string | null} columnId */
function createIn(columnId) {
  if (!model.canWrite) return;
  const column = columnId ?? visibleColumn() ?? model.view.columns[0]?.id;
  if (column) composer.open(column);
  else addColumn(model, drafts);
}

/** On a phone, the one that fills the screen. */
function visibleColumn() {
  const { left } = root.getBoundingClientRect();
  const columns = [...root.querySelectorAll("[data-column-id]")];
  return (
    columns
      .find((column) => column.getBoundingClientRect().right > left + 80)
      ?.getAttribute("data-column-id") ?? null
  );
}

/** @param {HTMLElement} card */
function openMenuOf(card) {
  if (!model.canWrite) return;
  const anchor = /** @type {HTMLElement} */ (card.querySelector(".card-menu") ?? card);
  openMoveMenu(anchor, card.dataset.taskId ?? "", view, { move, open: openTask });
}

function openHelp() {
  const help = document.querySelector("#help");
  if (help instanceof HTMLDialogElement && !help.open) help.showModal();
}

function closeTop() {
  if (closeMenu()) return true;
  if (document.querySelector("dialog[open]")) return false;
  if (sheet.taskId) closeTask();
  else if (composer.isOpen) composer.close();
  else if (filter.value) clearFilter();
  else return false;
  return true;
}

function clearFilter() {
  filter.value = "";
  view.setFilter("");
}

/** @param {MouseEvent} event */
function click(event) {
  const target = event.target instanceof Element ? event.target : null;
  const card = /** @type {HTMLElement | null} */ (target?.closest("[data-task-id]") ?? null);
  const column = target?.closest("[data-column-id]")?.getAttribute("data-column-id") ?? "";
  const button = /** @type {HTMLElement | null} */ (target?.closest("button") ?? null);
  if (button?.matches(".card-menu") && card) openMenuOf(card);
  else if (button?.matches(".column-add")) createIn(column);
  else if (button?.matches(".column-menu")) openColumnMenu(button, column, model, drafts, createIn);
  else if (card && target?.closest("a") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    openTask(card.dataset.taskId ?? "");
  }
}

/**
 * @param {BoardEvent} event
 * @param {import("./store.js").Before} before
 */
function heard(event, before) {
  if (model.isOwn(event)) return;
  const moves = event.event === "task:moved" || event.event === "task:created";
  view.noteRemote(moves ? event.data.id : null, personColour(event.actor?.id ?? ""));
  announcer.say(announcement(event, before, model.state));
  if (
    ["member:removed", "project:updated"].includes(event.event) &&
    !model.role &&
    !model.state.project.public
  )
    model.lose();
  const news = dragNews(event, before, drag, model.state);
  if (news) toast(news);
  if (event.event === "task:deleted" && drag.task === event.data.id) drag.cancel();
}

function knowMembers() {
  knowPeople([...model.state.members.values()].map((member) => member.user.id));
}

let lastMode = "connecting";

function drawPage() {
  const { project, deleted } = model.state;
  setText(document.querySelector("#board-name"), project.name);
  document.title = `${isolated(project.name)} · DevMentor`;
  setAttribute(find("#board-public"), "hidden", !project.public);
  setAttribute(tail, "hidden", !model.canWrite);
  setAttribute(
    find("#reading-only"),
    "hidden",
    model.canWrite || deleted || model.lost || !userId || !logIn.isOurs,
  );
  setText(find("#filter-unsure"), unsureOf(view.filter.unsure));
  setAttribute(find("#filter-unsure"), "hidden", !view.filter.unsure);
  if (deleted) reportLoss("deleted");
  reportLogIn(logIn, store.waiting().length);
  tabs.draw(model.view.columns);
}

/** Another log-in stops the page's work, and its own takes it up again. */
function logInChanged() {
  drag.cancel();
  model.refresh();
  if (!logIn.isOurs) return;
  feed.renew();
  void feed.retryNow();
  model.retryNow();
  sheet.readAgain();
}

view.onDrawn(() => drag.redrawn());
view.onDrawn(drawPage);
view.onDrawn(() => composer.redrawn());
model.listen({
  changed: () => {
    knowMembers();
    view.draw();
  },
  event: heard,
  refused: (operation, error) => {
    const inPlace =
      sheet.taskId &&
      operation.task === sheet.taskId &&
      model.unsaved.some(({ key }) => key === operation.key);
    if (!inPlace) reportRefusal(model, operation, error, { openTask, showKept: () => kept.open() });
  },
  lost: () => reportLoss("gone"),
  found: () => clearLoss(),
});

find("#sheet-place").append(sheet.element);
root.addEventListener("click", click);
filter.addEventListener("input", () => view.setFilter(filter.value));
filter.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || isComposing(event)) return;
  event.stopPropagation();
  clearFilter();
  filter.blur();
});
find("#members-button").addEventListener("click", () => openMembers(model, drafts));
const menuButton = find("#board-menu");
const logOutForm = /** @type {HTMLFormElement | null} */ (document.querySelector("#log-out"));
menuButton.addEventListener("click", () =>
  openProjectMenu(menuButton, model, drafts, {
    kept: kept.isEmpty ? null : () => kept.open(),
    help: openHelp,
    logOut: logOutForm && (() => logOutForm.submit()),
    mayOpen: "mayOpen" in root.dataset,
  }),
);
for (const close of document.querySelectorAll("#help [data-action=close]"))
  close.addEventListener("click", () => close.closest("dialog")?.close());
listenToKeys({
  root: () => root,
  move: openMenuOf,
  create: createIn,
  filter: () => (filter.focus(), filter.select()),
  help: openHelp,
  closeTop,
});
addEventListener("beforeunload", (event) => {
  if (!drafts.safe || !model.safe) event.preventDefault();
});
phone.addEventListener("change", coverBoard);
addEventListener("online", () => model.retryNow());
feed.on("status", ({ mode }) => {
  if (mode === "offline" && lastMode !== mode) announcer.say("Offline. Changes are kept here and sent later");
  if (mode !== "offline" && lastMode === "offline") announcer.say("Connected again");
  lastMode = mode;
});
feed.on("joined", () => model.retryNow());
new PresenceBar(find("#presence"), model.id, feed);
feed.on("banner", reportBanner);
logIn.listen(logInChanged);
knowMembers();
model.start();
view.draw();
followTime(() => view.draw());
showTask(address.current);
if (address.current && !sheet.taskId) {
  address.close();
  toast("That task is not there. It was deleted, or its address is not quite right.");
}
try {
  localStorage.setItem("devmentor.lastBoard", model.id);
} catch {
  // without storage the list of boards is simply in order of name
}
