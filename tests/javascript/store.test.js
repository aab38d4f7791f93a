import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boardOf, reduce, snapshotOf } from "../../projects/static/projects/store.js";
import { commands, run } from "./support/commands.js";
import { ModelServer } from "./support/model_server.js";

test("an old snapshot and the events since are the fresh snapshot, whatever happened", () => {
  fc.assert(
    fc.property(commands, commands, (earlier, later) => {
      const server = new ModelServer();
      for (const command of earlier) run(server, command);
      const old = server.snapshot();
      for (const command of later) run(server, command);
      const replayed = server.log.slice(old.seq).reduce(reduce, boardOf(old));
      assert.deepEqual(snapshotOf(replayed), server.snapshot());
    }),
    { numRuns: 300 },
  );
});

test("an event that is applied twice, or late, changes nothing", () => {
  fc.assert(
    fc.property(commands, (all) => {
      const server = new ModelServer();
      const empty = boardOf(server.snapshot());
      for (const command of all) run(server, command);
      const once = server.log.reduce(reduce, empty);
      assert.equal(server.log.reduce(reduce, once), once);
    }),
  );
});

test("a reducer never changes the board that it was given", () => {
  const server = new ModelServer();
  const { id: column } = server.columnCreate({ name: "To do" });
  server.taskCreate({ column, after: null, title: "one" });
  const board = boardOf(server.snapshot());
  const before = structuredClone(board);
  server.taskMove({ task: server.tasks[0].id, column, after: null });
  server.columnDelete({ column, moveTo: null });
  server.log.slice(board.seq).reduce(reduce, board);
  assert.deepEqual(board, before);
});

test("an event of another service, even one with a name from Object, advances the seq and nothing else", () => {
  const board = boardOf(new ModelServer().snapshot());
  for (const event of ["ai:suggested", "toString", "__proto__"]) {
    assert.deepEqual(reduce(board, { seq: 1, event, data: {} }), { ...board, seq: 1 });
  }
});

test("a deleted project is known to be deleted", () => {
  const board = boardOf(new ModelServer().snapshot());
  assert.equal(reduce(board, { seq: 1, event: "project:deleted", data: board.project }).deleted, true);
});
