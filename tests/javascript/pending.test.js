import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as pending from "../../projects/static/projects/pending.js";
import { apply, boardOf, snapshotOf } from "../../projects/static/projects/store.js";
import { argumentsOf, commands, run } from "./support/commands.js";
import { ModelServer } from "./support/model_server.js";

const KINDS = {
  taskMove: "task.move",
  taskUpdate: "task.update",
  taskDelete: "task.delete",
  taskCreate: "task.create",
  columnRename: "column.rename",
  columnMove: "column.move",
  columnCreate: "column.create",
  columnDelete: "column.delete",
};
const WRITES = Object.keys(KINDS);

/** The operation that a page would have pending for a command. */
function operationOf(command, server, key) {
  const { task, column, after, moveTo, name, changes } = argumentsOf(command, server);
  const created = pending.createdBy(KINDS[command.kind]);
  return {
    key,
    kind: KINDS[command.kind],
    task,
    column,
    after,
    moveTo,
    name,
    changes,
    ...(created && { [created]: `id of ${key}` }),
  };
}

const idsOf = (view) => view.columns.flatMap((column) => [column.id, ...column.tasks.map((task) => task.id)]);
const plain = (view) =>
  view.columns.map(({ id, name, tasks }) => ({
    id,
    name,
    tasks: tasks.map((task) => [task.id, task.title]),
  }));

test("whether the event or the answer comes first, the operation ends and the view is the server's board", () => {
  fc.assert(
    fc.property(
      commands,
      commands,
      fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      (earlier, own, answerFirst) => {
        const server = new ModelServer();
        for (const command of earlier) run(server, command);
        const board = boardOf(server.snapshot());
        let operations = [];
        own
          .filter(({ kind }) => WRITES.includes(kind))
          .forEach((command, index) => {
            const key = `key-${index}`;
            operations = [...operations, operationOf(command, server, key)];
            pending.viewOf(board, operations);
            const answer = run(server, command, key, `id of ${key}`);
            const hear = () => {
              for (const event of server.log.slice(board.seq)) {
                apply(board, event);
                operations = pending.settle(pending.confirmByEvent(operations, event), board);
              }
            };
            const answered = () => {
              operations = answer
                ? pending.confirmByAnswer(operations, key, structuredClone(answer))
                : pending.refuse(
                    operations,
                    operations.filter((one) => one.key === key),
                  );
              operations = pending.settle(operations, board);
            };
            for (const step of answerFirst[index] ? [answered, hear] : [hear, answered]) step();
          });
        assert.deepEqual(operations, []);
        assert.deepEqual(
          plain(pending.viewOf(board, operations)),
          plain(pending.viewOf(boardOf(server.snapshot()), [])),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test("nothing is ever shown twice, whatever is pending over whatever board", () => {
  fc.assert(
    fc.property(commands, commands, commands, (earlier, own, others) => {
      const server = new ModelServer();
      for (const command of earlier) run(server, command);
      const writes = own.filter(({ kind }) => WRITES.includes(kind));
      const operations = writes.map((command, index) => operationOf(command, server, `key-${index}`));
      for (const command of others) run(server, command);
      const ids = idsOf(pending.viewOf(boardOf(server.snapshot()), operations));
      assert.equal(new Set(ids).size, ids.length);
    }),
  );
});

test("a refusal drops that operation alone: the view is as if it had never been asked for", () => {
  fc.assert(
    fc.property(commands, commands, fc.nat(), (earlier, own, which) => {
      const server = new ModelServer();
      for (const command of earlier) run(server, command);
      const writes = own.filter(({ kind }) => WRITES.includes(kind));
      fc.pre(writes.length > 0);
      const board = boardOf(server.snapshot());
      const operations = writes.map((command, index) => operationOf(command, server, `key-${index}`));
      const refused = operations[which % operations.length];
      const others = operations.filter((one) => one !== refused);
      assert.deepEqual(
        pending.viewOf(board, pending.refuse(operations, [refused])),
        pending.viewOf(board, others),
      );
    }),
  );
});

test("a view never changes the board under it", () => {
  fc.assert(
    fc.property(commands, commands, (earlier, own) => {
      const server = new ModelServer();
      for (const command of earlier) run(server, command);
      const board = boardOf(server.snapshot());
      const before = structuredClone(snapshotOf(board));
      pending.viewOf(
        board,
        own
          .filter(({ kind }) => WRITES.includes(kind))
          .map((command, index) => operationOf(command, server, `key-${index}`)),
      );
      assert.deepEqual(snapshotOf(board), before);
    }),
  );
});

test("a created card that is answered before its event shows once", () => {
  const server = new ModelServer();
  const { id: column } = server.columnCreate({ name: "To do" });
  const board = boardOf(server.snapshot());
  const asked = [{ key: "k", kind: "task.create", task: "t", column, changes: { title: "new" } }];
  const answer = server.taskCreate({ id: "t", column, after: null, title: "new" }, "k");
  const answered = pending.settle(pending.confirmByAnswer(asked, "k", answer), board);
  assert.deepEqual(
    pending.viewOf(board, answered).columns[0].tasks.map((task) => task.id),
    ["t"],
  );
  server.taskUpdate({ task: "t", changes: { title: "renamed by others" } });
  for (const event of server.log.slice(board.seq)) apply(board, event);
  assert.deepEqual(
    pending.viewOf(board, answered).columns[0].tasks.map((task) => [task.id, task.title]),
    [["t", "renamed by others"]],
  );
  assert.deepEqual(pending.settle(answered, board), []);
});

test("what others added to a list is seen beside one's own addition that waits", () => {
  const server = new ModelServer();
  const { id: column } = server.columnCreate({ name: "To do" });
  server.taskCreate({ id: "t", column, after: null, labels: ["theirs"] });
  const asked = [
    { key: "k", kind: "task.update", task: "t", changes: { labels: ["mine"] }, base: { labels: [] } },
  ];
  assert.deepEqual(pending.viewOf(boardOf(server.snapshot()), asked).columns[0].tasks[0].labels, [
    "theirs",
    "mine",
  ]);
});

test("with a refused creation goes all that speaks of what it was to create, and nothing else", () => {
  const refused = { key: "0", kind: "column.create", column: "C" };
  const later = [
    { key: "1", kind: "task.create", task: "T", column: "C" },
    { key: "2", kind: "comment.create", comment: "K", task: "T" },
    { key: "3", kind: "task.move", task: "old", column: "C", after: null },
    { key: "4", kind: "task.update", task: "old", changes: {} },
    { key: "5", kind: "column.delete", column: "other", moveTo: "C" },
    { key: "6", kind: "comment.update", comment: "K", task: "T" },
    { key: "7", kind: "task.move", task: "old", column: "other", after: "T" }, // below what is not there
  ];
  assert.deepEqual(
    pending.dependentsOf(refused, [refused, ...later]).map(({ key }) => key),
    ["1", "2", "3", "5", "6"],
  );
  assert.deepEqual(pending.dependentsOf(later[3], later), [], "a refused change takes nothing with it");
});

test("only what the server has not answered counts as waiting", () => {
  const operations = [
    { key: "a", kind: "task.delete", task: "t" },
    { key: "b", kind: "task.delete", task: "u" },
  ];
  assert.deepEqual(
    pending.waiting(pending.confirmByAnswer(operations, "a", null)).map(({ key }) => key),
    ["b"],
  );
  assert.equal(pending.waiting(operations), operations);
});
