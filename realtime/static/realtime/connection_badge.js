/** The badge: a dot and a word, and behind a click what an operator asks for on the phone. */

/** @typedef {import("./websocket_service.js").WebsocketService} WebsocketService */
/** @typedef {ReturnType<WebsocketService["getDetails"]>} Details */
/** @typedef {import("./websocket_service.js").ConnectionStatus} Status */

const WORDS = { live: "Live", polling: "Polling", connecting: "Connecting", offline: "Offline" };
const MEANINGS = {
  live: "Changes arrive as they happen.",
  polling: "Changes arrive by asking the server; nothing is lost.",
  connecting: "Looking for the server.",
  offline: "The server cannot be reached. Changes are kept here and sent as soon as it can be.",
};

/**
 * @param {HTMLButtonElement} badge  with a `.badge-word` and, at its popover target, `[data-detail]` places
 * @param {WebsocketService} service
 */
export function mountBadge(badge, service) {
  const panel = /** @type {HTMLElement | null} */ (badge.popoverTargetElement);
  const draw = () => {
    drawBadge(badge, service.getConnectionStatus(), service.getDetails().waiting);
    if (panel?.matches(":popover-open")) drawDetails(panel, service.getConnectionStatus(), service.getDetails());
  };
  service.on("status", draw);
  panel?.addEventListener("toggle", draw);
  panel?.querySelector("[data-action=retry]")?.addEventListener("click", () => void service.retryNow());
  service.on("unauthenticated", () => showLogIn(panel, true));
  service.on("hello", (hello) => hello.user && showLogIn(panel, false));
  draw();
}

/**
 * @param {HTMLElement} badge
 * @param {Status} status
 * @param {number} waiting
 */
function drawBadge(badge, { mode }, waiting) {
  const held = mode === "offline" && waiting > 0 ? ` (${waiting} waiting)` : "";
  badge.dataset.mode = mode;
  write(badge.querySelector(".badge-word"), WORDS[mode] + held);
  const label = `${WORDS[mode]}${held}, connection details`;
  if (badge.getAttribute("aria-label") !== label) badge.setAttribute("aria-label", label);
}

/**
 * @param {HTMLElement} panel
 * @param {Status} status
 * @param {Details} details
 */
function drawDetails(panel, status, details) {
  /** @type {Record<string, string>} */
  const texts = {
    meaning: MEANINGS[status.mode],
    transport: transportName(status),
    seq: status.lastSeq === null ? "none yet" : String(status.lastSeq),
    latency: status.latencyMs === null ? "not measured" : `${status.latencyMs} ms`,
    since: new Date(details.since).toLocaleTimeString(),
    next: nextStep(status, details, Date.now()),
    connection: details.connectionId ?? "none",
    close: details.lastClose ? `${details.lastClose.code} ${details.lastClose.reason}`.trim() : "none",
  };
  for (const [name, text] of Object.entries(texts)) write(panel.querySelector(`[data-detail=${name}]`), text);
}

/** @param {Status} status */
function transportName({ mode, transport }) {
  if (transport === "websocket") return "WebSocket";
  return transport === "polling" || mode === "polling" ? "Long polling over HTTP" : "none";
}

/**
 * What is being tried, in words.
 * @param {Pick<Status, "mode" | "reconnectAttempts">} status
 * @param {Pick<Details, "why" | "nextTryAt">} details
 * @param {number} now
 */
export function nextStep({ mode, reconnectAttempts }, { why, nextTryAt }, now) {
  if (mode === "live") return "Nothing; all is well.";
  if (nextTryAt === null) return "Opening a WebSocket now.";
  const seconds = Math.max(0, Math.ceil((nextTryAt - now) / 1000));
  return `${why} Next try for a WebSocket in ${seconds} s, attempt ${reconnectAttempts + 1}.`.trim();
}

/**
 * @param {HTMLElement | null} panel
 * @param {boolean} wanted
 */
function showLogIn(panel, wanted) {
  const link = panel?.querySelector("[data-action=log-in]");
  if (link instanceof HTMLElement) link.hidden = !wanted;
}

/**
 * @param {Element | null} place
 * @param {string} text
 */
function write(place, text) {
  if (place && place.textContent !== text) place.textContent = text;
}
