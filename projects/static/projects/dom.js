/** Building and patching elements. Text is always text: nothing here reads markup. */

import { longestAscent } from "./ordering.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Props
 *   names as in HTML; `onclick` and the like take functions; false, null and undefined are left out
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Props} [props]
 * @param {...(Node | string | null | undefined | false)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else setAttribute(element, name, value);
  }
  element.append(...children.filter(isNode));
  return element;
}

/**
 * @param {Node | string | null | undefined | false} child
 * @returns {child is Node | string}
 */
function isNode(child) {
  return child !== null && child !== undefined && child !== false;
}

/**
 * Sets what differs, so that nothing that stays the same is touched.
 * @param {Element} element
 * @param {string} name
 * @param {string | number | boolean | null | undefined} value
 */
export function setAttribute(element, name, value) {
  const text = value === true ? "" : String(value);
  if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/**
 * @param {Element | null | undefined} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/**
 * Makes the children of a parent exactly these. As few as possible are moved, since each move costs a layout, its focus,
 * and its animations.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function setChildren(parent, wanted) {
  const places = new Map(wanted.map((child, index) => [child, index]));
  /** @type {number[]} */
  const present = [];
  for (const child of [...parent.children]) {
    const place = places.get(child);
    if (place === undefined) child.remove();
    else present.push(place);
  }
  const stay = longestAscent(present);
  if (stay.size === wanted.length) return;
  for (let index = wanted.length - 1; index >= 0; index -= 1) {
    if (!stay.has(index)) parent.insertBefore(wanted[index], wanted[index + 1] ?? null);
  }
}

/** 16 px line drawings; each the `d` of one path. @type {Record<string, string>} */
const ICONS = {
  plus: "M8 3v10M3 8h10",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  close: "M4 4l8 8M12 4l-8 8",
  comment: "M2.5 3.5h11v7h-6l-3 2.5v-2.5h-2z",
  clock: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM8 5v3l2 1.5",
  check: "M3 8.5l3.2 3L13 4.5",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9",
  left: "M10 3.5L5.5 8l4.5 4.5",
  right: "M6 3.5L10.5 8 6 12.5",
};

/** @type {Map<string, SVGElement>} */
const drawings = new Map();

/** @param {string} name */
export function icon(name) {
  const drawing = drawings.get(name) ?? drawIcon(name);
  drawings.set(name, drawing);
  return /** @type {SVGElement} */ (drawing.cloneNode(true));
}

/** @param {string} name */
function drawIcon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name] ?? "");
  svg.append(path);
  return svg;
}

/**
 * @param {string} text
 */
export function hiddenText(text) {
  return h("span", { class: "visually-hidden" }, text);
}

/**
 * @param {string} selector
 * @param {ParentNode} [root]
 * @returns {HTMLElement}
 */
export function find(selector, root = document) {
  const element = root.querySelector(selector);
  if (!(element instanceof HTMLElement)) throw new Error(`the page has no ${selector}`);
  return element;
}
