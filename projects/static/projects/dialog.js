import { find, h, icon, setAttribute, setText } from "./dom.js";
import { newId } from "./new_id.js";
import { textField } from "./text_field.js";

/**
 * A modal dialog; Escape and the close button end it, and it leaves the page when it closes.
 * @param {string} title
 * @param {(Node | string | null)[]} content
 * @param {{wide?: boolean}} [options]
 */
export function openDialog(title, content, { wide = false } = {}) {
  const heading = h("h2", { class: "dialog-title", id: `dialog-${newId()}`, dir: "auto" }, title);
  const close = h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close"));
  const dialog = h("dialog", { class: wide ? "dialog dialog-wide" : "dialog", "aria-labelledby": heading.id });
  dialog.append(h("header", { class: "dialog-head" }, heading, close), h("div", { class: "dialog-body" }, ...content));
  dialog.addEventListener("close", () => {
    const toasts = find("#toasts");
    if (dialog.contains(toasts)) document.body.append(toasts);
    dialog.remove();
  });
  dialog.addEventListener("pointerdown", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/**
 * Runs what a button sends, and takes no second press until it is done.
 * @param {HTMLButtonElement} button
 * @param {() => Promise<void>} send
 */
export async function sendOnce(button, send) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  try {
    await send();
  } finally {
    button.removeAttribute("aria-disabled");
  }
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
 * A one-line question. What is typed is a draft until it was sent or *Cancel* throws it away; a refusal leaves it there.
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.label
 * @param {string} question.action
 * @param {string} [question.value]  as it is now
 * @param {number} question.limit
 * @param {string} question.box      of the draft
 * @param {import("./drafts.js").Drafts} question.drafts
 * @param {(text: string) => Promise<string>} question.send  why it was not taken; "" where it was
 */
export function askText({ title, label, value = "", action, limit, box, drafts, send }) {
  const input = h("input", { class: "input", autofocus: true, autocomplete: "off" });
  const refused = h("p", { class: "form-error", role: "alert", hidden: true });
  const cancel = h("button", { type: "button", class: "button quiet" }, "Cancel");
  const yes = h("button", { type: "submit", class: "button primary" }, action);
  /** @param {string} why */
  const say = (why) => {
    setText(refused, why);
    setAttribute(refused, "hidden", !why);
  };
  const { field, counter } = textField({ name: "text", label: "the name", element: input, limit, required: true, oneLine: true, quiet: true, drafts, save: () => false });
  const submit = () =>
    sendOnce(yes, async () => {
      const text = field.value;
      const why = field.problem || (text === value ? "" : await send(text));
      say(why && `Not saved: ${why}`);
      if (why) return;
      field.revert();
      dialog.close();
    });
  const form = h("form", { class: "stack" }, h("label", { class: "field" }, h("span", {}, label), input), counter, refused, h("div", { class: "dialog-actions" }, cancel, yes));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void submit();
  });
  input.addEventListener("input", () => say(""));
  field.open(box, value);
  const dialog = openDialog(title, [form]);
  cancel.addEventListener("click", () => {
    dialog.close();
    field.discard();
  });
  input.select();
  return dialog;
}
