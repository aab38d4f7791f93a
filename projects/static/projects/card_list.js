import { h, setChildren } from "./dom.js";
import { regroup } from "./grouping.js";

/** @typedef {{element: HTMLElement, cards: HTMLElement[]}} Group */

/**
 * The cards of a column, in groups. The browser leaves out what is off the screen by the group, so that it need not ask
 * each of thousands of cards at each picture where it is; for readers and for Tab they are one list.
 */
export class CardList {
  /** @type {Group[]} */
  #groups = [];
  /** @type {HTMLElement[]} */
  #cards = [];

  /** @param {Element} place */
  constructor(place) {
    this.place = place;
  }

  /** @param {HTMLElement[]} cards */
  show(cards) {
    if (sameItems(this.#cards, cards)) return;
    this.#cards = cards;
    const before = this.#groups;
    this.#groups = regroup(before.map((group) => group.cards), cards).map(({ from, items }) => fill(from === null ? null : before[from], items));
    setChildren(this.place, this.#groups.map(({ element }) => element));
  }
}

/**
 * @param {Group | null | undefined} group
 * @param {HTMLElement[]} cards
 * @returns {Group}
 */
function fill(group, cards) {
  const element = group?.element ?? h("div", { class: "card-group", role: "none" });
  if (group && sameItems(group.cards, cards)) return group;
  setChildren(element, cards);
  if (group?.cards.length !== cards.length) element.style.setProperty("--cards", String(cards.length));
  return { element, cards };
}

/**
 * @param {HTMLElement[]} a
 * @param {HTMLElement[]} b
 */
function sameItems(a, b) {
  return a.length === b.length && a.every((item, index) => item === b[index]);
}

/**
 * The cards around a height on the screen. Asking any other where it is would make the browser lay it out.
 * @param {Element} column
 * @param {number} y
 */
export function cardsNear(column, y) {
  const groups = [...column.querySelectorAll(".card-group")];
  const at = Math.max(0, groups.findLastIndex((group) => group.getBoundingClientRect().top <= y));
  return /** @type {HTMLElement[]} */ (groups.slice(Math.max(0, at - 1), at + 2).flatMap((group) => [...group.children]));
}

/**
 * The cards of all groups that are on the screen, at least in part.
 * @param {Element} root
 */
export function cardsOnScreen(root) {
  const scrolls = [...root.querySelectorAll(".column-scroll")].filter((scroll) => overlaps(scroll.getBoundingClientRect(), root.getBoundingClientRect()));
  const groups = scrolls.flatMap((scroll) => {
    const window = scroll.getBoundingClientRect();
    return [...scroll.querySelectorAll(".card-group")].filter((group) => overlaps(group.getBoundingClientRect(), window));
  });
  return /** @type {HTMLElement[]} */ (groups.flatMap((group) => [...group.children]));
}

/**
 * @param {DOMRect} a
 * @param {DOMRect} b
 */
function overlaps(a, b) {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
}
