/**
 * The board as the server has it: a snapshot, and each later event applied once, in order. Pure.
 *
 * @typedef {import("./types.js").Snapshot} Snapshot
 * @typedef {import("./types.js").BoardEvent} BoardEvent
 * @typedef {import("./types.js").Task} Task
 * @typedef {import("./types.js").Column} Column
 * @typedef {import("./types.js").Member} Member
 *
 * @typedef {object} Board
 * @property {number} seq
 * @property {import("./types.js").Project} project
 * @property {boolean} deleted
 * @property {Record<string, Member>} members
 * @property {Record<string, Column>} columns
 * @property {Record<string, Task>} tasks
 * @property {Record<string, number>} commentCounts
 */

/**
 * @param {Snapshot} snapshot
 * @returns {Board}
 */
export function boardOf(snapshot) {
  return {
    seq: snapshot.seq,
    project: snapshot.project,
    deleted: false,
    members: byId(snapshot.members),
    columns: byId(snapshot.columns),
    tasks: byId(snapshot.tasks),
    commentCounts: snapshot.commentCounts ?? {},
  };
}

/**
 * The snapshot that the server would give: the promise of the event log in one function.
 * @param {Board} board
 * @returns {Snapshot}
 */
export function snapshotOf(board) {
  const columns = columnsInOrder(board);
  return {
    seq: board.seq,
    project: board.project,
    members: Object.values(board.members),
    columns,
    tasks: columns.flatMap((column) => tasksInOrder(board, column.id)),
    commentCounts: board.commentCounts,
  };
}

/**
 * Events of kinds that are not known here change nothing but the seq.
 * @param {Board} board
 * @param {BoardEvent} event
 * @returns {Board}
 */
export function reduce(board, event) {
  if (event.seq <= board.seq) return board;
  const change = Object.hasOwn(CHANGES, event.event) ? CHANGES[event.event] : undefined;
  return { ...board, ...change?.(board, event.data), seq: event.seq };
}

/** @param {Board} board */
export function columnsInOrder(board) {
  return Object.values(board.columns).sort(byPosition);
}

/**
 * @param {Board} board
 * @param {string} columnId
 */
export function tasksInOrder(board, columnId) {
  return Object.values(board.tasks).filter((task) => task.column === columnId).sort(byPosition);
}

/**
 * The server's order: by position, then by id.
 * @param {{position: number, id: string}} a
 * @param {{position: number, id: string}} b
 */
export function byPosition(a, b) {
  return a.position - b.position || (a.id < b.id ? -1 : Number(a.id > b.id));
}

/** @type {Record<string, (board: Board, data: any) => Partial<Board>>} */
const CHANGES = {
  "project:created": (_, data) => ({ project: data }),
  "project:updated": (board, data) => ({ project: { ...board.project, ...data } }),
  "project:deleted": () => ({ deleted: true }),
  "member:added": (board, data) => ({ members: put(board.members, data) }),
  "member:updated": (board, data) => ({ members: put(board.members, data) }),
  "member:removed": (board, data) => ({ members: without(board.members, data.id) }),
  "column:created": putColumn,
  "column:updated": putColumn,
  "column:moved": putColumn,
  "column:deleted": deleteColumn,
  "task:created": putTask,
  "task:updated": putTask,
  "task:moved": putTask,
  "task:deleted": deleteTask,
  "comment:created": (board, data) => countComments(board, data.taskId, 1),
  "comment:deleted": (board, data) => countComments(board, data.taskId, -1),
};

/**
 * @param {Board} board
 * @param {any} data
 */
function putColumn(board, { from: _from, to: _to, respaced, ...column }) {
  return { columns: reposition(put(board.columns, column), respaced) };
}

/**
 * @param {Board} board
 * @param {any} data
 */
function putTask(board, { from: _from, to: _to, respaced, ...task }) {
  return { tasks: reposition(put(board.tasks, task), respaced) };
}

/**
 * @param {Board} board
 * @param {{id: string}} data
 */
function deleteTask(board, { id }) {
  return { tasks: without(board.tasks, id), commentCounts: without(board.commentCounts, id) };
}

/**
 * @param {Board} board
 * @param {{id: string, movedTo: string | null, positions?: Record<string, number>}} data
 */
function deleteColumn(board, { id, movedTo, positions }) {
  const tasks = { ...board.tasks };
  for (const task of Object.values(tasks)) {
    if (task.column === id && movedTo) tasks[task.id] = { ...task, column: movedTo };
  }
  return { columns: without(board.columns, id), tasks: reposition(tasks, positions) };
}

/**
 * @param {Board} board
 * @param {string} taskId
 * @param {number} step
 */
function countComments(board, taskId, step) {
  const count = (board.commentCounts[taskId] ?? 0) + step;
  const others = without(board.commentCounts, taskId);
  return { commentCounts: count > 0 ? { ...others, [taskId]: count } : others };
}

/**
 * @template {{id: string, position: number}} T
 * @param {Record<string, T>} rows
 * @param {Record<string, number>} [positions]
 */
function reposition(rows, positions = {}) {
  const moved = Object.entries(positions).filter(([id]) => rows[id]);
  return { ...rows, ...Object.fromEntries(moved.map(([id, position]) => [id, { ...rows[id], position }])) };
}

/**
 * @template {{id: string}} T
 * @param {Record<string, T>} rows
 * @param {T} row
 */
function put(rows, row) {
  return { ...rows, [row.id]: row };
}

/**
 * @template T
 * @param {Record<string, T>} rows
 * @param {string} id
 * @returns {Record<string, T>}
 */
function without(rows, id) {
  const { [id]: _gone, ...others } = rows;
  return others;
}

/**
 * @template {{id: string}} T
 * @param {T[]} rows
 * @returns {Record<string, T>}
 */
function byId(rows) {
  return Object.fromEntries(rows.map((row) => [row.id, row]));
}
