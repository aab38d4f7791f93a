import { ApiError, loadBoard } from "./api.js";
import { find, h } from "./dom.js";
import { firstAnswer } from "./first_board.js";
import { reportLoss } from "./reports.js";
import { reason } from "./reasons.js";

/** @typedef {import("./types.js").Snapshot} Snapshot */

const LOADING = "Loading the board…";
const AGAIN_MS = 5000;

/**
 * The board for the page that opens. While it does not come the page says so, and tries again.
 * @param {HTMLElement} place  of the board
 * @returns {Promise<Snapshot>}
 */
export async function firstBoard(place) {
  const sentence = find("#board-loading", place);
  let answer = await firstAnswer;
  while ("error" in answer) {
    await failed(sentence, answer.error);
    answer = await loadBoard(place.dataset.projectId ?? "").then(
      (board) => ({ board }),
      (error) => ({ error }),
    );
  }
  sentence.remove();
  place.removeAttribute("aria-busy");
  return answer.board;
}

/**
 * Says what keeps the board, and waits until it may be asked for again.
 * @param {HTMLElement} sentence
 * @param {unknown} error
 */
async function failed(sentence, error) {
  if (error instanceof ApiError && (error.status === 401 || error.status === 404)) {
    sentence.hidden = true;
    reportLoss(error.status === 401 ? "refused" : "gone");
    await new Promise(() => undefined);
  }
  const why = error instanceof ApiError ? reason(error.problem) : String(error);
  await new Promise((resolve) => {
    const again = h("button", { type: "button", class: "button small", onclick: resolve }, "Try again");
    sentence.replaceChildren(`The board could not be loaded: ${why} `, again);
    setTimeout(resolve, (error instanceof ApiError && error.retryAfterMs) || AGAIN_MS);
    addEventListener("online", resolve, { once: true });
  });
  sentence.textContent = LOADING;
}
