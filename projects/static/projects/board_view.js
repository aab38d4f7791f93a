import { BoardFocus } from "./board_focus.js";
import { buildCard, drawCard } from "./card_view.js";
import { buildColumn, drawColumn } from "./column_view.js";
import { dayOf } from "./dates.js";
import { setChildren } from "./dom.js";
import { isEmpty, matches, parseFilter } from "./filter.js";
import { mark, measure, slide, wantsMotion } from "./motion.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./pending.js").TaskView} TaskView */

/** The board in the page: one element per column and card, kept by id and moved, never rebuilt. */
export class BoardView {
  /** @type {Map<string, HTMLElement>} */
  #cards = new Map();
  /** @type {Map<string, HTMLElement>} */
  #columns = new Map();
  /** Cards that others moved since the last drawing, with the mover's colour. @type {Map<string, number>} */
  #moved = new Map();
  #scheduled = false;
  #remote = false;
  #filter = parseFilter("");
  /** @type {(() => void)[]} */
  #afterDraw = [];

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} tail  what stands right of the last column
   * @param {BoardModel} model
   * @param {(taskId: string) => string} href
   */
  constructor(root, tail, model, href) {
    this.root = root;
    this.tail = tail;
    this.model = model;
    this.href = href;
    this.focus = new BoardFocus(root, this.#cards);
  }

  /** Draws soon, once for however many changes. A frame that never comes, as in a hidden tab, is not waited for. */
  schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const draw = () => this.#scheduled && this.draw();
    requestAnimationFrame(draw);
    setTimeout(draw, 100);
  }

  /**
   * Somebody else changed something: what moves because of it slides.
   * @param {string | null} taskId  moved or made
   * @param {number} colour
   */
  noteRemote(taskId, colour) {
    this.#remote = true;
    if (taskId) this.#moved.set(taskId, colour);
  }

  /** @param {() => void} listener */
  onDrawn(listener) {
    this.#afterDraw.push(listener);
  }

  /** @param {string} text */
  setFilter(text) {
    this.#filter = parseFilter(text);
    this.draw();
  }

  draw() {
    this.#scheduled = false;
    const before = this.#remote && wantsMotion() ? measure(this.#cards.values()) : null;
    const restoreFocus = this.focus.keep();
    this.#drawColumns();
    restoreFocus();
    if (before) slide(before);
    for (const [id, colour] of this.#moved) markIf(this.#cards.get(id), colour);
    this.#moved.clear();
    this.#remote = false;
    for (const listener of this.#afterDraw) listener();
  }

  #drawColumns() {
    const { columns } = this.model.view;
    this.#rename();
    const shown = new Set();
    const context = { ...this.#context(), filtered: !isEmpty(this.#filter) };
    const elements = columns.map((column) => {
      const element = keep(this.#columns, column.id, () => buildColumn(column.id));
      const tasks = column.tasks.filter((task) => this.#matches(task));
      drawColumn(element, column, { ...context, shown: tasks.length });
      this.#drawCards(element, tasks, context);
      for (const task of tasks) shown.add(task.id);
      return element;
    });
    setChildren(this.root, [...elements, this.tail]);
    forget(this.#cards, shown);
    forget(this.#columns, new Set(columns.map((column) => column.id)));
    this.focus.drawStops();
  }

  /**
   * @param {HTMLElement} element
   * @param {TaskView[]} tasks
   * @param {import("./card_view.js").CardContext} context
   */
  #drawCards(element, tasks, context) {
    const cards = tasks.map((task) => {
      const card = keep(this.#cards, task.id, buildCard);
      drawCard(card, task, context);
      return card;
    });
    const list = element.querySelector(".cards");
    if (list) setChildren(list, cards);
  }

  /** A card that this page made up gets the server's id, and stays the same card. */
  #rename() {
    for (const id of this.#cards.keys()) this.#renameOne(this.#cards, id);
    for (const id of this.#columns.keys()) this.#renameOne(this.#columns, id);
  }

  /**
   * @param {Map<string, HTMLElement>} elements
   * @param {string} id
   */
  #renameOne(elements, id) {
    const real = this.model.outbox.realId(id);
    const element = elements.get(id);
    if (!real || real === id || !element || elements.has(real)) return;
    elements.delete(id);
    elements.set(real, element);
    this.focus.rename(id, real);
  }

  /** @returns {import("./card_view.js").CardContext} */
  #context() {
    const { model } = this;
    return {
      href: this.href,
      person: (id) => model.person(id),
      comments: (id) => model.state.commentCounts[id] ?? 0,
      today: dayOf(new Date()),
      canWrite: model.canWrite,
    };
  }

  /** @param {TaskView} task */
  #matches(task) {
    return isEmpty(this.#filter) || matches(this.#filter, task, this.model.person(task.assignee));
  }

  /** @param {string} id */
  card(id) {
    return this.#cards.get(id);
  }

  /** @param {string} id */
  column(id) {
    return this.#columns.get(id);
  }
}

/**
 * @param {Map<string, HTMLElement>} elements
 * @param {string} id
 * @param {() => HTMLElement} build
 */
function keep(elements, id, build) {
  const element = elements.get(id) ?? build();
  elements.set(id, element);
  return element;
}

/**
 * @param {Map<string, HTMLElement>} elements
 * @param {Set<string>} shown
 */
function forget(elements, shown) {
  for (const id of elements.keys()) if (!shown.has(id)) elements.delete(id);
}

/**
 * @param {HTMLElement | undefined} card
 * @param {number} colour
 */
function markIf(card, colour) {
  if (card) mark(card, colour);
}
