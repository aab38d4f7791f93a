import { isEmpty, looksAtTexts, matches, parseFilter } from "./filter.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./pending.js").TaskView} TaskView */
/** @typedef {import("./pending.js").BoardView} BoardView */

/**
 * What the filter shows of a board. A card that one makes or changes under a filter stays in sight although
 * it does not match, until the filter changes.
 */
export class CardFilter {
  #filter = parseFilter("");
  /**
   * Whether a row passes the filter, for as long as both stay.
   * @type {WeakMap<TaskView, {assignee: unknown, hit: boolean}>}
   */
  #hits = new WeakMap();
  /** Keys of what was asked for before the filter was set. @type {Set<string>} */
  #earlier = new Set();
  /** Tasks that one has made or changed since. @type {Set<string>} */
  #touched = new Set();
  /** Those of them that do not match. @type {Set<string>} */
  kept = new Set();
  /** Cards that it hides, and of whose descriptions it knows only the beginning. */
  unsure = 0;

  /** @param {BoardModel} model */
  constructor(model) {
    this.model = model;
  }

  get isOn() {
    return !isEmpty(this.#filter);
  }

  /** @param {string} text */
  set(text) {
    this.#filter = parseFilter(text);
    this.#hits = new WeakMap();
    this.#earlier = new Set(this.model.operations.map(({ key }) => key));
    this.#touched.clear();
  }

  /**
   * @param {BoardView} view
   * @returns {BoardView}
   */
  of(view) {
    this.unsure = 0;
    this.kept.clear();
    if (!this.isOn) return view;
    for (const { key, kind, task } of this.model.operations)
      if (task && kind.startsWith("task.") && !this.#earlier.has(key)) this.#touched.add(task);
    return {
      columns: view.columns.map((column) => ({
        ...column,
        tasks: column.tasks.filter((task) => this.#shows(task)),
      })),
    };
  }

  /** @param {TaskView} task */
  #shows(task) {
    if (this.#matches(task)) return true;
    if (this.#touched.has(task.id)) this.kept.add(task.id);
    else if (task.descriptionCut && looksAtTexts(this.#filter)) this.unsure += 1;
    return this.kept.has(task.id);
  }

  /** @param {TaskView} task */
  #matches(task) {
    const assignee = this.model.person(task.assignee);
    const known = this.#hits.get(task);
    const hit = known && known.assignee === assignee ? known.hit : matches(this.#filter, task, assignee);
    this.#hits.set(task, { assignee, hit });
    return hit;
  }
}
