import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { apply, boardOf, columnsInOrder, snapshotOf, tasksInOrder } from "../../projects/static/projects/store.js";
import { commands, run } from "./support/commands.js";
import { ModelServer } from "./support/model_server.js";

/** A server on which all of that has happened, and the board of somebody who looked before the later part. */
function after(earlier, later) {
  const server = new ModelServer();
  for (const command of earlier) run(server, command);
  const board = boardOf(server.snapshot());
  for (const command of later) run(server, command);
  return { server, board, events: server.log.slice(board.seq) };
}

test("an old snapshot and the events since are the fresh snapshot, whatever happened", () => {
  fc.assert(
    fc.property(commands, commands, (earlier, later) => {
      const { server, board, events } = after(earlier, later);
      for (const event of events) apply(board, event);
      assert.deepEqual(snapshotOf(board), server.snapshot());
    }),
    { numRuns: 300 },
  );
});

test("an event that is applied twice, or late, changes nothing", () => {
  fc.assert(
    fc.property(commands, (all) => {
      const { server, board, events } = after([], all);
      for (const event of events) apply(board, event);
      for (const event of events) assert.equal(apply(board, event), null);
      assert.deepEqual(snapshotOf(board), server.snapshot());
    }),
  );
});

/** Everything that somebody who draws the board gets hold of. */
function handedOut(board) {
  const columns = columnsInOrder(board);
  return { members: board.members, columns, lists: columns.map(({ id }) => tasksInOrder(board, id)), project: board.project };
}

test("what a board has handed out never changes, whatever it is asked for in between", () => {
  fc.assert(
    fc.property(commands, commands, fc.array(fc.boolean(), { minLength: 10, maxLength: 10 }), (earlier, later, looks) => {
      const { board, events } = after(earlier, later);
      const seen = [];
      events.forEach((event, index) => {
        if (looks[index % looks.length]) seen.push([handedOut(board), structuredClone(handedOut(board))]);
        apply(board, event);
      });
      for (const [held, copy] of seen) assert.deepEqual(held, copy);
    }),
  );
});

test("what an event does not touch is the same object after it, so that nobody draws it again", () => {
  fc.assert(
    fc.property(commands, commands, (earlier, later) => {
      const { board, events } = after(earlier, later);
      for (const event of events) {
        const before = new Map([...board.columns.keys()].map((id) => [id, tasksInOrder(board, id)]));
        const rows = new Map(board.tasks);
        apply(board, event);
        for (const [id, list] of before) {
          const now = tasksInOrder(board, id);
          if (now.length === list.length && now.every((task, index) => task === list[index])) continue;
          assert.notEqual(now, list, "a list that changed is another one");
        }
        const touched = new Set([event.data.id, ...Object.keys(event.data.respaced ?? event.data.positions ?? {})]);
        for (const [id, row] of rows) if (!touched.has(id)) assert.equal(board.tasks.get(id), row);
      }
    }),
  );
});

test("many events cost one copy of a list, and not one each", () => {
  const server = new ModelServer();
  const { id: column } = server.columnCreate({ name: "To do" });
  for (let number = 0; number < 50; number += 1) server.taskCreate({ column, after: undefined, title: String(number) });
  const board = boardOf(server.snapshot());
  const shown = tasksInOrder(board, column);
  const lists = new Set();
  for (let number = 0; number < 100; number += 1) {
    server.taskUpdate({ task: server.tasks[number % 50].id, changes: { title: `again ${number}` } });
    apply(board, server.log.at(-1));
    lists.add(board.lists.get(column).tasks);
  }
  assert.equal(lists.size, 1);
  assert.ok(!lists.has(shown));
});

test("an event tells what it spoke of before: what was deleted still has its name", () => {
  const server = new ModelServer();
  const { id: column } = server.columnCreate({ name: "To do" });
  const { id: task } = server.taskCreate({ column, after: null, title: "one" });
  const board = boardOf(server.snapshot());
  server.taskDelete({ task });
  server.columnDelete({ column, moveTo: null });
  assert.equal(apply(board, server.log.at(-2))?.task?.title, "one");
  assert.equal(apply(board, server.log.at(-1))?.column?.name, "To do");
});

test("an event of another service, even one with a name from Object, advances the seq and nothing else", () => {
  for (const event of ["ai:suggested", "toString", "__proto__"]) {
    for (const data of [{}, { id: "x" }, null, "text"]) {
      const board = boardOf(new ModelServer().snapshot());
      const before = snapshotOf(board);
      apply(board, { seq: 1, event, data });
      assert.deepEqual(snapshotOf(board), { ...before, seq: 1 });
    }
  }
});

test("a deleted project is known to be deleted", () => {
  const board = boardOf(new ModelServer().snapshot());
  apply(board, { seq: 1, event: "project:deleted", data: board.project });
  assert.equal(board.deleted, true);
});
