/** Lines above the board that stay for as long as what they say holds. */

import { ApiError, csrfToken } from "./api.js";
import { find, h } from "./dom.js";
import { reason } from "./reasons.js";

/** @typedef {import("./log_in.js").LogIn} LogIn */

/** @type {Record<string, [title: string, text: string]>} */
const LOSSES = {
  deleted: ["This board was deleted", "Nothing can be changed here any more."],
  gone: ["You can no longer see this board", "It was deleted or made private, or you were removed from it."],
};

/** @param {"deleted" | "gone"} problem */
export function reportLoss(problem) {
  const [title, text] = LOSSES[problem];
  const link = h("a", { class: "button small", href: "/projects" }, "All boards");
  notice("loss", [h("strong", {}, title), h("span", {}, text), link]);
}

/** What was lost can be seen again. */
export function clearLoss() {
  remove("loss");
}

/**
 * Who is logged in by now, where that is not for whom the page was opened; what has become of their changes,
 * and the way on.
 * @param {LogIn} logIn
 * @param {number} waiting  changes that are not sent
 */
export function reportLogIn(logIn, waiting) {
  if (logIn.isOurs) return remove("log-in");
  const words = logIn.now ? otherUser(logIn.now, logIn.user) : loggedOut();
  notice("log-in", [...words, kept(waiting, logIn.user), ...ways(logIn)]);
}

/** @param {string} text  "" takes it away */
export function reportBanner(text) {
  if (text) notice("banner", [h("span", {}, text)]);
  else remove("banner");
}

function loggedOut() {
  return [h("strong", {}, "You are logged out"), h("span", {}, "Log in again to go on.")];
}

/** @typedef {import("./log_in.js").Someone} Someone */

/**
 * @param {Someone} now
 * @param {Someone | null} user
 */
function otherUser(now, user) {
  const title = h("strong", {}, "You are logged in as ", h("bdi", {}, now.name), " in another tab");
  if (!user)
    return [
      title,
      h(
        "span",
        {},
        "This board was opened without a log-in: reload to go on as ",
        h("bdi", {}, now.name),
        ".",
      ),
    ];
  const [ours, theirs] = [h("bdi", {}, user.name), h("bdi", {}, now.name)];
  return [
    title,
    h(
      "span",
      {},
      "This board was opened as ",
      ours,
      ": log in as ",
      ours.cloneNode(true),
      " again, or reload to go on as ",
      theirs,
      ".",
    ),
  ];
}

/**
 * @param {number} waiting
 * @param {Someone | null} user
 */
function kept(waiting, user) {
  if (!waiting || !user) return null;
  const what = waiting === 1 ? "One change is" : `${waiting} changes are`;
  return h(
    "span",
    {},
    `${what} not sent yet, and kept in this browser until `,
    h("bdi", {}, user.name),
    " is logged in again.",
  );
}

/**
 * Why something could not be read, and the way on.
 * @param {string} what  "The comments"
 * @param {unknown} error
 * @returns {(Node | string)[]}
 */
export function readingFailed(what, error) {
  const why = error instanceof ApiError ? reason(error.problem) : String(error);
  const begin = `${what} could not be read: ${why} `;
  if (!(error instanceof ApiError && error.isOfLogIn)) return [`${begin}They are tried again in a moment.`];
  if (error.status !== 401) return [`${begin}They come once this page's own person is logged in again.`];
  return [begin, h("a", { href: logInAddress() }, "Log in again"), ", and they are here."];
}

function logInAddress() {
  return `/login?next=${encodeURIComponent(location.pathname)}`;
}

/** @param {LogIn} logIn */
function ways({ now, user }) {
  const logInAgain = () => location.assign(logInAddress());
  const button = (/** @type {() => void} */ run, /** @type {(Node | string)[]} */ ...text) =>
    h("button", { type: "button", class: "button small", onclick: run }, ...text);
  if (!now) return [button(logInAgain, "Log in again")];
  const asNow = button(() => location.reload(), "Reload as ", h("bdi", {}, now.name));
  return user
    ? [asNow, button(() => void logOut().then(logInAgain), "Log in as ", h("bdi", {}, user.name))]
    : [asNow];
}

/** Of whoever is logged in by now. */
function logOut() {
  return fetch("/logout", { method: "POST", headers: { "X-CSRFToken": csrfToken(document.cookie) } });
}

/**
 * @param {string} name
 * @param {(HTMLElement | null)[]} content
 */
function notice(name, content) {
  const wanted = h("div", { class: "notice", role: "status", "data-notice": name }, ...content);
  const shown = document.querySelector(`[data-notice="${name}"]`);
  if (shown?.textContent === wanted.textContent) return;
  if (shown) replace(shown, wanted);
  else find("#notices").append(wanted);
}

/**
 * The focus stays where it is.
 * @param {Element} shown
 * @param {HTMLElement} wanted
 */
function replace(shown, wanted) {
  const stops = (/** @type {Element} */ place) =>
    /** @type {HTMLElement[]} */ ([...place.querySelectorAll("a, button")]);
  const focused = stops(shown).findIndex((stop) => stop === document.activeElement);
  shown.replaceWith(wanted);
  stops(wanted)[focused]?.focus();
}

/** @param {string} name */
function remove(name) {
  document.querySelector(`[data-notice="${name}"]`)?.remove();
}
