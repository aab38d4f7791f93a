/**
 * The board page's own modules, for tests in Python: each line of JSON that comes in is one question, each that goes
 * out is the answer to it. tests/support/page.py asks.
 */

import { createInterface } from "node:readline";
import * as pending from "../../../projects/static/projects/pending.js";
import { requestOf } from "../../../projects/static/projects/requests.js";
import { apply, boardOf, CHANGES, snapshotOf } from "../../../projects/static/projects/store.js";

const QUESTIONS = {
  events: () => Object.keys(CHANGES),

  operations: () => Object.keys(pending.PATCHES),

  /** The board after the events; null once the project is deleted. */
  replay({ snapshot, events }) {
    const board = boardOf(snapshot);
    for (const event of events) apply(board, event);
    return board.deleted ? null : snapshotOf(board);
  },

  /** The request that an operation sends, and what the page shows until it is answered. */
  ask({ snapshot, operation }) {
    const board = boardOf(snapshot);
    const request = requestOf(operation, snapshot.project.id);
    return { request, view: plain(pending.viewOf(board, [operation])) };
  },

  /** What is left of an operation once its answer and its event have come, in that order or in the other. */
  confirm({ snapshot, operation, answer, event, answerFirst }) {
    const board = boardOf(snapshot);
    let operations = [operation];
    const answered = () => (operations = pending.confirmByAnswer(operations, operation.key, answer));
    const heard = () => {
      apply(board, event);
      operations = pending.confirmByEvent(operations, event);
    };
    for (const step of answerFirst ? [answered, heard] : [heard, answered]) {
      step();
      operations = pending.settle(operations, board);
    }
    return { operations, view: plain(pending.viewOf(board, operations)) };
  },

  /** As after a reload: the board has it already when the answer comes, and the event never does. */
  settle({ snapshot, operation, answer }) {
    return pending.settle(pending.confirmByAnswer([operation], operation.key, answer), boardOf(snapshot));
  },
};

/** What people can see of a view. */
const plain = (view) => view.columns.map(({ name, done = false, tasks }) => ({ name, done, tasks: tasks.map(({ title }) => title) }));

for await (const line of createInterface({ input: process.stdin })) {
  const { question, ...given } = JSON.parse(line);
  console.log(JSON.stringify(QUESTIONS[question](given)));
}
