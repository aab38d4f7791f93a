import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ApiError } from "../../projects/static/projects/api.js";
import { Outbox } from "../../projects/static/projects/outbox.js";
import { boardsWithKept, QueueStore } from "../../projects/static/projects/queue_store.js";
import { settled } from "./support/fake_clock.js";
import { FakeBrowser } from "./support/fake_pages.js";

let browser, sent, answers, refusals, heldUp, later, respond, page;

beforeEach(() => {
  browser = new FakeBrowser();
  [sent, answers, refusals, heldUp, later] = [[], [], [], [], []];
  respond = () => ({});
  page = open();
});

/** A page of its own with an outbox, as a second tab has it. */
function open() {
  const tab = browser.open();
  const store = new QueueStore("p", "me", tab.storage, tab.events);
  const outbox = new Outbox({
    store,
    lock: tab.lock,
    send: async (operation) => {
      sent.push(operation);
      const answer = await respond(operation);
      if (answer instanceof ApiError) throw answer;
      return answer;
    },
    onAnswer: (operation, answer) => answers.push([operation.key, answer]),
    onRefusal: (operation, error, dependents) =>
      refusals.push([operation.key, error.status, ...dependents.map(({ key }) => key)]),
    onHeldUp: (error) => heldUp.push(error.problem.code),
    random: () => 0.5,
    now: () => 7,
    later: (delayMs, run) => later.push({ delayMs, run }),
  });
  const add = (...operations) => {
    for (const operation of operations) store.put(operation);
    outbox.wake();
  };
  return { tab, store, outbox, add };
}

const fails = (status, retryAfterMs = null, code = "x") =>
  new ApiError({ status, code, detail: "x" }, retryAfterMs);
const keys = () => sent.map(({ key }) => key);
const op = (key, fields = {}) => ({ key, kind: "task.delete", task: key, ...fields });

test("operations go one after the other, in their order, whatever they are of", async () => {
  let release;
  respond = ({ key }) => (key === "a" ? new Promise((resolve) => (release = resolve)) : {});
  page.add(op("a"), op("b"));
  page.add(op("c"));
  await settled();
  assert.deepEqual(keys(), ["a"]);
  release({});
  await settled();
  assert.deepEqual(keys(), ["a", "b", "c"]);
  assert.deepEqual(page.store.waiting(), []);
});

test("what may pass is sent again under the same key until it is answered, and nothing goes before it", async () => {
  const outcomes = [fails(0), fails(503), fails(429, 3000), fails(401), fails(409, null, "other-user"), {}];
  respond = () => outcomes.shift() ?? {};
  page.add(op("k"), op("l"));
  await settled();
  while (later.length) {
    later.shift().run();
    await settled();
  }
  assert.deepEqual(keys(), ["k", "k", "k", "k", "k", "k", "l"]);
  assert.deepEqual(
    answers.map(([key]) => key),
    ["k", "l"],
  );
  assert.deepEqual(refusals, []);
});

test("a server that says when to come back is obeyed; else the wait grows to a cap", async () => {
  respond = () => fails(429, 3000);
  page.add(op("k"));
  await settled();
  page.add(op("l"));
  await settled();
  assert.deepEqual([keys(), later.shift().delayMs], [["k"], 3000]);
  respond = () => fails(0);
  for (let attempt = 0; attempt < 12; attempt += 1) {
    page.outbox.retryNow();
    await settled();
  }
  assert.ok(later.every(({ delayMs }) => delayMs <= 15_200));
  assert.ok(later.at(-1).delayMs > later[0].delayMs);
});

test("a no is final and does not hold up what comes after", async () => {
  respond = ({ key }) => (key === "a" ? fails(403) : {});
  page.add(op("a"), op("b"));
  await settled();
  assert.deepEqual(refusals, [["a", 403]]);
  assert.deepEqual(
    answers.map(([key]) => key),
    ["b"],
  );
});

test("what speaks of a refused creation is refused with it, for its reason, and the words of all of it are kept", async () => {
  respond = ({ key }) => (key === "a" ? fails(409, null, "limit-reached") : {});
  const create = { key: "a", kind: "task.create", task: "t", column: "c", changes: { title: "Words" } };
  const comment = { key: "b", kind: "comment.create", comment: "m", task: "t", text: "More words" };
  page.add(create, comment, op("c"));
  await settled();
  assert.deepEqual(keys(), ["a", "c"]);
  assert.deepEqual(refusals, [["a", 409, "b"]]);
  const [entry] = page.store.unsaved();
  assert.deepEqual(
    [entry.operation, entry.dependents, entry.problem.code, entry.since],
    [create, [comment], "limit-reached", 7],
  );
});

test("of a refused move or deletion there is nothing to keep", async () => {
  respond = () => fails(404);
  page.add(op("a"), { key: "b", kind: "task.move", task: "t", column: "c", after: null });
  await settled();
  assert.equal(refusals.length, 2);
  assert.deepEqual(page.store.unsaved(), []);
});

test("a request that the server fails on again and again is given up", async () => {
  respond = () => fails(500);
  page.add(op("k"));
  await settled();
  for (let attempt = 0; attempt < 10; attempt += 1) {
    page.outbox.retryNow();
    await settled();
  }
  assert.deepEqual(refusals, [["k", 500]]);
});

test("while somebody else is logged in nothing is sent but the first, nothing is refused, and all goes on afterwards", async () => {
  respond = () => fails(409, null, "other-user");
  page.add(op("a"), op("b"));
  await settled();
  page.outbox.retryNow();
  await settled();
  assert.deepEqual([keys(), refusals, heldUp], [["a", "a"], [], ["other-user", "other-user"]]);
  respond = () => ({});
  page.outbox.retryNow();
  await settled();
  assert.deepEqual(
    answers.map(([key]) => key),
    ["a", "b"],
  );
});

test("an event is an answer, too, where the answer itself never comes", async () => {
  respond = ({ key }) => (key === "a" ? new Promise(() => undefined) : {});
  page.add(op("a"), op("b"));
  await settled();
  page.outbox.confirm("a", { by: "event" });
  await settled();
  assert.deepEqual(answers, [
    ["a", { by: "event" }],
    ["b", {}],
  ]);
  assert.deepEqual(keys(), ["a", "b"]);
});

test("two pages of one person send one queue: in its order, each operation once, and both know how it ended", async () => {
  const other = open();
  const heard = [];
  other.store.listen({
    put: ({ key }) => heard.push(key),
    finished: ({ key }, end) => heard.push([key, end]),
    unsavedChanged: () => undefined,
  });
  let release;
  respond = ({ key }) => (key === "a" ? new Promise((resolve) => (release = resolve)) : {});
  page.add(op("a"));
  await settled();
  other.add(op("b"));
  page.add(op("c"));
  await settled();
  assert.deepEqual(keys(), ["a"]);
  release({ by: "server" });
  await settled();
  assert.deepEqual(keys(), ["a", "b", "c"]);
  assert.deepEqual(
    answers.map(([key]) => key),
    ["a", "b", "c"],
  );
  assert.deepEqual(heard.slice(0, 3), ["a", "c", ["a", { answer: { by: "server" } }]]);
});

test("what a page that closed has left is sent by the next, in its order", async () => {
  respond = () => new Promise(() => undefined);
  page.add(op("a"), op("b"));
  await settled();
  page.tab.close();
  respond = () => ({});
  const next = open();
  next.outbox.wake();
  await settled();
  assert.deepEqual(keys(), ["a", "a", "b"]);
});

test("another person on the same browser sees and sends nothing of it, nor does another board", async () => {
  respond = () => fails(0);
  page.add(op("a"));
  await settled();
  for (const [project, user] of [
    ["p", "other"],
    ["q", "me"],
  ]) {
    assert.deepEqual(new QueueStore(project, user, browser.open().storage).waiting(), []);
  }
});

test("what storage does not take is sent all the same, and the page says that it would be lost with it", async () => {
  browser.full = true;
  respond = () => fails(0);
  page.add(op("a"), op("b"));
  await settled();
  assert.equal(page.store.safe, false);
  respond = () => ({});
  page.outbox.retryNow();
  await settled();
  assert.deepEqual(keys(), ["a", "a", "b"]);
  assert.equal(page.store.safe, true);
});

test("the boards are known on which something of a person's is kept, those that are gone as well", async () => {
  respond = () => fails(404);
  page.add({ key: "a", kind: "comment.create", comment: "m", task: "t", text: "Words" });
  new QueueStore("q", "me", page.tab.storage).put(op("b"));
  new QueueStore("r", "other", page.tab.storage).put(op("c"));
  page.tab.storage.setItem("devmentor.lastBoard", "s");
  await settled();
  assert.deepEqual(boardsWithKept("me", page.tab.storage).sort(), ["p", "q"]);
  assert.deepEqual(boardsWithKept("me", null), []);
});

test("an operation of which no request can be made does not hold up the others, and its words are kept", async () => {
  respond = ({ key }) => {
    if (key === "a") throw new Error("unknown operation");
    return {};
  };
  page.add({ key: "a", kind: "task.foretell", task: "t", text: "Words" }, op("b"));
  await settled();
  assert.deepEqual([refusals, answers, page.store.unsaved().length], [[["a", 400]], [["b", {}]], 1]);
});

test("nonsense in storage holds nobody up", async () => {
  for (const text of [
    "",
    "{",
    "null",
    "7",
    '{"n": 1}',
    '{"operation": "x"}',
    '{"operation": {"key": "x"}}',
  ]) {
    page.tab.storage.setItem(`devmentor.waiting.me.p.${text}`, text);
    page.tab.storage.setItem(`devmentor.unsaved.me.p.${text}`, text);
  }
  page.add(op("a"));
  await settled();
  assert.deepEqual([keys(), page.store.unsaved()], [["a"], []]);
});
