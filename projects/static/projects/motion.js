/**
 * Remote moves slide from where a card was to where it is. One's own moves are there at once, and nothing slides for
 * people who asked their system for less motion.
 */

export const SLIDE_MS = 200;
const SLIDE = { duration: SLIDE_MS, easing: "cubic-bezier(.2, .7, .3, 1)" };
const MARKED_MS = 2000;

export function wantsMotion() {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches && document.visibilityState === "visible";
}

/**
 * @param {HTMLElement[]} cards
 * @returns {Map<HTMLElement, DOMRect>}
 */
export function measure(cards) {
  return new Map(cards.map((card) => [card, card.getBoundingClientRect()]));
}

/**
 * @param {Map<HTMLElement, DOMRect>} before
 */
export function slide(before) {
  const after = measure([...before.keys()].filter((card) => card.isConnected));
  for (const [card, to] of after) {
    const from = /** @type {DOMRect} */ (before.get(card));
    const dx = from.left - to.left;
    const dy = from.top - to.top;
    if (Math.abs(dx) > 40) fly(card, from, to);
    else if (dx || dy) glide(card, dx, dy);
  }
}

/**
 * @param {HTMLElement} card
 * @param {number} dx
 * @param {number} dy
 */
function glide(card, dx, dy) {
  const { parentElement: group } = card;
  group?.classList.add("is-moving");
  const path = [{ transform: `translate(${dx}px, ${dy}px)` }, { transform: "none" }];
  card.animate(path, SLIDE).finished.finally(() => group?.classList.remove("is-moving"));
}

/**
 * From column to column: a copy above everything, since each column clips what it scrolls.
 * @param {HTMLElement} card
 * @param {DOMRect} from
 * @param {DOMRect} to
 */
function fly(card, from, to) {
  const copy = copyOf(card, from);
  document.body.append(copy);
  card.animate([{ opacity: 0 }, { opacity: 0 }], SLIDE);
  const path = [{ transform: "none" }, { transform: `translate(${to.left - from.left}px, ${to.top - from.top}px)` }];
  copy.animate(path, SLIDE).finished.finally(() => copy.remove());
}

/**
 * A picture of a card that takes part in nothing.
 * @param {HTMLElement} card
 * @param {DOMRect} at
 */
export function copyOf(card, at) {
  const copy = /** @type {HTMLElement} */ (card.cloneNode(true));
  copy.removeAttribute("data-task-id"); // there is one card of a task on the page
  copy.classList.add("card-copy");
  copy.inert = true;
  copy.setAttribute("aria-hidden", "true");
  Object.assign(copy.style, { left: `${at.left}px`, top: `${at.top}px`, width: `${at.width}px`, height: `${at.height}px` });
  return copy;
}

/**
 * The card carries the mover's colour for two seconds.
 * @param {HTMLElement} card
 * @param {number} colour
 */
export function mark(card, colour) {
  card.dataset.mover = String(colour);
  setTimeout(() => {
    if (card.dataset.mover === String(colour)) delete card.dataset.mover;
  }, MARKED_MS);
}
