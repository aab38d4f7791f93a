/**
 * What this page has asked for and the server has not yet shown. Pure.
 *
 * The view is always `apply(server's board, pending operations)`: whatever arrives, the operations are laid
 * over it again. An operation ends when its own event comes, or when the answer says what the board already
 * shows; a refused one is dropped alone. Nothing is ever restored from a copy of earlier.
 *
 * @typedef {import("./store.js").Board} Board
 * @typedef {import("./types.js").Task} Task
 * @typedef {import("./types.js").BoardEvent} BoardEvent
 *
 * @typedef {object} Operation
 * @property {string} key             the Idempotency-Key, and so the event's mutationId
 * @property {string} kind            one of `PATCHES`, or a comment's
 * @property {string} [task]  the id; of what the operation creates, too: whoever creates something names it
 * @property {string} [column]
 * @property {string | null} [after]  the id of the item above; null is the top; undefined the bottom
 * @property {string} [name]
 * @property {boolean} [done]         of a column: its tasks are finished
 * @property {string | null} [moveTo]
 * @property {string} [comment]
 * @property {string} [text]
 * @property {Partial<Task>} [changes]
 * @property {Partial<Task> & {name?: string}} [base]  what the changed fields held when the change was made
 * @property {{changes: Partial<Task>, version: number}} [attempt]  of an update: what is sent, and over which
 *   version
 * @property {any} [answer]  the server's data, once it has said yes; the event may still be on its way
 *
 * @typedef {Task & {pending?: boolean}} TaskView
 * @typedef {import("./types.js").Column & {tasks: TaskView[], pending?: boolean}} ColumnView
 * @typedef {{columns: ColumnView[]}} BoardView
 */

import { columnsInOrder, tasksInOrder } from "./store.js";
import { mergeChanges } from "./three_way.js";

/**
 * What an operation creates: the name of the field that has its id.
 * @param {string} kind
 * @returns {"task" | "column" | "comment" | null}
 */
export function createdBy(kind) {
  return kind.endsWith(".create") ? /** @type {any} */ (kind.slice(0, kind.indexOf("."))) : null;
}

/**
 * Those of `later` that cannot be done once `refused` was not, since they speak of what it was to create.
 * @param {Operation} refused
 * @param {Operation[]} later  oldest first
 */
export function dependentsOf(refused, later) {
  const missing = new Set([idCreatedBy(refused)]);
  return later.filter((operation) => {
    const { key, task, column, moveTo, comment } = operation;
    const speaksOfIt = [task, column, moveTo, comment].some((id) => id && missing.has(id));
    const depends = speaksOfIt && key !== refused.key;
    if (depends) missing.add(idCreatedBy(operation));
    return depends;
  });
}

/** @param {Operation} operation */
function idCreatedBy(operation) {
  const name = createdBy(operation.kind);
  return name && operation[name];
}

/**
 * To be read only: while nothing is pending, the lists are the board's own.
 * @param {Board} board
 * @param {Operation[]} operations  oldest first
 * @returns {BoardView}
 */
export function viewOf(board, operations) {
  const tasksOf = (/** @type {string} */ id) => /** @type {Task[]} */ (tasksInOrder(board, id));
  const columns = columnsInOrder(board).map((column) => ({ ...column, tasks: tasksOf(column.id) }));
  if (!operations.length) return { columns };
  const view = { columns: columns.map((column) => ({ ...column, tasks: [...column.tasks] })) };
  for (const operation of operations) PATCHES[operation.kind]?.(view, operation);
  return view;
}

/**
 * An event has been applied to the board: its operation, if it was one of ours, is done.
 * @param {Operation[]} operations
 * @param {BoardEvent} event
 */
export function confirmByEvent(operations, event) {
  const { mutationId } = event;
  return mutationId ? without(operations, ({ key }) => key === mutationId) : operations;
}

/**
 * The server said yes. The operation stays in the view until the board shows it.
 * @param {Operation[]} operations
 * @param {string} key
 * @param {any} answer
 */
export function confirmByAnswer(operations, key, answer) {
  return operations.map((one) => (one.key === key ? { ...one, answer: answer ?? {} } : one));
}

/**
 * The server said no: only these operations go.
 * @param {Operation[]} operations
 * @param {Operation[]} refused
 */
export function refuse(operations, refused) {
  const keys = refused.map(({ key }) => key);
  return without(operations, ({ key }) => keys.includes(key));
}

/**
 * Drops what was answered and is already on the board, as after a reload or a write that changed nothing.
 * @param {Operation[]} operations
 * @param {Board} board
 */
export function settle(operations, board) {
  const toCome = new Set(operations.map(idCreatedBy));
  return without(operations, (operation) => operation.answer && isCovered(operation, board, toCome));
}

/** @param {Operation[]} operations */
export function waiting(operations) {
  return without(operations, ({ answer }) => answer);
}

/**
 * The same array where nothing goes, so that nothing follows from it.
 * @param {Operation[]} operations
 * @param {(operation: Operation) => unknown} goes
 */
function without(operations, goes) {
  const left = operations.filter((operation) => !goes(operation));
  return left.length === operations.length ? operations : left;
}

/**
 * @param {Operation} operation
 * @param {Board} board
 * @param {Set<unknown>} toCome  what operations create that are not done: it is not on the board yet. What is
 *   neither there nor among these has been deleted.
 */
function isCovered({ kind, task = "", column = "", answer }, board, toCome) {
  if (kind.startsWith("comment.")) return true; // comments are not on the board
  const ofTask = kind.startsWith("task.");
  const shown = ofTask ? board.tasks.get(task) : board.columns.get(column);
  if (!shown) return !toCome.has(ofTask ? task : column);
  if (kind.endsWith(".delete")) return false;
  if ("version" in shown) return shown.version >= answer.version;
  return shown.name === answer.name && shown.position === answer.position && shown.done === answer.done;
}

/** @type {Record<string, (view: BoardView, operation: Operation) => void>} */
export const PATCHES = {
  "task.create": (view, operation) => {
    if (findTask(view, operation.task)) return;
    const { task: id = "", column = "", changes } = operation;
    insert(view, { ...EMPTY_TASK, ...changes, id, column }, operation);
  },
  "task.move": (view, operation) => {
    const task = take(view, operation);
    if (task) insert(view, task, operation);
  },
  "task.update": (view, operation) => {
    const place = findTask(view, operation.task);
    if (!place) return;
    const { descriptionCut, ...task } = place.task;
    const { base = {}, changes = {} } = operation;
    const whole = changes.description !== undefined;
    const merged = descriptionCut && whole ? changes : mergeChanges(base, changes, task).changes;
    const cut = descriptionCut && !whole && { descriptionCut };
    place.list[place.index] = { ...task, ...cut, ...merged, pending: true };
  },
  "task.delete": (view, operation) => void take(view, operation),
  "column.create": (view, { column: id = "", name = "" }) => {
    if (view.columns.some((one) => one.id === id)) return;
    view.columns.push({ id, name, position: Infinity, tasks: [], pending: true });
  },
  "column.rename": (view, { column, name = "" }) => {
    view.columns = view.columns.map((one) => (one.id === column ? { ...one, name, pending: true } : one));
  },
  "column.mark": (view, { column, done }) => {
    view.columns = view.columns.map((one) => (one.id === column ? { ...one, done, pending: true } : one));
  },
  "column.move": (view, { column, after }) => {
    const moved = view.columns.find((one) => one.id === column);
    if (moved) insertAfter(view.columns, { ...moved, pending: true }, after);
  },
  "column.delete": (view, { column, moveTo }) => {
    const gone = view.columns.find((one) => one.id === column);
    view.columns = view.columns.filter((one) => one.id !== column);
    view.columns.find((one) => one.id === moveTo)?.tasks.push(...(gone?.tasks ?? []));
  },
};

const EMPTY_TASK = {
  title: "",
  description: "",
  assignee: null,
  labels: [],
  dueOn: null,
  position: 0,
  version: 0,
};

/**
 * @param {BoardView} view
 * @param {string | undefined} id
 */
export function findTask(view, id) {
  for (const column of view.columns) {
    const index = column.tasks.findIndex((task) => task.id === id);
    if (index >= 0) return { column, list: column.tasks, index, task: column.tasks[index] };
  }
  return null;
}

/**
 * @param {BoardView} view
 * @param {Operation} operation
 */
function take(view, operation) {
  const place = findTask(view, operation.task);
  return place?.list.splice(place.index, 1)[0];
}

/**
 * Where the column is gone, the task shows where it last was; where `after` is gone, at the bottom, as the
 * server does.
 * @param {BoardView} view
 * @param {TaskView} task
 * @param {Operation} operation
 */
function insert(view, task, { column, after }) {
  const columnOf = (/** @type {string | undefined} */ wanted) => view.columns.find(({ id }) => id === wanted);
  const target = columnOf(column) ?? columnOf(task.column);
  if (target) insertAfter(target.tasks, { ...task, column: target.id, pending: true }, after);
}

/**
 * @template {{id: string}} T
 * @param {T[]} list
 * @param {T} item
 * @param {string | null | undefined} after
 */
function insertAfter(list, item, after) {
  const present = list.findIndex((one) => one.id === item.id);
  if (present >= 0) list.splice(present, 1);
  const above = list.findIndex((one) => one.id === after);
  const index = after === null ? 0 : above >= 0 ? above + 1 : list.length;
  list.splice(index, 0, item);
}
