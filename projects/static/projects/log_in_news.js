/** Each page of the site tells the others of this browser, when it opens, who is logged in. */

export const CHANNEL = "devmentor.log-in";

new BroadcastChannel(CHANNEL).postMessage({ user: document.documentElement.dataset.user || null });
