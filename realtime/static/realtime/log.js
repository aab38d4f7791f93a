/** Console logs for whoever asks: `localStorage.DEBUG = 'devmentor:*'`, or the older `socket.io-client:*`. */

const PREFIXES = ["*", "devmentor", "socket.io-client"];

/** @param {string | null} setting */
export function wantsLogs(setting) {
  return (setting ?? "").split(/[\s,]+/).some((word) => word !== "" && PREFIXES.includes(word.split(":")[0]));
}

/**
 * @param {string} topic
 * @param {...unknown} details
 */
export function log(topic, ...details) {
  if (wantsLogs(debugSetting())) console.log(`devmentor:${topic}`, ...details);
}

/** Read each time, so that setting it needs no reload. Storage may be forbidden; then there are no logs. */
function debugSetting() {
  try {
    return globalThis.localStorage?.getItem("DEBUG") ?? null;
  } catch {
    return null;
  }
}
