/** What others did to a card that is in one's hand, or to where it would land. Pure: facts in, words out. */

import { isolated } from "./isolated.js";
import { clip } from "./words.js";

/**
 * @param {import("./types.js").BoardEvent} event
 * @param {import("./store.js").Before} before
 * @param {{task: string | null, column: string | null}} drag  in hand, and where it would land
 * @param {import("./store.js").Board} board
 * @returns {string}  "" where there is nothing to say
 */
export function dragNews({ event, actor, data }, before, drag, board) {
  if (!drag.task) return "";
  const who = isolated(actor?.name ?? "Somebody");
  if (event === "column:deleted" && drag.column === data.id) {
    const name = isolated(before.column?.name ?? "");
    return `${who} deleted the column ${name} while you were dragging. The line shows where a drop lands now.`;
  }
  if (drag.task !== data?.id) return "";
  const title = clip(before.task?.title ?? "");
  if (event === "task:deleted") return `${who} deleted “${title}” while you were dragging it.`;
  if (event !== "task:moved") return "";
  const column = isolated(board.columns.get(data.column)?.name ?? "");
  return `${who} moved “${title}” to ${column} while you were dragging it. Your drop decides.`;
}
