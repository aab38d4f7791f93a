/**
 * Operations as HTTP requests: the one place that knows the API's addresses for writes. Pure.
 *
 * @typedef {import("./pending.js").Operation} Operation
 * @typedef {{method: string, path: string, body?: object}} WriteRequest
 */

/**
 * @param {Operation} operation
 * @param {string} projectId
 * @returns {WriteRequest}
 */
export function requestOf(operation, projectId) {
  const { kind, task, column, comment, after, changes, moveTo, name, text } = operation;
  const project = `/api/projects/${projectId}`;
  switch (kind) {
    case "task.create": {
      const body = given({ id: task, ...changes, column, after });
      return { method: "POST", path: `${project}/tasks/`, body };
    }
    case "task.update":
      return { method: "PATCH", path: `/api/tasks/${task}/`, body: changes };
    case "task.move":
      return { method: "POST", path: `/api/tasks/${task}/move/`, body: { column, after: after ?? null } };
    case "task.delete":
      return { method: "DELETE", path: `/api/tasks/${task}/` };
    case "column.create":
      return { method: "POST", path: `${project}/columns/`, body: { id: column, name } };
    case "column.rename":
      return { method: "PATCH", path: `/api/columns/${column}/`, body: { name } };
    case "column.mark":
      return { method: "PATCH", path: `/api/columns/${column}/`, body: { done: operation.done } };
    case "column.move":
      return { method: "POST", path: `/api/columns/${column}/move/`, body: { after: after ?? null } };
    case "column.delete":
      return { method: "DELETE", path: `/api/columns/${column}/${moveTo ? `?moveTo=${moveTo}` : ""}` };
    case "comment.create":
      return { method: "POST", path: `/api/tasks/${task}/comments/`, body: { id: comment, text } };
    case "comment.update":
      return { method: "PATCH", path: `/api/comments/${comment}/`, body: { text } };
    case "comment.delete":
      return { method: "DELETE", path: `/api/comments/${comment}/` };
    default:
      throw new Error(`unknown operation ${kind}`);
  }
}

/**
 * Leaves out what is undefined: JSON has no word for it, and null means the top.
 * @param {Record<string, unknown>} fields
 */
function given(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
