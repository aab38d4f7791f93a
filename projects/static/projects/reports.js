import { call } from "./api.js";
import { h } from "./dom.js";
import { findTask } from "./pending.js";
import { toast } from "./toasts.js";
import { refusal } from "./words.js";

/** @typedef {import("./board.js").BoardModel} BoardModel */
/** @typedef {import("./pending.js").Operation} Operation */
/** @typedef {import("./api.js").ApiError} ApiError */

/**
 * One sentence on what became of a refused change, and what can be done about it. Its words, if it has any, are kept.
 * @param {BoardModel} model
 * @param {Operation} operation
 * @param {ApiError} error
 * @param {{openTask: (taskId: string) => void, showKept: () => void}} deeds
 */
export function reportRefusal(model, operation, error, { openTask, showKept }) {
  const sentence = refusal(operation, error.problem, model.state);
  const { kind, key, base: _base, ...fields } = operation;
  const task = operation.task && findTask(model.view, operation.task) ? operation.task : null;
  if (model.unsaved.some((entry) => entry.key === key)) toast(`${sentence} Your words are kept.`, { action: "Show", run: showKept, lasting: true });
  else if (error.status >= 500) toast(sentence, { action: "Try again", run: () => void model.ask(kind, fields), lasting: true });
  else if (task) toast(sentence, { action: "Open the task", run: () => openTask(task) });
  else toast(sentence);
}

/** @type {Record<string, [title: string, text: string]>} */
const LOSSES = {
  deleted: ["This board was deleted", "Nothing can be changed here any more."],
  gone: ["You can no longer see this board", "It was deleted or made private, or you were removed from it."],
  refused: ["You are logged out", "Log in again to go on. Changes that were not sent yet are kept in this browser."],
};

/** @param {string} problem */
export function reportLoss(problem) {
  const [title, text] = LOSSES[problem] ?? LOSSES.gone;
  const link = problem === "refused" ? h("a", { class: "button small", href: logInAddress() }, "Log in again") : h("a", { class: "button small", href: "/projects" }, "All boards");
  notice(problem, [h("strong", {}, title), h("span", {}, text), link]);
}

/** Somebody else is logged in by now: nothing of this page is sent, and nothing of it is lost. */
export function reportOtherUser() {
  notice("refused", [h("strong", {}, "Somebody else is logged in"), h("span", {}, "This page is another person's. Changes that were not sent yet are kept in this browser until that person is back."), h("a", { class: "button small", href: location.pathname }, "Load the page again")]);
}

/** What was lost is there again. @param {string} problem */
export function clearLoss(problem) {
  document.querySelector(`[data-notice="${problem}"]`)?.remove();
}

/**
 * The socket says that we are nobody: ask who we are, and offer to log in where the session has ended.
 * @param {import("./types.js").Feed} feed
 * @param {string | null} userId
 */
export function watchLogIn(feed, userId) {
  const banner = (/** @type {string} */ text) => (text ? notice("banner", [h("span", {}, text)]) : clearLoss("banner"));
  feed.on("banner", banner);
  feed.on("unauthenticated", async () => {
    const me = await call("/api/me/").catch((error) => (error.status === 401 ? null : undefined));
    if (userId && (me === null || (me && me.id !== userId))) reportLoss("refused");
  });
  feed.on("hello", (hello) => {
    if (userId && hello.user?.id !== userId) reportLoss("refused");
    else clearLoss("refused");
  });
}

function logInAddress() {
  return `/login?next=${encodeURIComponent(location.pathname)}`;
}

/**
 * One line above the board, until what it says is over.
 * @param {string} name
 * @param {HTMLElement[]} content
 */
function notice(name, content) {
  const place = document.querySelector("#notices");
  place?.querySelector(`[data-notice="${name}"]`)?.remove();
  place?.append(h("div", { class: "notice", role: "status", "data-notice": name }, ...content));
}
