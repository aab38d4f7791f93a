import { h, setAttribute, setText } from "./dom.js";
import { colourOf, coloursOf, initials } from "./people.js";

/** @typedef {{id: string, name: string}} Someone */

/** @type {Map<string, number>} */
let colours = new Map();

/**
 * The page's people, so that no two of them look alike.
 * @param {string[]} ids  in the order of joining
 */
export function knowPeople(ids) {
  if (ids.length !== colours.size || ids.some((id) => !colours.has(id))) colours = coloursOf(ids);
}

/** @param {string} id */
export function personColour(id) {
  return colours.get(id) ?? colourOf(id);
}

/**
 * A person as initials on their colour. The name is there for readers and on hover.
 * @param {Someone} person
 * @param {string} [said]  what a screen reader says instead of the bare name
 */
export function avatar(person, said = person.name) {
  const element = h("span", { class: "avatar", role: "img" });
  drawAvatar(element, person, said);
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {Someone} person
 * @param {string} [said]
 */
export function drawAvatar(element, person, said = person.name) {
  setText(element, initials(person.name));
  setAttribute(element, "data-person", personColour(person.id));
  setAttribute(element, "title", person.name);
  setAttribute(element, "aria-label", said);
}
