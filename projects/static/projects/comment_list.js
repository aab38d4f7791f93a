/**
 * A task's comments: those that were read, the events since, and what this page has asked for. Pure.
 *
 * @typedef {import("./types.js").Comment} Comment
 * @typedef {import("./types.js").BoardEvent} BoardEvent
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {Comment & {pending?: boolean}} CommentView
 */

/**
 * @param {Comment[]} comments
 * @param {BoardEvent} event
 * @returns {Comment[]}
 */
export function applyComment(comments, { event, data }) {
  if (event === "comment:deleted") return comments.filter((comment) => comment.id !== data.id);
  if (event !== "comment:created" && event !== "comment:updated") return comments;
  const known = comments.find((comment) => comment.id === data.id);
  if (!known) return event === "comment:created" ? [...comments, data] : comments;
  return known.updatedAt > data.updatedAt ? comments : comments.map((comment) => (comment === known ? data : comment));
}

/**
 * @param {Comment[]} comments
 * @param {Operation[]} operations  of this task
 * @param {import("./types.js").Person} me
 * @returns {CommentView[]}
 */
export function commentsView(comments, operations, me) {
  /** @type {CommentView[]} */
  let view = comments;
  for (const { kind, comment = "", text = "" } of operations) {
    const known = view.some(({ id }) => id === comment);
    if (kind === "comment.create" && !known) view = [...view, { id: comment, taskId: "", author: me, text, createdAt: "", updatedAt: "", pending: true }];
    if (kind === "comment.update") view = view.map((one) => (one.id === comment ? { ...one, text, pending: true } : one));
    if (kind === "comment.delete") view = view.filter((one) => one.id !== comment);
  }
  return view;
}
