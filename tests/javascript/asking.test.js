/**
 * What the model does with what a person asks for, over a real outbox and store: refusals, log-ins, visits.
 */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { LogIn } from "../../projects/static/projects/log_in.js";
import { pageLock } from "../../projects/static/projects/page_lock.js";
import { newId } from "../../projects/static/projects/new_id.js";
import { wordsOf } from "../../projects/static/projects/unsaved.js";
import { settled } from "./support/fake_clock.js";
import { World } from "./support/world.js";

let world, tab, model, heard;

beforeEach(() => {
  world = new World(() => 0.5, 0);
  world.server.columnCreate({ name: "To do", id: "To do" });
  world.server.columnCreate({ name: "Done", id: "Done" });
  world.server.taskCreate({
    column: "To do",
    after: null,
    title: "T",
    description: "One. Two.",
    labels: ["a"],
    id: "t",
  });
  visit();
});

function visit() {
  if (tab) world.close(tab);
  tab = world.open();
  model = tab.model;
  heard = [];
  for (const what of ["refused", "answered", "lost", "found"])
    model.listen({ [what]: (...details) => heard.push([what, ...details]) });
}

const refuse = (status, code = "refused", times = 1) => {
  for (let time = 0; time < times; time += 1) world.api.refusals.push({ status, code });
};
const told = () => heard.map(([what]) => what);
const taskOf = (id) => world.server.tasks.find((task) => task.id === id);

test("what a page creates has its final name at once, for whatever is asked of it next", async () => {
  const { task } = model.ask("task.create", { column: "To do", changes: { title: "New" } });
  const { comment } = model.ask("comment.create", { task, text: "Words" });
  model.ask("task.update", { task, changes: { title: "Renamed" } });
  model.ask("task.move", { task: "t", column: "To do", after: task });
  assert.match(task, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  await world.settle();
  assert.deepEqual(
    [taskOf(task).title, world.server.comments[0].id, world.server.comments[0].taskId],
    ["Renamed", comment, task],
  );
  assert.deepEqual(
    model.view.columns[0].tasks.map(({ id }) => id),
    [task, "t"],
  );
});

for (const [name, kind, fields, words] of /** @type {[string, string, any, any][]} */ ([
  [
    "a new card",
    "task.create",
    { column: "To do", changes: { title: "Title", description: "Text" } },
    [
      ["title", "Title"],
      ["description", "Text"],
    ],
  ],
  ["a title", "task.update", { task: "t", changes: { title: "Title" } }, [["title", "Title"]]],
  [
    "a description",
    "task.update",
    { task: "t", changes: { description: "Text" } },
    [["description", "Text"]],
  ],
  ["labels", "task.update", { task: "t", changes: { labels: ["b"] } }, [["labels", ["b"]]]],
  ["a comment", "comment.create", { task: "t", text: "Words" }, [["text", "Words"]]],
  ["a new column", "column.create", { name: "Name" }, [["name", "Name"]]],
  ["a column's name", "column.rename", { column: "Done", name: "Name" }, [["name", "Name"]]],
])) {
  test(`the words of ${name} that were refused are there on the next visit, and are saved when they are sent again`, async () => {
    for (const status of [400, 403, 404, 409, 412]) refuse(status);
    for (let time = 0; time < 5; time += 1) model.ask(kind, fields);
    await world.settle();
    assert.deepEqual(told(), Array(5).fill("refused"));
    visit();
    assert.deepEqual(
      model.unsaved.map(({ operation, problem }) => [wordsOf(operation), problem.status]),
      [400, 403, 404, 409, 412].map((status) => [words, status]),
    );
    for (const { key } of model.unsaved.slice(1)) model.drop(key);
    model.sendAgain(model.unsaved[0].key);
    await world.settle();
    assert.deepEqual([told(), model.unsaved], [["answered"], []]);
  });
}

test("moves, deletions, assignees and dates that were refused leave nothing behind but the report", async () => {
  refuse(403, "forbidden", 4);
  model.ask("task.move", { task: "t", column: "Done", after: null });
  model.ask("task.update", { task: "t", changes: { assignee: "me" } });
  model.ask("task.update", { task: "t", changes: { dueOn: "2026-01-01" } });
  model.ask("task.delete", { task: "t" });
  await world.settle();
  assert.deepEqual([told(), model.unsaved], [Array(4).fill("refused"), []]);
});

test("of a text that both changed in one place, theirs is kept beside mine; sent again, mine takes its place", async () => {
  world.server.taskUpdate({ task: "t", changes: { description: "Theirs. Two." } });
  model.ask("task.update", { task: "t", changes: { description: "Mine. Two." } });
  await world.settle();
  const [{ operation, theirs, problem }] = model.unsaved;
  assert.deepEqual(
    [operation.changes, operation.base, theirs, problem.status],
    [{ description: "Mine. Two." }, { description: "One. Two." }, { description: "Theirs. Two." }, 412],
  );
  assert.ok(!("task" in problem));
  world.server.taskUpdate({ task: "t", changes: { description: "Theirs. Two. Three." } });
  model.sendAgain(operation.key);
  await world.settle();
  assert.equal(taskOf("t").description, "Mine. Two. Three.");
});

test("a card whose column is gone is sent again into another one, with what was done to it since", async () => {
  world.server.columnDelete({ column: "Done" });
  const { key, task } = model.ask("task.create", { column: "Done", changes: { title: "New" } });
  model.ask("comment.create", { task, text: "Words" });
  await world.settle();
  const [entry] = model.unsaved;
  assert.deepEqual(
    [entry.key, entry.dependents.map(({ kind }) => kind), told()],
    [key, ["comment.create"], ["refused"]],
  );
  model.sendAgain(key, { column: "To do" });
  await world.settle();
  assert.deepEqual([taskOf(task).column, world.server.comments.length, model.unsaved], ["To do", 1, []]);
});

const OTHER = { id: "other", name: "Somebody Else" };

for (const [name, now] of /** @type {[string, any][]} */ ([["another person is logged in", OTHER], ["nobody is logged in", null]])) {
  test(`while ${name} nothing can be asked for, what was waits, and all is sent once the page's own person is back`, async () => {
    const me = world.api.me;
    world.api.me = now;
    model.ask("task.update", { task: "t", changes: { title: "Mine" } });
    model.ask("task.move", { task: "t", column: "Done", after: null });
    await world.clock.pass(20_000);
    assert.deepEqual([told(), tab.waiting, taskOf("t").title], [[], 2, "T"]);
    assert.deepEqual([tab.logIn.isOurs, model.canWrite, tab.logIn.now], [false, false, now]);
    world.api.me = me;
    await tab.logIn.check();
    model.retryNow();
    await world.settle();
    assert.deepEqual([taskOf("t").title, taskOf("t").column, tab.waiting], ["Mine", "Done", 0]);
    assert.deepEqual([told(), tab.logIn.isOurs], [["answered", "answered"], true]);
  });
}

test("a board that is not there for whoever is logged in by now is not lost for the person whom the page shows", async () => {
  const me = world.api.me;
  const trials = [[null, "gone"], [OTHER, "gone"], [null, "trimmed"], [OTHER, "trimmed"], [me, "gone"]];
  for (const [now, news] of /** @type {[any, string][]} */ (trials)) {
    world.api.me = now;
    tab.say(news);
    await world.clock.pass(1000);
    await tab.logIn.check();
    assert.deepEqual([told(), model.lost, tab.logIn.isOurs], [[], false, now === me], news);
  }
  world.api.boardIsThere = false;
  tab.say("gone");
  await world.clock.pass(1000);
  assert.deepEqual([told(), model.lost], [["lost"], true]);
  tab.say("joined");
  assert.deepEqual([told(), model.lost], [["lost", "found"], false]);
});

test("who asks while an older question is under way learns what has changed since", async () => {
  /** @type {any[]} */
  const asked = [];
  const logIn = new LogIn({ id: "me", name: "Me" }, () => new Promise((resolve) => asked.push(resolve)));
  const [first, second, third] = [logIn.check(), logIn.check(), logIn.check()];
  asked.shift()({ id: "me", name: "Me" });
  await first;
  assert.ok(logIn.isOurs);
  await settled();
  asked.shift()(OTHER);
  await Promise.all([second, third]);
  assert.deepEqual([logIn.isOurs, asked.length], [false, 0]);
});

test("a server that does not say who is logged in changes nothing", async () => {
  const logIn = new LogIn({ id: "me", name: "Me" }, async () => Promise.reject(new TypeError("Failed to fetch")));
  await logIn.check();
  assert.ok(logIn.isOurs);
});

test("a card that somebody deleted before one came back does not stay on the board as one's own", async () => {
  world.cut = true;
  const { task } = model.ask("task.create", { column: "To do", changes: { title: "New" } });
  const { key } = model.operations[0];
  await world.clock.pass(5000);
  world.api.request("/api/projects/p/tasks/", {
    method: "POST",
    body: { id: task, title: "New", column: "To do" },
    key,
  });
  world.server.taskDelete({ task });
  world.cut = false;
  visit();
  await world.settle();
  assert.deepEqual(
    model.view.columns[0].tasks.map(({ id }) => id),
    ["t"],
  );
});

test("what one page asks for is sent by another when the first one closes", async () => {
  const other = world.open();
  world.cut = true;
  other.model.ask("task.move", { task: "t", column: "Done", after: null });
  await world.clock.pass(100);
  world.close(other);
  world.cut = false;
  await world.settle();
  assert.equal(taskOf("t").column, "Done");
});

test("a part of the page that fails over an answer does not keep the next change from being sent", async (context) => {
  const reported = context.mock.method(globalThis, "queueMicrotask", () => undefined);
  model.listen({ answered: ({ kind }) => assert.notEqual(kind, "task.move", "on purpose") });
  model.ask("task.move", { task: "t", column: "Done", after: null });
  model.ask("task.update", { task: "t", changes: { title: "Sent" } });
  await world.settle();
  assert.throws(reported.mock.calls[0].arguments[0], /on purpose/);
  assert.equal(taskOf("t").title, "Sent");
});

test("ids are UUIDs on pages without HTTPS, too", () => {
  Object.defineProperty(crypto, "randomUUID", { value: undefined, configurable: true });
  const ids = new Set(Array.from({ length: 100 }, newId));
  delete (/** @type {any} */ (crypto).randomUUID);
  assert.equal(ids.size, 100);
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test("the lock is taken away from a page that the browser has frozen, and never from one that works", async () => {
  const asked = [];
  const frozen = {
    request: async (_, options, run) => (
      asked.push(options.steal ?? false),
      options.steal ? run() : Promise.reject(new DOMException("", "TimeoutError"))
    ),
  };
  Object.defineProperty(globalThis, "navigator", { value: { locks: frozen }, configurable: true });
  assert.equal(await pageLock("n")(async () => true), true);
  assert.deepEqual(asked, [false, true]);
  Object.defineProperty(globalThis, "navigator", {
    value: { locks: { request: async () => Promise.reject(new DOMException("", "AbortError")) } },
    configurable: true,
  });
  assert.equal(
    await pageLock("n")(async () => true),
    false,
    "it was taken from this page: another one goes on",
  );
  Object.defineProperty(globalThis, "navigator", { value: {}, configurable: true });
  assert.equal(await pageLock("n")(async () => true), true, "no locks without HTTPS");
  await settled();
});
