import { ApiError } from "./api.js";
import { h, setAttribute } from "./dom.js";
import { readingFailed } from "./notices.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./pending.js").TaskView} TaskView */

const AGAIN_MS = 5000;
const LOADING = "Loading the whole description…";
const FAILED = "This is only the beginning: the rest of the description could not be loaded. It can be changed once all of it is here.";

/** Has the open task's description here whole: a board holds the beginning of a long one alone. */
export class DescriptionLoader {
  /** Whose description is being loaded, or could not be. @type {string | null} */
  #task = null;
  #sentence = h("span", {}, LOADING);
  #again = h("button", { type: "button", class: "button small", hidden: true, onclick: () => this.#task && void this.#load(this.#task) }, "Try again");
  /** Says that the whole is not here yet. */
  note = h("p", { class: "sheet-note", id: "sheet-description-note", role: "status", hidden: true }, this.#sentence, this.#again);

  /** @param {BoardModel} model */
  constructor(model) {
    this.model = model;
  }

  /**
   * The whole description of the open task; null while only its beginning is here, and then the rest is loaded.
   * @param {TaskView} task
   */
  wholeOf(task) {
    const whole = this.model.wholeDescription(task);
    if (whole !== null) this.stop();
    else if (this.#task !== task.id) void this.#load(task.id);
    return whole;
  }

  /** Loads nothing any more: the task is closed, or all of it is here. */
  stop() {
    this.#task = null;
    this.note.hidden = true;
  }

  /** @param {string} task */
  async #load(task) {
    this.#task = task;
    this.#say([LOADING], false);
    try {
      await this.model.loadTask(task);
      if (this.#task === task) this.#task = null; // should the board be ahead of it, the next drawing loads again
    } catch (error) {
      if (this.#task !== task) return;
      this.#say(error instanceof ApiError && error.isOfLogIn ? readingFailed("The rest of the description", error) : [FAILED], true);
      if (error instanceof ApiError && error.isPassing) setTimeout(() => this.#task === task && !this.#again.hidden && void this.#load(task), AGAIN_MS);
    }
  }

  /**
   * @param {(Node | string)[]} sentence
   * @param {boolean} failed
   */
  #say(sentence, failed) {
    this.#sentence.replaceChildren(...sentence);
    setAttribute(this.#again, "hidden", !failed);
    this.note.hidden = false;
  }
}
