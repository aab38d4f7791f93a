/**
 * Words that are not on the board and not lost: those that the server refused, those whose place is gone, and drafts that
 * can be gone on with. Pure: the model's and the drafts' state in, items out.
 *
 * @typedef {import("./board.js").BoardModel} BoardModel
 * @typedef {import("./drafts.js").Drafts} Drafts
 * @typedef {import("./queue_store.js").Unsaved} Unsaved
 *
 * @typedef {object} KeptItem
 * @property {string} what              "The description of “Plan”"
 * @property {string} why               why it is not saved; "" for a draft that can be gone on with
 * @property {string} words
 * @property {string | null} task       of which card, where that is still on the board
 * @property {string} [field]           of the card's, where it is one
 * @property {string | null} [column]   where it can be gone on with in a form of a column
 * @property {string} [theirs]          what the server has in its place
 * @property {Unsaved} [entry]
 * @property {string} [box]
 */

import { findTask } from "./pending.js";
import { reason } from "./reasons.js";
import { wordsOf } from "./unsaved.js";
import { clip } from "./words.js";

/** @type {Record<string, string>} */
const FIELDS = { title: "The title", description: "The description", labels: "Labels", name: "The name" };
/** @type {Record<string, string>} by the kind of box; what is chosen and not typed is none of words */
const BOXES = {
  card: "A new card",
  title: "The title",
  description: "The description",
  comment: "A comment",
  edit: "A comment that you were changing",
  label: "A label",
  "new-column": "The name of a new column",
  rename: "The name of a column",
  "board-name": "The name of the board",
  member: "Somebody to add as a member",
};
/** Boxes of a card. */
const OF_TASK = ["title", "description", "comment", "edit", "label"];
const READING = "you may only read this board by now.";

/**
 * What the server refused, oldest first.
 * @param {BoardModel} model
 * @returns {KeptItem[]}
 */
export function refusedItems(model) {
  return model.unsaved.map((entry) => {
    const { operation, problem, theirs } = entry;
    const task = operation.task && findTask(model.view, operation.task) ? operation.task : null;
    const [[field] = [""]] = wordsOf(operation);
    const value = theirs?.[field];
    return {
      what: whatOf(operation, field, model),
      why: reason(problem),
      words: [operation, ...entry.dependents].flatMap(wordsOf).map(([, words]) => [words].flat().join(", ")).join("\n\n"),
      task,
      field,
      ...(value !== undefined && { theirs: [value].flat().join(", ") }),
      entry,
    };
  });
}

/**
 * Drafts, newest first: those whose place is gone, and those that can be gone on with.
 * @param {BoardModel} model
 * @param {Drafts} drafts
 * @returns {{stranded: KeptItem[], open: KeptItem[]}}
 */
export function draftItems(model, drafts) {
  const items = drafts.all().map(({ box, draft }) => itemOf(box, draft, model)).filter((item) => item !== null);
  return { stranded: items.filter(({ why }) => why), open: items.filter(({ why }) => !why) };
}

/**
 * @param {import("./pending.js").Operation} operation
 * @param {string} field
 * @param {BoardModel} model
 */
function whatOf({ kind, task, changes }, field, model) {
  if (kind === "task.create") return "A new card";
  if (kind === "column.create") return "A new column";
  if (kind === "column.rename") return "The name of a column";
  const what = kind.startsWith("comment.") ? "A comment" : (FIELDS[field] ?? "A change");
  return `${what} ${of(task, model, changes?.title)}`;
}

/**
 * @param {string} box
 * @param {import("./drafts.js").Draft} draft
 * @param {BoardModel} model
 * @returns {KeptItem | null}
 */
function itemOf(box, { words }, model) {
  const [kind, id] = box.split(":");
  if (!Object.hasOwn(BOXES, kind) || typeof words !== "string") return null;
  const ofTask = OF_TASK.includes(kind);
  const task = ofTask && findTask(model.view, id) ? id : null;
  const column = model.view.columns.find((one) => one.id === id);
  const inColumn = kind === "card" && column ? ` in “${clip(column.name)}”` : "";
  return { what: BOXES[kind] + inColumn + (ofTask ? ` ${of(id, model)}` : ""), why: whyLost(kind, { task, column }, model), words, task, column: column?.id ?? null, box };
}

/**
 * @param {string} kind
 * @param {{task: string | null, column: object | undefined}} place
 * @param {BoardModel} model
 */
function whyLost(kind, { task, column }, model) {
  if (model.state.deleted) return "the board was deleted.";
  if (model.lost) return "you can no longer see this board.";
  if (OF_TASK.includes(kind) && !task) return "the card was deleted.";
  if (["card", "rename"].includes(kind) && !column) return "the column was deleted.";
  return model.canWrite ? "" : READING;
}

/**
 * @param {string | undefined} task
 * @param {BoardModel} model
 * @param {string} [title]  where the card is not on the board
 */
function of(task, model, title) {
  const shown = findTask(model.view, task)?.task.title ?? title;
  return shown ? `of “${clip(shown)}”` : "of a card that is no longer here";
}
