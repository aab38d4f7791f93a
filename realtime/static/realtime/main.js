/** The page's connection, wired to the browser. The page says in data attributes of `<html>` what its rooms are. */

import { mountBadge } from "./connection_badge.js";
import { systemClock } from "./clock.js";
import { WebsocketService } from "./websocket_service.js";

const page = document.documentElement.dataset;

const websocketService = new WebsocketService({
  kind: { name: page.roomName ?? "", idKey: page.roomIdKey ?? "", eventsAddress: page.roomEvents ?? "" },
  directoryAddress: page.realtime ?? "",
  clock: systemClock,
  random: Math.random,
  fetch: (input, init) => fetch(input, init),
  open: (url) => new WebSocket(url),
  ownSocket: `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws`,
});

Object.assign(window, { websocketService });

const badge = document.querySelector("[data-testid=connection-badge]");
if (badge instanceof HTMLButtonElement) mountBadge(badge, websocketService);

window.addEventListener("online", () => void websocketService.retryNow());
window.addEventListener("offline", () => void websocketService.suspectNetwork());
window.addEventListener("pageshow", (event) => event.persisted && void websocketService.retryNow());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void websocketService.retryNow();
});

websocketService.connect();
