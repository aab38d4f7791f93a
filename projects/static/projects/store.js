/**
 * The board as the server has it: a snapshot, and each later event applied once, in order, at a price that
 * does not grow with the board. Pure: no I/O, no clock.
 *
 * A board changes in place, and yet nothing that it hands out does: a row or a list that changes is replaced
 * by another one. So what is the same object as before is unchanged, and whoever draws needs to look no
 * further.
 *
 * @typedef {import("./types.js").Snapshot} Snapshot
 * @typedef {import("./types.js").BoardEvent} BoardEvent
 * @typedef {import("./types.js").Task} Task
 * @typedef {import("./types.js").Column} Column
 * @typedef {import("./types.js").Member} Member
 * @typedef {import("./types.js").Person} Person
 *
 * @typedef {object} Board
 * @property {number} seq
 * @property {import("./types.js").Project} project
 * @property {boolean} deleted
 * @property {Map<string, Member>} members   in the order of joining; replaced as a whole, like columns
 * @property {Map<string, Person>} people  whom tasks are assigned to, and who are no members any more
 * @property {Map<string, Column>} columns
 * @property {Map<string, Task>} tasks
 * @property {Map<string, TaskList>} lists   the same tasks by column, each in order
 * @property {Map<string, number>} commentCounts
 *
 * @typedef {{tasks: Task[], lent: boolean}} TaskList  lent: somebody holds this array, so the next change makes another
 *
 * What an event speaks of, as it was before.
 * @typedef {{task: Task | undefined, column: Column | undefined}} Before
 */

import { cutDescription } from "./descriptions.js";
import { placeOf } from "./ordering.js";

/**
 * @param {Snapshot} snapshot
 * @returns {Board}
 */
export function boardOf(snapshot) {
  const board = {
    seq: snapshot.seq,
    project: snapshot.project,
    deleted: false,
    members: byId(snapshot.members),
    people: byId(snapshot.people ?? []),
    columns: byId(snapshot.columns),
    tasks: byId(snapshot.tasks),
    lists: new Map(),
    commentCounts: new Map(Object.entries(snapshot.commentCounts ?? {})),
  };
  for (const task of snapshot.tasks) listOf(board, task.column).tasks.push(task);
  for (const { tasks } of board.lists.values()) tasks.sort(byPosition);
  return board;
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
    members: [...board.members.values()],
    people: [...board.people.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
    columns,
    tasks: columns.flatMap((column) => tasksInOrder(board, column.id)),
    commentCounts: Object.fromEntries(board.commentCounts),
  };
}

/**
 * Events of kinds that are not known here change nothing but the seq.
 * @param {Board} board
 * @param {BoardEvent} event
 * @returns {Before | null}  null: it was applied before
 */
export function apply(board, event) {
  if (event.seq <= board.seq) return null;
  const { data } = event;
  const before = { task: board.tasks.get(data?.taskId ?? data?.id), column: board.columns.get(data?.id) };
  board.seq = event.seq;
  if (Object.hasOwn(CHANGES, event.event)) CHANGES[event.event](board, data);
  return before;
}

/** @param {Board} board */
export function columnsInOrder(board) {
  return [...board.columns.values()].sort(byPosition);
}

/**
 * @param {Board} board
 * @param {string} columnId
 * @returns {readonly Task[]}
 */
export function tasksInOrder(board, columnId) {
  const list = board.lists.get(columnId);
  if (!list) return [];
  list.lent = true;
  return list.tasks;
}

/**
 * The server's order: by position, then by id.
 * @param {{position: number, id: string}} a
 * @param {{position: number, id: string}} b
 */
export function byPosition(a, b) {
  return a.position - b.position || (a.id < b.id ? -1 : Number(a.id > b.id));
}

/**
 * Every kind of event of a project, as projects/events.py lists them.
 * @type {Record<string, (board: Board, data: any) => void>}
 */
export const CHANGES = {
  "project:created": (board, data) => void (board.project = data),
  "project:updated": (board, data) => void (board.project = { ...board.project, ...data }),
  "project:deleted": (board) => void (board.deleted = true),
  "member:added": putMember,
  "member:updated": putMember,
  "member:removed": removeMember,
  "person:updated": putPerson,
  "column:created": putColumn,
  "column:updated": putColumn,
  "column:moved": putColumn,
  "column:deleted": deleteColumn,
  "task:created": putTask,
  "task:updated": putTask,
  "task:moved": putTask,
  "task:deleted": deleteTask,
  "comment:created": (board, { taskId }) => countComments(board, taskId, 1),
  "comment:updated": () => {}, // a board holds their number alone
  "comment:deleted": (board, { taskId }) => countComments(board, taskId, -1),
};

/**
 * @param {Board} board
 * @param {Member} member
 */
function putMember(board, member) {
  board.members = new Map(board.members).set(member.id, member);
  if (board.people.has(member.user.id)) board.people = without(board.people, member.user.id);
}

/**
 * Who is still assigned to tasks keeps a name on the board.
 * @param {Board} board
 * @param {Member} member
 */
function removeMember(board, { id, user }) {
  board.members = without(board.members, id);
  if (isAssigned(board, user.id)) board.people = new Map(board.people).set(user.id, user);
}

/**
 * @param {Board} board
 * @param {Person} person
 */
function putPerson(board, person) {
  if (board.people.has(person.id)) board.people = new Map(board.people).set(person.id, person);
}

/**
 * @param {Board} board
 * @param {string} userId
 */
function isAssigned(board, userId) {
  return [...board.tasks.values()].some(({ assignee }) => assignee === userId);
}

/**
 * Whoever had the task, and has left, is forgotten with the last one.
 * @param {Board} board
 * @param {Task | undefined} before
 */
function forgetAssignee(board, before) {
  const userId = before?.assignee ?? "";
  if (board.people.has(userId) && !isAssigned(board, userId)) board.people = without(board.people, userId);
}

/**
 * @param {Board} board
 * @param {any} data
 */
function putColumn(board, { from: _from, to: _to, respaced = {}, ...column }) {
  // What a gateway of an earlier version does not know of a column stays as it is.
  board.columns = new Map(board.columns).set(column.id, { ...board.columns.get(column.id), ...column });
  for (const [id, position] of Object.entries(respaced)) {
    const row = board.columns.get(id);
    if (row) board.columns.set(id, { ...row, position });
  }
}

/**
 * A board holds of a long description what a snapshot does, its beginning, so that the two are equal.
 * @param {Board} board
 * @param {any} data
 */
function putTask(board, { from: _from, to: _to, respaced, ...task }) {
  const before = board.tasks.get(task.id);
  takeOut(board, task.id);
  putIn(board, cutDescription(task));
  forgetAssignee(board, before);
  if (respaced) reposition(board, task.column, respaced);
}

/**
 * @param {Board} board
 * @param {{id: string}} data
 */
function deleteTask(board, { id }) {
  const before = board.tasks.get(id);
  takeOut(board, id);
  board.tasks.delete(id);
  forgetAssignee(board, before);
  board.commentCounts.delete(id);
}

/**
 * @param {Board} board
 * @param {{id: string, movedTo: string | null, positions?: Record<string, number>}} data
 */
function deleteColumn(board, { id, movedTo, positions = {} }) {
  board.columns = without(board.columns, id);
  if (!movedTo || movedTo === id) return;
  for (const task of board.lists.get(id)?.tasks ?? []) {
    const moved = { ...task, column: movedTo };
    board.tasks.set(task.id, moved);
    writable(board, movedTo).push(moved);
  }
  board.lists.delete(id);
  reposition(board, movedTo, positions);
}

/**
 * @param {Board} board
 * @param {string} taskId
 * @param {number} step
 */
function countComments(board, taskId, step) {
  const count = (board.commentCounts.get(taskId) ?? 0) + step;
  if (count > 0) board.commentCounts.set(taskId, count);
  else board.commentCounts.delete(taskId);
}

/**
 * @param {Board} board
 * @param {string} id
 */
function takeOut(board, id) {
  const task = board.tasks.get(id);
  if (!task) return;
  const tasks = writable(board, task.column);
  tasks.splice(placeOf(tasks, task, byPosition), 1);
}

/**
 * @param {Board} board
 * @param {Task} task
 */
function putIn(board, task) {
  board.tasks.set(task.id, task);
  const tasks = writable(board, task.column);
  tasks.splice(placeOf(tasks, task, byPosition), 0, task);
}

/**
 * Many tasks of a column get new positions at once; the order is made anew.
 * @param {Board} board
 * @param {string} columnId
 * @param {Record<string, number>} positions
 */
function reposition(board, columnId, positions) {
  const tasks = writable(board, columnId);
  tasks.forEach((task, index) => {
    if (!Object.hasOwn(positions, task.id)) return;
    tasks[index] = { ...task, position: positions[task.id] };
    board.tasks.set(task.id, tasks[index]);
  });
  tasks.sort(byPosition);
}

/**
 * A column's tasks to be changed in place: a copy where somebody holds the present array.
 * @param {Board} board
 * @param {string} columnId
 */
function writable(board, columnId) {
  const list = listOf(board, columnId);
  if (list.lent) Object.assign(list, { tasks: [...list.tasks], lent: false });
  return list.tasks;
}

/**
 * @param {Board} board
 * @param {string} columnId
 */
function listOf(board, columnId) {
  const list = board.lists.get(columnId) ?? { tasks: [], lent: false };
  board.lists.set(columnId, list);
  return list;
}

/**
 * @template T
 * @param {Map<string, T>} rows
 * @param {string} id
 */
function without(rows, id) {
  const others = new Map(rows);
  others.delete(id);
  return others;
}

/**
 * @template {{id: string}} T
 * @param {T[]} rows
 * @returns {Map<string, T>}
 */
function byId(rows) {
  return new Map(rows.map((row) => [row.id, row]));
}
