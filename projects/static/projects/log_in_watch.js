import { CHANNEL } from "./log_in_news.js";

/**
 * Whatever may tell of a change: pages that open, the socket's greeting, this page being looked at again.
 * @param {import("./log_in.js").LogIn} logIn
 * @param {import("./types.js").Feed} feed
 */
export function watchLogIn(logIn, feed) {
  const check = () => document.visibilityState === "visible" && void logIn.check();
  new BroadcastChannel(CHANNEL).addEventListener("message", ({ data }) => logIn.hint(data?.user ?? null));
  feed.on("hello", (hello) => logIn.hint(hello.user?.id ?? null));
  feed.on("unauthenticated", () => void logIn.check());
  feed.on("refused", () => void logIn.check()); // a poll
  document.addEventListener("visibilitychange", check);
  addEventListener("focus", check);
  addEventListener("pageshow", (event) => event.persisted && check());
}
