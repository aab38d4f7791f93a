/** Words that are made of a time, and what keeps them true while it goes on. */

import { ago, momentText } from "./dates.js";
import { h, setText } from "./dom.js";
import { serverNow } from "./server_clock.js";

const MINUTE_MS = 60_000;

/**
 * How long ago something was; it goes on for as long as the element is on the page.
 * @param {string} at  RFC 3339
 */
export function agoMark(at) {
  return h("time", { datetime: at, "data-ago": true, title: momentText(at) }, ago(at, serverNow()));
}

/**
 * Each minute, which each day begins with, and whenever the page is looked at again after a while.
 * @param {() => void} redraw  what else is made of the time
 */
export function followTime(redraw) {
  const tick = () => {
    const now = serverNow();
    for (const mark of document.querySelectorAll("time[data-ago]"))
      setText(mark, ago(mark.getAttribute("datetime") ?? "", now));
    redraw();
  };
  const next = () => {
    tick();
    setTimeout(next, MINUTE_MS - (serverNow() % MINUTE_MS));
  };
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && tick());
  addEventListener("pageshow", tick);
  next();
}
