import { find, h, icon } from "./dom.js";

const SHOWN_MS = 8000;
const MOST = 3;

/**
 * A sentence that comes, can be acted on, and goes; pointing at it or focusing it keeps it.
 * @param {string} text
 * @param {{action?: string, run?: () => void, lasting?: boolean}} [options]
 */
export function toast(text, { action, run, lasting = false } = {}) {
  const place = find("#toasts");
  const above = document.querySelector("dialog:modal") ?? document.body; // what is behind a dialog cannot be pressed
  if (place.parentElement !== above) above.append(place);
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Dismiss", onclick: () => box.remove() }, icon("close"));
  const act = () => {
    box.remove();
    run?.();
  };
  const button = action ? h("button", { type: "button", class: "button small", onclick: act }, action) : null;
  const box = h("div", { class: "toast" }, h("p", {}, text), button, close);
  for (const old of [...place.children].slice(0, -MOST + 1)) old.remove();
  place.append(box);
  if (!lasting) leaveLater(box);
}

/** @param {HTMLElement} box */
function leaveLater(box) {
  setTimeout(() => {
    if (box.matches(":hover, :focus-within")) leaveLater(box);
    else box.remove();
  }, SHOWN_MS);
}
