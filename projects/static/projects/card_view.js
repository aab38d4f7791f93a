import { drawAvatar } from "./avatar.js";
import { dueIn, numberText } from "./dates.js";
import { h, hiddenText, icon, setAttribute, setText } from "./dom.js";
import { isolated } from "./isolated.js";
import { colourOf } from "./people.js";
import { same } from "./three_way.js";

/** @typedef {import("./pending.js").TaskView} TaskView */
/** @typedef {import("./types.js").Person} Person */

/**
 * @typedef {object} CardContext
 * @property {(taskId: string) => string} href
 * @property {(taskId: string | null) => Person | undefined} person
 * @property {(taskId: string) => number} comments
 * @property {(taskId: string) => boolean} isKept  it does not match the filter
 * @property {string} today
 * @property {boolean} [done]  its column is of finished tasks
 * @property {boolean} canWrite
 */

/**
 * @typedef {{task: TaskView, assignee: Person | undefined, comments: number, kept: boolean, today: string,
 * done: boolean, canWrite: boolean}} Drawn
 */

/** What each card shows, so that one that stays the same is not touched. @type {WeakMap<Element, Drawn>} */
const drawn = new WeakMap();

/** @type {HTMLElement | undefined} */
let blank;

/** A copy of one card that was made once: that costs a fraction of making each. */
export function buildCard() {
  blank ??= blankCard();
  return /** @type {HTMLElement} */ (blank.cloneNode(true));
}

/** One card: a link over the whole card, and beside it the button for its menu. */
function blankCard() {
  const title = h("span", { class: "card-title", dir: "auto" });
  const facts = h("span", { class: "card-facts" });
  const link = h("a", { class: "card-link", draggable: "false", tabindex: -1 }, title, facts);
  const menu = h(
    "button",
    { type: "button", class: "icon-button card-menu", "aria-haspopup": "menu", tabindex: -1 },
    icon("more"),
  );
  return h("div", { class: "card", role: "listitem" }, link, menu);
}

/**
 * @param {HTMLElement} card
 * @param {TaskView} task
 * @param {CardContext} context
 */
export function drawCard(card, task, context) {
  const { today, done = false, canWrite } = context;
  const wanted = {
    task,
    assignee: context.person(task.assignee),
    comments: context.comments(task.id),
    kept: context.isKept(task.id),
    today,
    done,
    canWrite,
  };
  const known = drawn.get(card);
  drawn.set(card, wanted);
  if (known && looksTheSame(known, wanted)) return;
  setAttribute(card, "data-task-id", task.id);
  card.classList.toggle("is-pending", Boolean(task.pending));
  setAttribute(card.querySelector(".card-link") ?? card, "href", context.href(task.id));
  setText(card.querySelector(".card-title"), task.title);
  card.querySelector(".card-facts")?.replaceChildren(...factMarks(wanted));
  drawMenuButton(card, wanted);
}

/**
 * A row that is the same object is unchanged; another one may have changed in what a card does not show, as
 * its place.
 * @param {Drawn} before
 * @param {Drawn} now
 */
function looksTheSame(before, now) {
  return (
    before.assignee === now.assignee &&
    before.comments === now.comments &&
    before.kept === now.kept &&
    before.today === now.today &&
    before.done === now.done &&
    before.canWrite === now.canWrite &&
    (before.task === now.task || sameWords(before.task, now.task))
  );
}

/**
 * @param {TaskView} a
 * @param {TaskView} b
 */
function sameWords(a, b) {
  return (
    a.id === b.id &&
    a.title === b.title &&
    a.dueOn === b.dueOn &&
    a.pending === b.pending &&
    same(a.labels, b.labels)
  );
}

/**
 * @param {HTMLElement} card
 * @param {Drawn} wanted
 */
function drawMenuButton(card, { task, canWrite }) {
  const button = card.querySelector(".card-menu");
  if (!button) return;
  setAttribute(button, "hidden", !canWrite);
  setAttribute(button, "aria-label", `Actions for ${isolated(task.title)}`);
}

/** @param {string} label */
function labelDot(label) {
  return h(
    "span",
    { class: "label-dot", "data-person": colourOf(label), title: label },
    hiddenText(`${isolated(label)}. `),
  );
}

/**
 * @param {Drawn} wanted
 * @returns {HTMLElement[]}
 */
function factMarks({ task, assignee, comments, kept, today, done }) {
  const found = kept
    ? [
        h(
          "span",
          { class: "fact", title: "It stays here until the filter changes." },
          "Does not match the filter",
        ),
      ]
    : [];
  if (task.labels.length) found.push(h("span", { class: "card-labels" }, ...task.labels.map(labelDot)));
  if (task.dueOn) found.push(dueMark(task.dueOn, today, done));
  if (comments)
    found.push(
      h(
        "span",
        { class: "fact" },
        icon("comment"),
        numberText(comments),
        hiddenText(comments === 1 ? " comment" : " comments"),
      ),
    );
  if (assignee) found.push(assigneeMark(assignee));
  return found;
}

/**
 * @param {string} dueOn
 * @param {string} today
 * @param {boolean} done
 */
export function dueMark(dueOn, today, done) {
  const { state, text } = dueIn(dueOn, today, done);
  return h("span", { class: "fact due", "data-due": state }, icon("clock"), text);
}

/** @param {Person} assignee */
function assigneeMark(assignee) {
  const mark = h("span", { class: "avatar avatar-small", role: "img" });
  drawAvatar(mark, assignee, `Assigned to ${isolated(assignee.name)}`);
  return mark;
}
