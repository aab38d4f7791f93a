/**
 * When whoever draws is told that something has changed: before the next picture, once for all that has
 * changed until then; and while the page catches up with many events, less often.
 */

/** So many events in one picture are not somebody's work but the past of a page that was away. */
const MANY_EVENTS = 20;
/** Between two pictures while it catches up: each costs more than all the events that it leaves time for. */
const CATCHING_UP_MS = 200;

export class PicturePace {
  #due = false;
  /** Since the last picture. */
  #events = 0;
  #catchingUp = false;

  /**
   * @param {object} options
   * @param {(run: () => void) => void} options.soon  before the next picture
   * @param {(delayMs: number, run: () => void) => void} options.later
   * @param {() => void} options.draw
   */
  constructor(options) {
    this.options = options;
  }

  noteEvent() {
    this.#events += 1;
  }

  changed() {
    if (this.#due) return;
    this.#due = true;
    if (this.#catchingUp) this.options.later(CATCHING_UP_MS, () => this.#draw());
    else this.options.soon(() => this.#draw());
  }

  #draw() {
    this.#due = false;
    this.#catchingUp = this.#events > MANY_EVENTS;
    this.#events = 0;
    this.options.draw();
  }
}
