/** Asks for the board while the page's other modules are still on their way. */

import { loadBoard } from "./api.js";

const place = document.querySelector("#board");
const projectId = place instanceof HTMLElement ? (place.dataset.projectId ?? "") : "";

/** @type {Promise<{board: import("./types.js").Snapshot} | {error: unknown}>} */
export const firstAnswer = loadBoard(projectId).then(
  (board) => ({ board }),
  (error) => ({ error }),
);
