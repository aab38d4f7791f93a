/**
 * Long descriptions: a board holds the beginning, the task's own address, its events and its answers hold the
 * whole. Pure.
 *
 * @typedef {import("./types.js").Task} Task
 */

/** Characters of a description that a board holds, as SHOWN_DESCRIPTION in projects/limits.py. */
export const SHOWN = 2000;
/** So many whole texts are kept; the longest unused goes first. */
const MOST_KEPT = 50;

/**
 * A task as a board holds it. Characters are Unicode's, of which some are two of JavaScript's.
 * @template {Partial<Task>} Row
 * @param {Row} task
 * @returns {Row}
 */
export function cutDescription(task) {
  const { description = "" } = task;
  if (description.length <= SHOWN) return task;
  const characters = Array.from(description);
  if (characters.length <= SHOWN) return task;
  return { ...task, description: characters.slice(0, SHOWN).join(""), descriptionCut: true };
}

/** Whole descriptions, as events and answers have brought them. */
export class WholeDescriptions {
  /** @type {Map<string, {version: number, description: string}>} */
  #known = new Map();

  /**
   * A task as an event or an answer has it, whole.
   * @param {any} task
   */
  learn(task) {
    const known = this.#known.get(task?.id);
    if (typeof task?.description !== "string" || !task.version) return;
    if (known && known.version > task.version) return;
    this.#known.delete(task.id);
    if (cutDescription(task) === task) return; // the board holds it whole
    this.#known.set(task.id, { version: task.version, description: task.description });
    if (this.#known.size > MOST_KEPT) this.#known.delete(this.#known.keys().next().value ?? "");
  }

  /**
   * @param {Pick<Task, "id" | "version" | "description" | "descriptionCut">} row  of the board
   * @returns {string | null}  null: only its beginning is known
   */
  of(row) {
    if (!row.descriptionCut) return row.description;
    const known = this.#known.get(row.id);
    if (!known || known.version < row.version) return null;
    this.#known.delete(row.id);
    this.#known.set(row.id, known); // used last
    return known.description;
  }
}
