/**
 * Remote moves slide from where a card was to where it is. One's own moves are there at once, and nothing slides for
 * people who asked their system for less motion.
 */

const SLIDE = { duration: 200, easing: "cubic-bezier(.2, .7, .3, 1)" };
const MARKED_MS = 2000;
/** Far more cards than fit on a screen: measuring them all would cost more than the movement is worth. */
const MOST_CARDS = 400;

export function wantsMotion() {
  return !matchMedia("(prefers-reduced-motion: reduce)").matches && document.visibilityState === "visible";
}

/**
 * @param {Iterable<HTMLElement>} cards
 * @returns {Map<HTMLElement, DOMRect>}
 */
export function measure(cards) {
  const all = [...cards];
  return new Map(all.length > MOST_CARDS ? [] : all.map((card) => [card, card.getBoundingClientRect()]));
}

/**
 * @param {Map<HTMLElement, DOMRect>} before
 */
export function slide(before) {
  for (const [card, from] of before) {
    if (!card.isConnected) continue;
    const to = card.getBoundingClientRect();
    const dx = from.left - to.left;
    const dy = from.top - to.top;
    if (Math.abs(dx) > 40) fly(card, from, to);
    else if (dx || dy) card.animate([{ transform: `translate(${dx}px, ${dy}px)` }, { transform: "none" }], SLIDE);
  }
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
