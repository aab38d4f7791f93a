import { BoardFocus } from "./board_focus.js";
import { CardFilter } from "./card_filter.js";
import { CardList, cardsOnScreen } from "./card_list.js";
import { buildCard, drawCard } from "./card_view.js";
import { buildColumn, drawColumn } from "./column_view.js";
import { dayOf } from "./dates.js";
import { find, setChildren } from "./dom.js";
import { serverNow } from "./server_clock.js";
import { SLIDE_MS, mark, measure, slide, wantsMotion } from "./motion.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./pending.js").TaskView} TaskView */

/** More cards than this that others moved since the last picture are nobody's move: this page was away. */
const MOST_MOVED = 20;

/**
 * The board in the page: one element per column and card, kept by id and moved, never rebuilt. A drawing
 * looks at every task, and touches the cards that changed.
 */
export class BoardView {
  /** @type {Map<string, HTMLElement>} */
  #cards = new Map();
  /** @type {Map<string, HTMLElement>} */
  #columns = new Map();
  /** By column. @type {WeakMap<HTMLElement, CardList>} */
  #lists = new WeakMap();
  /** Cards that others moved since the last drawing, with the mover's colour. @type {Map<string, number>} */
  #moved = new Map();
  #remote = false;
  /** When somebody else's change was last drawn: while they come faster than a card slides, none slides. */
  #remoteAt = -Infinity;
  /** @type {(() => void)[]} */
  #afterDraw = [];
  /** The board as one sees it: what the filter hides is left out. @type {import("./pending.js").BoardView} */
  shown = { columns: [] };

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
    this.filter = new CardFilter(model);
    this.focus = new BoardFocus(root, this.#cards);
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
    this.filter.set(text);
    this.draw();
  }

  draw() {
    const before = this.#remote ? this.#places() : null;
    const restoreFocus = this.focus.keep();
    this.#drawColumns();
    restoreFocus();
    if (before) slide(before);
    if (this.#moved.size <= MOST_MOVED)
      for (const [id, colour] of this.#moved) markIf(this.#cards.get(id), colour);
    this.#moved.clear();
    this.#remote = false;
    for (const listener of this.#afterDraw) listener();
  }

  /** Where cards are before those that others moved move; null where nothing is to slide. */
  #places() {
    const now = performance.now();
    const calm = now - this.#remoteAt > SLIDE_MS;
    this.#remoteAt = now;
    if (!calm || this.#moved.size > MOST_MOVED || !wantsMotion()) return null;
    const moved = [...this.#moved.keys()]
      .map((id) => this.#cards.get(id))
      .filter((card) => card !== undefined);
    return measure([...cardsOnScreen(this.root), ...moved]);
  }

  #drawColumns() {
    const { columns } = this.model.view;
    this.shown = this.filter.of(this.model.view);
    const context = this.#context();
    let shown = 0;
    const elements = columns.map((column, index) => {
      const element = keep(this.#columns, column.id, () => buildColumn(column.id));
      const { tasks } = this.shown.columns[index];
      drawColumn(element, column, {
        canWrite: context.canWrite,
        filtered: this.filter.isOn,
        shown: tasks.length,
      });
      this.#drawCards(element, tasks, { ...context, done: column.done });
      shown += tasks.length;
      return element;
    });
    setChildren(this.root, [...elements, this.tail]);
    if (shown < this.#cards.size) forget(this.#cards, (card) => this.root.contains(card));
    if (columns.length < this.#columns.size)
      forget(this.#columns, (column) => column.parentElement === this.root);
    this.focus.drawStop();
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
    const list = this.#lists.get(element) ?? new CardList(find(".cards", element));
    this.#lists.set(element, list);
    list.show(cards);
  }

  /** @returns {import("./card_view.js").CardContext} */
  #context() {
    const { model } = this;
    return {
      href: this.href,
      person: (id) => model.person(id),
      comments: (id) => model.state.commentCounts.get(id) ?? 0,
      isKept: (id) => this.filter.kept.has(id),
      today: dayOf(new Date(serverNow())),
      canWrite: model.canWrite,
    };
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
  const known = elements.get(id);
  if (known) return known;
  const element = build();
  elements.set(id, element);
  return element;
}

/**
 * @param {Map<string, HTMLElement>} elements
 * @param {(element: HTMLElement) => boolean} isShown
 */
function forget(elements, isShown) {
  for (const [id, element] of elements) if (!isShown(element)) elements.delete(id);
}

/**
 * @param {HTMLElement | undefined} card
 * @param {number} colour
 */
function markIf(card, colour) {
  if (card) mark(card, colour);
}
