import { cardsNear } from "./card_list.js";
import { dropTarget, edgeScroll } from "./drop_target.js";
import { h } from "./dom.js";
import { copyOf } from "./motion.js";

/**
 * @typedef {object} DragOptions
 * @property {HTMLElement} root                        the board
 * @property {() => boolean} allowed
 * @property {(move: {task: string, column: string, after: string | null}) => void} onDrop
 * @property {(taskId: string) => void} onStart
 *
 * @typedef {object} Grip  a press that may become a drag
 * @property {number} pointerId
 * @property {boolean} touch
 * @property {HTMLElement} card
 * @property {string} task
 * @property {{x: number, y: number}} start
 * @property {{x: number, y: number}} at
 * @property {{dx: number, dy: number}} hold   from the pointer to the card's corner
 * @property {HTMLElement | null} ghost        once it is a drag
 * @property {ReturnType<typeof setTimeout> | undefined} press
 */

const THRESHOLD_PX = 5;
const LONG_PRESS_MS = 280;
const SLIP_PX = 8;
/** In `buttons`: the left one, a finger, the tip of a pen. */
const PRIMARY = 1;

/**
 * Dragging with mouse, touch and pen. The real card stays where it is: a ghost follows the pointer, a line
 * shows the place, and the drop is an intent for the server. So nothing that arrives meanwhile can break a
 * drag. It ends when the button is up, however the page comes to know of it; only a release that it hears of
 * is a drop.
 */
export class Drag {
  /** @type {Grip | null} */
  #grip = null;
  #line = h("div", { class: "drop-line", "aria-hidden": "true", hidden: true });
  /** @type {import("./drop_target.js").Target | null} */
  #target = null;

  /** @param {DragOptions} options */
  constructor(options) {
    this.options = options;
    const { root } = options;
    document.body.append(this.#line);
    root.addEventListener("pointerdown", (event) => this.#press(event));
    root.addEventListener("dragstart", (event) => event.preventDefault());
    root.addEventListener("contextmenu", (event) =>
      this.#grip?.touch ? event.preventDefault() : this.cancel(),
    );
    root.addEventListener("lostpointercapture", (event) => event.target === root && this.#lost(event));
    root.addEventListener(
      "touchmove",
      (event) => this.isDragging && event.cancelable && event.preventDefault(),
      { passive: false },
    );
    addEventListener("pointermove", (event) => this.#move(event));
    addEventListener("pointerup", (event) => this.#release(event));
    addEventListener("pointercancel", (event) => this.#lost(event));
    addEventListener("blur", () => this.cancel());
    document.addEventListener("visibilitychange", () => this.cancel());
    addEventListener("keydown", (event) => this.#key(event), true);
  }

  get isDragging() {
    return Boolean(this.#grip?.ghost);
  }

  /** The task in hand, if any. */
  get task() {
    return this.isDragging ? (this.#grip?.task ?? null) : null;
  }

  /** Where a drop would land now, if a drag is on. */
  get column() {
    return this.isDragging ? (this.#target?.column ?? null) : null;
  }

  /** Ends it; nothing has moved, so there is nothing to put back. */
  cancel() {
    const grip = this.#grip;
    this.#grip = this.#target = null;
    clearTimeout(grip?.press);
    grip?.ghost?.remove();
    this.#line.hidden = true;
    document.documentElement.classList.remove("is-dragging");
    for (const card of this.options.root.querySelectorAll(".is-lifted")) card.classList.remove("is-lifted");
  }

  /** The board was drawn anew: the card in hand may have a new element, and places have shifted. */
  redrawn() {
    if (!this.#grip?.ghost) return;
    const card = this.options.root.querySelector(`[data-task-id="${CSS.escape(this.#grip.task)}"]`);
    card?.classList.add("is-lifted");
    this.#aim();
  }

  /** @param {PointerEvent} event */
  #press(event) {
    const target = event.target instanceof Element ? event.target : null;
    const card = target?.closest("[data-task-id]");
    if (event.button !== 0 || !event.isPrimary || !(card instanceof HTMLElement)) return;
    this.cancel(); // of an earlier press whose release nobody told of
    // To the system that is a menu, or another window.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (target?.closest("button, input, textarea") || !this.options.allowed()) return;
    const box = card.getBoundingClientRect();
    const at = { x: event.clientX, y: event.clientY };
    const touch = event.pointerType === "touch";
    this.#grip = {
      pointerId: event.pointerId,
      touch,
      card,
      task: card.dataset.taskId ?? "",
      start: at,
      at,
      hold: { dx: box.left - at.x, dy: box.top - at.y },
      ghost: null,
      press: touch ? setTimeout(() => this.#lift(), LONG_PRESS_MS) : undefined,
    };
  }

  /** @param {PointerEvent} event */
  #move(event) {
    const grip = this.#grip;
    if (!grip || event.pointerId !== grip.pointerId) return;
    if (!(event.buttons & PRIMARY)) return this.cancel(); // released where this page does not hear of it
    grip.at = { x: event.clientX, y: event.clientY };
    const way = Math.hypot(grip.at.x - grip.start.x, grip.at.y - grip.start.y);
    if (!grip.ghost && grip.touch && way > SLIP_PX) return this.cancel(); // a swipe, which scrolls
    if (!grip.ghost && !grip.touch && way > THRESHOLD_PX) this.#lift();
    if (!grip.ghost) return;
    event.preventDefault();
    this.#place();
    this.#aim();
  }

  #lift() {
    const grip = this.#grip;
    if (!grip || grip.ghost) return;
    grip.ghost = copyOf(grip.card, grip.card.getBoundingClientRect());
    grip.ghost.classList.add("is-ghost");
    document.body.append(grip.ghost);
    document.documentElement.classList.add("is-dragging");
    grip.card.classList.add("is-lifted");
    if (grip.touch) navigator.vibrate?.(10);
    // Captured by the board: the card itself may be taken away by somebody else while it is in hand.
    if (this.options.root.isConnected) this.options.root.setPointerCapture(grip.pointerId);
    getSelection()?.removeAllRanges();
    this.options.onStart(grip.task);
    this.#place();
    this.#aim();
    requestAnimationFrame(() => this.#autoscroll());
  }

  #place() {
    const grip = this.#grip;
    if (!grip?.ghost) return;
    Object.assign(grip.ghost.style, {
      left: `${grip.at.x + grip.hold.dx}px`,
      top: `${grip.at.y + grip.hold.dy}px`,
    });
  }

  #aim() {
    const grip = this.#grip;
    if (!grip) return;
    this.#target = dropTarget(this.#boxes(grip), grip.at);
    this.#line.hidden = !this.#target;
    const { left = 0, top = 0, width = 0 } = this.#target?.line ?? {};
    Object.assign(this.#line.style, { left: `${left}px`, top: `${top}px`, width: `${width}px` });
  }

  /** @param {Grip} grip */
  #boxes({ task, at }) {
    return [...this.options.root.querySelectorAll("[data-column-id]")].map((column) => ({
      id: column.getAttribute("data-column-id") ?? "",
      box: (column.querySelector(".column-scroll") ?? column).getBoundingClientRect(),
      cards: cardsNear(column, at.y)
        .map((card) => ({ id: card.dataset.taskId ?? "", box: card.getBoundingClientRect() }))
        .filter(({ id }) => id !== task),
    }));
  }

  #autoscroll() {
    const grip = this.#grip;
    if (!grip?.ghost) return;
    const { root } = this.options;
    const strip = root.getBoundingClientRect();
    root.scrollLeft += edgeScroll(grip.at.x, Math.max(strip.left, 0), Math.min(strip.right, innerWidth));
    const list =
      this.#target &&
      root.querySelector(`[data-column-id="${CSS.escape(this.#target.column)}"] .column-scroll`);
    if (list) {
      const box = list.getBoundingClientRect();
      const step = edgeScroll(grip.at.y, Math.max(box.top, 0), Math.min(box.bottom, innerHeight));
      list.scrollTop += step;
      scrollBy(0, step); // on a small screen the page scrolls, and no list
    }
    this.#aim();
    requestAnimationFrame(() => this.#autoscroll());
  }

  /** The pointer is no longer ours. @param {PointerEvent} event */
  #lost(event) {
    if (event.pointerId === this.#grip?.pointerId) this.cancel();
  }

  /** @param {PointerEvent} event */
  #release(event) {
    const grip = this.#grip;
    if (!grip || event.pointerId !== grip.pointerId) return;
    if (grip.ghost) {
      grip.at = { x: event.clientX, y: event.clientY };
      this.#aim();
      swallowClick();
    }
    const target = grip.ghost ? this.#target : null;
    this.cancel();
    if (target) this.options.onDrop({ task: grip.task, column: target.column, after: target.after });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== "Escape" || !this.isDragging) return;
    event.stopPropagation();
    event.preventDefault();
    swallowClick(true);
    this.cancel();
  }
}

/**
 * The release of a drag is also a click on the card below; that one opens nothing.
 * @param {boolean} [untilRelease]  the button is still down: wait for it
 */
function swallowClick(untilRelease = false) {
  const swallow = (/** @type {Event} */ event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  const stop = () => setTimeout(() => removeEventListener("click", swallow, true), 0);
  addEventListener("click", swallow, true);
  if (untilRelease) addEventListener("pointerup", stop, { once: true });
  else stop();
}
