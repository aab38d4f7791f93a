import { h } from "./dom.js";
import { toast } from "./toasts.js";

/**
 * Copies a text to the clipboard, also on pages without HTTPS, where browsers have no `navigator.clipboard`.
 * @param {string} text
 */
export async function copyText(text) {
  const copied = (await navigator.clipboard?.writeText(text).then(() => true, () => false)) || copyBySelection(text);
  toast(copied ? "Copied." : "The browser does not let this page copy. Select the text and copy it yourself.");
}

/** @param {string} text */
function copyBySelection(text) {
  const before = document.activeElement;
  const box = h("textarea", { class: "visually-hidden", readonly: true });
  box.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(box);
  box.select();
  const copied = document.execCommand("copy");
  box.remove();
  if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  return copied;
}
