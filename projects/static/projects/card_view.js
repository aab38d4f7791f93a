import { drawAvatar } from "./avatar.js";
import { dueIn } from "./dates.js";
import { h, hiddenText, icon, setAttribute, setText } from "./dom.js";
import { colourOf } from "./people.js";

/** @typedef {import("./pending.js").TaskView} TaskView */
/** @typedef {import("./types.js").Person} Person */

/**
 * @typedef {object} CardContext
 * @property {(taskId: string) => string} href
 * @property {(taskId: string | null) => Person | undefined} person
 * @property {(taskId: string) => number} comments
 * @property {string} today
 * @property {boolean} canWrite
 */

/** What each card shows, so that one that stays the same is not touched. @type {WeakMap<Element, string>} */
const drawn = new WeakMap();

/** One card: a link over the whole card, and beside it the button for its menu. */
export function buildCard() {
  const title = h("span", { class: "card-title" });
  const facts = h("span", { class: "card-facts" });
  const link = h("a", { class: "card-link", draggable: "false" }, title, facts);
  const menu = h("button", { type: "button", class: "icon-button card-menu", "aria-haspopup": "menu", tabindex: -1 }, icon("more"));
  return h("li", { class: "card" }, link, menu);
}

/**
 * @param {HTMLElement} card
 * @param {TaskView} task
 * @param {CardContext} context
 */
export function drawCard(card, task, context) {
  const assignee = context.person(task.assignee);
  const facts = JSON.stringify([task, assignee, context.comments(task.id), context.today, context.canWrite]);
  if (drawn.get(card) === facts) return;
  drawn.set(card, facts);
  setAttribute(card, "data-task-id", task.id);
  card.classList.toggle("is-pending", Boolean(task.pending));
  setAttribute(card.querySelector(".card-link") ?? card, "href", context.href(task.id));
  setText(card.querySelector(".card-title"), task.title);
  card.querySelector(".card-facts")?.replaceChildren(...factMarks(task, assignee, context));
  drawMenuButton(card, task, context);
}

/**
 * @param {HTMLElement} card
 * @param {TaskView} task
 * @param {CardContext} context
 */
function drawMenuButton(card, task, { canWrite }) {
  const button = card.querySelector(".card-menu");
  if (!button) return;
  setAttribute(button, "hidden", !canWrite);
  setAttribute(button, "aria-label", `Actions for ${task.title}`);
}

/** @param {string} label */
function labelDot(label) {
  return h("span", { class: "label-dot", "data-person": colourOf(label), title: label }, hiddenText(`${label}. `));
}

/**
 * @param {TaskView} task
 * @param {Person | undefined} assignee
 * @param {CardContext} context
 * @returns {HTMLElement[]}
 */
function factMarks(task, assignee, { comments, today }) {
  const found = task.labels.length ? [h("span", { class: "card-labels" }, ...task.labels.map(labelDot))] : [];
  if (task.dueOn) found.push(dueMark(task.dueOn, today));
  const count = comments(task.id);
  if (count) found.push(h("span", { class: "fact" }, icon("comment"), String(count), hiddenText(count === 1 ? " comment" : " comments")));
  if (assignee) found.push(assigneeMark(assignee));
  return found;
}

/**
 * @param {string} dueOn
 * @param {string} today
 */
export function dueMark(dueOn, today) {
  const { state, text } = dueIn(dueOn, today);
  return h("span", { class: "fact due", "data-due": state }, icon("clock"), text);
}

/** @param {Person} assignee */
function assigneeMark(assignee) {
  const mark = h("span", { class: "avatar avatar-small", role: "img" });
  drawAvatar(mark, assignee, `Assigned to ${assignee.name}`);
  return mark;
}
