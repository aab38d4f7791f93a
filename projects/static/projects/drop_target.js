/**
 * Where a drop would land. Pure: rectangles and a point go in.
 *
 * @typedef {{left: number, right: number, top: number, bottom: number}} Box
 * @typedef {{id: string, box: Box, cards: {id: string, box: Box}[]}} ColumnBox  cards without the dragged one
 * @typedef {{column: string, after: string | null, line: {left: number, top: number, width: number}}} Target
 */

const GAP = 4;

/**
 * @param {ColumnBox[]} columns
 * @param {{x: number, y: number}} point
 * @returns {Target | null}  the nearest column's; null without columns
 */
export function dropTarget(columns, { x, y }) {
  const column = nearest(columns, x);
  if (!column) return null;
  const above = column.cards.filter(({ box }) => (box.top + box.bottom) / 2 < y).at(-1);
  const below = column.cards[above ? column.cards.indexOf(above) + 1 : 0];
  const top = above ? above.box.bottom + GAP : below ? below.box.top - GAP : column.box.top + GAP;
  return {
    column: column.id,
    after: above?.id ?? null,
    line: { left: column.box.left, top: Math.min(Math.max(top, column.box.top), column.box.bottom), width: column.box.right - column.box.left },
  };
}

/**
 * @param {ColumnBox[]} columns
 * @param {number} x
 */
function nearest(columns, x) {
  const distance = (/** @type {ColumnBox} */ { box }) => Math.max(box.left - x, x - box.right, 0);
  return columns.reduce((best, one) => (!best || distance(one) < distance(best) ? one : best), /** @type {ColumnBox | null} */ (null));
}

/**
 * How far to scroll in one frame when the pointer is near an edge.
 * @param {number} position
 * @param {number} start
 * @param {number} end
 */
export function edgeScroll(position, start, end) {
  const zone = Math.min(60, (end - start) / 4);
  if (position < start + zone) return -Math.ceil((start + zone - position) / 5);
  if (position > end - zone) return Math.ceil((position - end + zone) / 5);
  return 0;
}
