/**
 * Pages of the control room that refresh themselves, without disturbing who works on them.
 *
 * The same address is asked for again, and of the answer only what has changed is put into the page: regions
 * with `data-refresh`, and the rows of a list (rows.js). Nothing that has the focus is touched. It rests while
 * nobody looks, or who looks has pressed Pause.
 */

import { inUse, patchRows } from "./rows.js";

const PATIENCE_MS = 10_000;

const marker = document.querySelector("[data-refresh-every]");
const clock = document.querySelector("[data-refresh-clock]");
const notice = document.querySelector("[data-refresh-notice]");
const pause = document.querySelector("[data-refresh-pause]");
let paused = false;
let asking = false;

if (marker instanceof HTMLElement) {
  window.setInterval(() => void refresh(), Number(marker.dataset.refreshEvery) * 1000);
  document.addEventListener("visibilitychange", () => void refresh());
}
pause?.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on" : "Pause";
  say(notice, paused ? "Paused." : "");
  void refresh();
});

async function refresh() {
  if (paused || asking || document.hidden || !(marker instanceof HTMLElement)) return;
  asking = true;
  try {
    const answer = await fetch(marker.dataset.refreshFrom ?? location.href, {
      headers: { accept: "text/html" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.redirected) return stale("You are logged out: log in again to see how it stands.");
    if (!answer.ok) return stale(`The server answered ${answer.status}: what you see may be old.`);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!paused && !document.hidden) apply(fresh);
  } catch {
    stale("The server does not answer: what you see may be old.");
  } finally {
    asking = false;
  }
}

/** @param {string} words */
function stale(words) {
  marker?.classList.add("stale");
  say(notice, words);
}

/**
 * What is said again is not read out again.
 * @param {Element | null} place
 * @param {string} words
 */
function say(place, words) {
  if (place && place.textContent !== words) place.textContent = words;
}

/** @param {Document} fresh */
function apply(fresh) {
  marker?.classList.remove("stale");
  say(clock, `As of ${new Date().toLocaleTimeString([], { hour12: false })}.`);
  for (const region of document.querySelectorAll("[data-refresh]")) {
    const now = fresh.querySelector(`[data-refresh="${region.getAttribute("data-refresh")}"]`);
    if (now) replace(region, now);
  }
  const [form, freshForm] = [document.querySelector("#changelist-form"), fresh.querySelector("#changelist-form")];
  let hidden = 0;
  if (form instanceof HTMLFormElement && freshForm) hidden = patchRows(form, freshForm, inUse(form));
  say(notice, hidden ? `${hidden} new, shown once nothing is ticked.` : "");
}

/**
 * A region with `data-state` holds a form, and is another only when that is.
 * @param {Element} old
 * @param {Element} now
 */
function replace(old, now) {
  const state = old.getAttribute("data-state");
  if (state !== null && state === now.getAttribute("data-state")) return;
  if (old.innerHTML === now.innerHTML && old.className === now.className) return;
  if (old.contains(document.activeElement)) return;
  old.className = now.className;
  if (state !== null) old.setAttribute("data-state", now.getAttribute("data-state") ?? "");
  old.replaceChildren(...[...now.childNodes].map((node) => document.importNode(node, true)));
}
