/**
 * One person's changes over a bad network: the server has them in their order and once, or the person was
 * told.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { boardOf } from "../../projects/static/projects/store.js";
import { viewOf } from "../../projects/static/projects/pending.js";
import { wordsOf } from "../../projects/static/projects/unsaved.js";
import { World } from "./support/world.js";

const RUNS = Number(process.env.RUNS ?? 150);

const pickedBy = fc.record({ a: fc.nat(30), b: fc.nat(30), c: fc.nat(30), tab: fc.nat(1) });
const one = (kind) => pickedBy.map((picked) => ({ kind, ...picked }));
const asks = [
  "task.create",
  "task.create",
  "task.move",
  "task.move",
  "task.update",
  "task.delete",
  "column.create",
  "column.move",
  "column.rename",
  "column.delete",
  "comment.create",
  "comment.update",
];
const faults = ["wait", "wait", "hear", "hear", "reload", "second", "cut", "mend"];
const refusals = ["again", "403", "400", "409", "429", "401", "500", "503", "other-user", "viewer", "editor"];
const others = ["other move", "other update", "other delete", "other column"];

const steps = (kinds) =>
  fc.array(
    fc.oneof(
      ...asks.map((kind) => ({ weight: 2, arbitrary: one(kind) })),
      ...kinds.map((kind) => ({ weight: 1, arbitrary: one(kind) })),
    ),
    { maxLength: 40, size: "max" },
  );

/** Numbers from 0 to 1, the same ones for each seed. */
function chanceOf(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pick = (rows, index) => (rows.length ? rows[index % rows.length] : undefined);

/** What the person does, looking at the page. */
function ask(tab, { kind, a, b, c }) {
  const { columns } = tab.model.view;
  const tasks = columns.flatMap((column) => column.tasks);
  const [task, column] = [pick(tasks, a), pick(columns, b)];
  const others = (column?.tasks ?? []).filter(({ id }) => id !== task?.id);
  const after = c % 3 === 0 ? null : (pick(others, c)?.id ?? null);
  const { model, comments } = tab;
  if (kind === "column.create") return model.ask(kind, { name: `c${a}` });
  if (!column) return;
  if (kind === "task.create")
    return model.ask(kind, { column: column.id, ...(c % 2 && { after }), changes: { title: `t${a}` } });
  if (kind === "column.rename") return model.ask(kind, { column: column.id, name: `r${a}` });
  if (kind === "column.move")
    return model.ask(kind, {
      column: column.id,
      after:
        c % 3 === 0
          ? null
          : (pick(
              columns.filter(({ id }) => id !== column.id),
              c,
            )?.id ?? null),
    });
  if (kind === "column.delete")
    return (
      columns.length > 2 &&
      model.ask(kind, {
        column: column.id,
        moveTo: pick(
          columns.filter(({ id }) => id !== column.id),
          c,
        ).id,
      })
    );
  if (!task) return;
  if (kind === "task.move") return model.ask(kind, { task: task.id, column: column.id, after });
  if (kind === "task.update")
    return model.ask(kind, {
      task: task.id,
      changes: pick(
        [
          { title: `${task.title} ${b}` },
          { labels: [...task.labels.filter((_, index) => index !== a), `l${b}-${c}`] },
          { description: `${task.description}line ${b}\n` },
        ],
        c,
      ),
    });
  if (kind === "task.delete") return model.ask(kind, { task: task.id });
  if (kind === "comment.create")
    return comments.push({
      task: task.id,
      comment: model.ask(kind, { task: task.id, text: `k${a}` }).comment,
    });
  const said = pick(
    comments.filter((comment) => tasks.some(({ id }) => id === comment.task)),
    a,
  );
  if (kind === "comment.update" && said) model.ask(kind, { ...said, text: `k${b}` });
}

function other(world, { kind, a, b, c }) {
  const { server } = world;
  const [task, column] = [pick(server.tasks, a), pick(server.columns, b)];
  if (kind === "other column") return server.columnCreate({ name: `o${a}` });
  if (!task || !column) return;
  if (kind === "other move")
    server.taskMove({ task: task.id, column: column.id, after: pick(server.tasks, c).id });
  if (kind === "other update")
    server.taskUpdate({
      task: task.id,
      changes: pick([{ title: `other ${a}` }, { labels: [...new Set([...task.labels, `o${b}`])] }], c),
    });
  if (kind === "other delete") server.taskDelete({ task: task.id });
}

async function step(world, action) {
  const { kind, a, tab: which } = action;
  const tab = world.tabs[which % world.tabs.length];
  if (tab !== world.looksAt) await world.clock.pass(20); // nobody is quicker from one page to the other
  world.looksAt = tab;
  if (asks.includes(kind)) (ask(tab, action), (world.saw = plain(tab.model.view)));
  else if (kind.startsWith("other ")) other(world, action);
  else if (kind === "again") sendAgain(world, tab, a);
  else if (kind === "wait") await world.clock.pass(a * 40);
  else if (kind === "hear") tab.hearNext();
  else if (kind === "reload") (world.close(tab), world.open());
  else if (kind === "second") world.tabs.length > 1 ? world.close(tab) : world.open();
  else if (kind === "cut") world.cut = true;
  else if (kind === "mend") world.cut = false;
  else if (kind === "viewer" || kind === "editor") world.api.mayWrite = kind === "editor";
  else world.api.refusals.push({ status: Number(kind) || 409, code: Number(kind) ? "refused" : kind });
}

function sendAgain(world, { model }, index) {
  const entry = pick(model.unsaved, index);
  if (!entry) return;
  for (const { key } of [entry.operation, ...entry.dependents]) world.again.add(key);
  model.sendAgain(entry.key);
}

function startOf(world) {
  const { server } = world;
  for (const name of ["To do", "Doing", "Done"]) server.columnCreate({ name, id: name });
  for (let index = 0; index < 4; index += 1)
    server.taskCreate({ column: "To do", after: "none", title: `t${index}`, id: `t${index}` });
}

async function play({ actions, seed, losses, locks }) {
  const world = new World(chanceOf(seed), losses, locks);
  startOf(world);
  world.open();
  for (const action of actions) await step(world, action);
  Object.assign(world, { cut: false, losses: 0 });
  Object.assign(world.api, { mayWrite: true });
  await world.settle();
  return world;
}

const plain = (view) =>
  view.columns.map(({ id, name, tasks }) => ({
    id,
    name,
    tasks: tasks.map((task) => [task.id, task.title, task.description, task.labels]),
  }));

/**
 * Whatever happened: nothing waits, all pages show what the server has, all came in order and once, or was
 * told.
 */
function check(world) {
  const server = plain(viewOf(boardOf(world.server.snapshot()), []));
  for (const { model, waiting } of world.tabs) {
    assert.deepEqual([model.operations, model.options.store.waiting(), waiting], [[], [], 0]);
    assert.deepEqual(plain(model.view), server);
  }
  const done = world.api.done;
  assert.equal(new Set(done).size, done.length, "nothing twice");
  assert.deepEqual(
    done,
    world.asked.filter((key) => done.includes(key)),
    "in the order in which it was asked",
  );
  const told = new Set(world.told.map(({ key }) => key));
  for (const key of world.asked)
    assert.notEqual(done.includes(key), told.has(key), `${key} is neither done nor refused, or both`);
  const unsaved = world.tabs[0].model.unsaved.flatMap(({ operation, dependents }) => [
    operation,
    ...dependents,
  ]);
  for (const operation of world.told) {
    const isKept = unsaved.some(({ key }) => key === operation.key) || world.again.has(operation.key);
    assert.ok(isKept || !wordsOf(operation).length, `the words of ${operation.key} are lost`);
  }
}

const situation = (kinds) =>
  fc.record({
    actions: steps(kinds),
    seed: fc.nat(),
    losses: fc.constantFrom(0, 0.2, 0.5),
    locks: fc.boolean(),
  });

test("alone, however bad the network and however often the page is loaded again, the server ends at what the person saw", async () => {
  await fc.assert(
    fc.asyncProperty(situation(faults), async (given) => {
      const world = await play(given);
      check(world);
      assert.deepEqual(world.api.done, world.asked);
      if (world.saw) assert.deepEqual(plain(world.tabs[0].model.view), world.saw);
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test("refused now and then: the rest comes in its order, and all words that were refused are kept", async () => {
  await fc.assert(
    fc.asyncProperty(situation([...faults, ...refusals]), async (given) => {
      check(await play(given));
    }),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});

test("among others who change the same board: all pages end at the server's board, and nobody's change is made twice", async () => {
  await fc.assert(
    fc.asyncProperty(situation([...faults, ...refusals, ...others, ...others]), async (given) =>
      check(await play(given)),
    ),
    { numRuns: RUNS, includeErrorInReport: true },
  );
});
