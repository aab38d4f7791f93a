import { setText } from "./dom.js";
import { summary } from "./words.js";

/** Long enough to gather a burst into one sentence, short enough to be news. */
const GATHER_MS = 900;

/** Tells screen readers what others do, politely and briefly. */
export class Announcer {
  /** @type {string[]} */
  #sentences = [];

  /** @param {HTMLElement} region  aria-live polite */
  constructor(region) {
    this.region = region;
  }

  /** @param {string} sentence */
  say(sentence) {
    if (!sentence) return;
    if (this.#sentences.push(sentence) > 1) return;
    setTimeout(() => {
      setText(this.region, summary(this.#sentences));
      this.#sentences = [];
    }, GATHER_MS);
  }
}
