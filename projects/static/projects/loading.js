import { ApiError, loadBoard } from "./api.js";
import { find, h } from "./dom.js";
import { firstAnswer } from "./first_board.js";
import { reportLoss } from "./notices.js";
import { reason } from "./reasons.js";

/** @typedef {import("./types.js").Snapshot} Snapshot */

const LOADING = "Loading the board…";
const AGAIN_MS = 5000;

/**
 * The board for the page that opens. While it does not come the page says so, and tries again.
 * @param {HTMLElement} place  of the board
 * @param {import("./log_in.js").LogIn} logIn
 * @returns {Promise<Snapshot>}
 */
export async function firstBoard(place, logIn) {
  const sentence = find("#board-loading", place);
  let answer = await firstAnswer;
  while ("error" in answer) {
    await failed(sentence, answer.error, logIn);
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
 * @param {unknown} found
 * @param {import("./log_in.js").LogIn} logIn
 * @returns {Promise<void>}
 */
async function failed(sentence, found, logIn) {
  const error = found instanceof ApiError ? await logIn.explain(found) : found;
  sentence.hidden = error instanceof ApiError && (error.isOfLogIn || error.status === 404);
  if (error instanceof ApiError && error.isOfLogIn)
    return new Promise((resolve) => logIn.listen(() => logIn.isOurs && resolve()));
  if (error instanceof ApiError && error.status === 404) {
    reportLoss("gone");
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
