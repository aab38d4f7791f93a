import { h, icon } from "./dom.js";
import { isComposing } from "./ime.js";

/**
 * @typedef {object} MenuItem
 * @property {string} text
 * @property {() => void} [run]
 * @property {boolean} [checked]   one of several: says which
 * @property {boolean} [disabled]
 * @property {boolean} [danger]
 * @property {string} [heading]    a new group starts here, under this name
 * @property {string} [keys]       the key that does the same
 */

/** @type {(() => void) | null} */
let closeOpen = null;

/**
 * A menu beside its button: arrows walk, letters jump, Escape closes, and the focus goes back where it was.
 * @param {HTMLElement} anchor
 * @param {string} label
 * @param {MenuItem[]} items
 */
export function openMenu(anchor, label, items) {
  closeMenu();
  const before = document.activeElement;
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label, tabindex: -1 });
  const close = (/** @type {boolean} */ refocus = true) => {
    if (closeOpen !== close) return;
    closeOpen = null;
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    removeEventListener("pointerdown", outside, true);
    if (refocus && before instanceof HTMLElement) before.focus({ preventScroll: true });
  };
  const outside = (/** @type {Event} */ event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) close(false);
  };
  menu.append(...groups(items, close));
  menu.addEventListener("keydown", (event) => walk(event, menu, close));
  closeOpen = close;
  (anchor.closest("dialog, main, .bar") ?? document.body).append(menu);
  addEventListener("pointerdown", outside, true);
  anchor.setAttribute("aria-expanded", "true");
  place(menu, anchor.getBoundingClientRect());
  (choices(menu).find((item) => item.getAttribute("aria-checked") === "true") ?? choices(menu)[0])?.focus();
}

export function closeMenu() {
  const open = closeOpen !== null;
  closeOpen?.();
  return open;
}

/**
 * @param {MenuItem[]} items
 * @param {(refocus?: boolean) => void} close
 */
function groups(items, close) {
  /** @type {HTMLElement[]} */
  const found = [];
  let group = h("div", { role: "none" });
  for (const item of items) {
    if (item.heading !== undefined || found.length === 0) {
      group = h("div", { class: "menu-group", role: "group", "aria-label": item.heading ?? null });
      if (item.heading)
        group.append(h("div", { class: "menu-heading", "aria-hidden": "true" }, item.heading));
      found.push(group);
    }
    group.append(choice(item, close));
  }
  return found;
}

/**
 * @param {MenuItem} item
 * @param {(refocus?: boolean) => void} close
 */
function choice(item, close) {
  const { text, run, checked, disabled, danger, keys } = item;
  const role = checked === undefined ? "menuitem" : "menuitemradio";
  const act = () => {
    if (disabled) return;
    close();
    run?.();
  };
  const props = {
    type: "button",
    role,
    tabindex: -1,
    class: danger ? "menu-item danger" : "menu-item",
    onclick: act,
  };
  const state = {
    "aria-checked": checked === undefined ? null : String(checked),
    "aria-disabled": disabled ? "true" : null,
  };
  return h(
    "button",
    { ...props, ...state },
    h("span", { dir: "auto" }, text),
    checked && icon("check"),
    keys && h("kbd", {}, keys),
  );
}

/** @param {HTMLElement} menu */
function choices(menu) {
  return /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("[role^=menuitem]")]);
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} menu
 * @param {(refocus?: boolean) => void} close
 */
function walk(event, menu, close) {
  const items = choices(menu);
  const index = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  /** @type {Record<string, number>} */
  const steps = { ArrowDown: index + 1, ArrowUp: index - 1, Home: 0, End: items.length - 1 };
  event.stopPropagation();
  if (isComposing(event)) return;
  if (event.key === "Escape") close();
  else if (event.key === "Tab") close();
  else if (event.key in steps) items[(steps[event.key] + items.length) % items.length]?.focus();
  else if (event.key.length === 1 && event.key !== " ") jump(items, index, event.key);
  else return;
  event.preventDefault();
}

/**
 * @param {HTMLElement[]} items
 * @param {number} from
 * @param {string} letter
 */
function jump(items, from, letter) {
  const rotated = [...items.slice(from + 1), ...items.slice(0, from + 1)];
  rotated.find((item) => item.textContent?.trim().toLowerCase().startsWith(letter.toLowerCase()))?.focus();
}

/**
 * Under its button, or above where there is no room below; never over the window's edge.
 * @param {HTMLElement} menu
 * @param {DOMRect} at
 */
function place(menu, at) {
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = Math.max(8, Math.min(at.left, document.documentElement.clientWidth - width - 8));
  const below = at.bottom + 4;
  const top =
    below + height <= innerHeight - 8
      ? below
      : Math.max(8, Math.min(at.top - height - 4, innerHeight - height - 8));
  Object.assign(menu.style, { left: `${left}px`, top: `${top}px` });
}
