import { cardsNear } from "./card_list.js";
import { isComposing } from "./ime.js";

/**
 * @typedef {object} Deeds
 * @property {() => HTMLElement} root
 * @property {(card: HTMLElement) => void} move
 * @property {(columnId: string | null) => void} create
 * @property {() => void} filter
 * @property {() => void} help
 * @property {() => boolean} closeTop   whether there was something to close
 */

/** @type {Record<string, [dx: number, dy: number]>} */
const ARROWS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

/** Where letters are not Latin, shortcuts are by the place of the key. @type {Record<string, string>} */
const PLACES = { KeyM: "m", KeyN: "n", Slash: "/" };

/** @param {Deeds} deeds */
export function listenToKeys(deeds) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isComposing(event))
      return;
    if (
      event.key === "Escape" ? deeds.closeTop() : !isTyping(event.target) && press(shortcutOf(event), deeds)
    )
      event.preventDefault();
  });
}

/**
 * Which shortcut a key is: Caps Lock and other alphabets change none.
 * @param {Pick<KeyboardEvent, "key" | "code" | "shiftKey">} event
 */
export function shortcutOf({ key, code, shiftKey }) {
  if (key.length > 1) return key;
  const latin = /[ -~]/.test(key) ? key : (PLACES[code] ?? key);
  if (latin === "/" && latin !== key && shiftKey) return "?";
  return shiftKey ? latin : latin.toLowerCase();
}

/**
 * @param {string} key
 * @param {Deeds} deeds
 * @returns {boolean}  whether the key meant something
 */
function press(key, deeds) {
  if (document.querySelector("dialog[open]") || isInTask(deeds.root())) return false;
  const card = /** @type {HTMLElement | null} */ (document.activeElement?.closest("[data-task-id]") ?? null);
  if (ARROWS[key]) return walk(deeds.root(), card, ARROWS[key]);
  if (key === "m" && card) deeds.move(card);
  else if (key === "n")
    deeds.create(card?.closest("[data-column-id]")?.getAttribute("data-column-id") ?? null);
  else if (key === "/") deeds.filter();
  else if (key === "?") deeds.help();
  else return false;
  return true;
}

/**
 * Up and down within a column, left and right to the card at about the same height.
 * @param {HTMLElement} root
 * @param {HTMLElement | null} card
 * @param {[number, number]} step
 */
function walk(root, card, [dx, dy]) {
  if (!card || !root.contains(card)) {
    if (document.activeElement !== document.body && !root.contains(document.activeElement)) return false;
    return focus(root.querySelector("[data-task-id] a[tabindex='0']"));
  }
  let column = card.closest("[data-column-id]");
  if (dy) return focus(neighbour(column, card, dy)?.querySelector("a"));
  do column = (dx > 0 ? column?.nextElementSibling : column?.previousElementSibling) ?? null;
  while (column && !column.querySelector("[data-task-id]"));
  return focus(column && nearest(column, card)?.querySelector("a"));
}

/**
 * @param {Element | null} column
 * @param {HTMLElement} card
 * @param {number} step
 */
function neighbour(column, card, step) {
  const cards = [...(column?.querySelectorAll("[data-task-id]") ?? [])];
  return cards[cards.indexOf(card) + step];
}

/**
 * @param {Element} column
 * @param {HTMLElement} card
 */
function nearest(column, card) {
  const middle = (/** @type {Element} */ one) =>
    one.getBoundingClientRect().top + one.getBoundingClientRect().height / 2;
  const distance = (/** @type {Element} */ one) => Math.abs(middle(one) - middle(card));
  const cards = cardsNear(column, middle(card));
  return cards.reduce((best, one) => (distance(one) < distance(best) ? one : best), cards[0]);
}

/** @param {Element | null | undefined} link */
function focus(link) {
  if (link instanceof HTMLElement) {
    link.focus();
    link.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  return true;
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return (
    target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"))
  );
}

/**
 * Who has just opened a task is there to read or write: letters begin nothing on the board.
 * @param {HTMLElement} root
 */
function isInTask(root) {
  return document.querySelector("#sheet:not([hidden])") !== null && !root.contains(document.activeElement);
}
