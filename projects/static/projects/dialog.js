import { h, icon } from "./dom.js";
import { newId } from "./new_id.js";

/**
 * A modal dialog; Escape and the close button end it, and it leaves the page when it closes.
 * @param {string} title
 * @param {(Node | string | null)[]} content
 * @param {{wide?: boolean}} [options]
 */
export function openDialog(title, content, { wide = false } = {}) {
  const heading = h("h2", { class: "dialog-title", id: `dialog-${newId()}` }, title);
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
  const dialog = h("dialog", { class: wide ? "dialog dialog-wide" : "dialog", "aria-labelledby": heading.id });
  dialog.append(h("header", { class: "dialog-head" }, heading, close), h("div", { class: "dialog-body" }, ...content));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("pointerdown", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * @param {{title: string, text: string, action: string}} question
 * @returns {Promise<boolean>}
 */
export function confirmDanger({ title, text, action }) {
  return new Promise((resolve) => {
    let agreed = false;
    const yes = h("button", { type: "button", class: "button danger", onclick: () => finish(true) }, action);
    const no = h("button", { type: "button", class: "button", autofocus: true, onclick: () => finish(false) }, "Cancel");
    const dialog = openDialog(title, [h("p", {}, text), h("div", { class: "dialog-actions" }, no, yes)]);
    const finish = (/** @type {boolean} */ answer) => {
      agreed = answer;
      dialog.close();
    };
    dialog.addEventListener("close", () => resolve(agreed));
  });
}

/**
 * A one-line question with an answer.
 * @param {{title: string, label: string, value?: string, action: string, maxLength: number}} question
 * @returns {Promise<string | null>}
 */
export function askText({ title, label, value = "", action, maxLength }) {
  return new Promise((resolve) => {
    /** @type {string | null} */
    let answer = null;
    const input = h("input", { class: "input", value, maxlength: maxLength, required: true, autofocus: true, autocomplete: "off" });
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      answer = input.value.trim() || null;
      dialog.close();
    };
    const form = h("form", { class: "stack", onsubmit: submit }, h("label", { class: "field" }, h("span", {}, label), input),
      h("div", { class: "dialog-actions" }, h("button", { type: "submit", class: "button primary" }, action)));
    const dialog = openDialog(title, [form]);
    input.select();
    dialog.addEventListener("close", () => resolve(answer));
  });
}
