import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ApiError } from "../../projects/static/projects/api.js";
import { Outbox } from "../../projects/static/projects/outbox.js";
import { settled } from "./support/fake_clock.js";

let sent, answers, refusals, later, outbox, respond;

beforeEach(() => {
  sent = [];
  answers = [];
  refusals = [];
  later = [];
  respond = () => ({});
  outbox = new Outbox({
    send: async (operation) => {
      sent.push(operation);
      const answer = await respond(operation);
      if (answer instanceof ApiError) throw answer;
      return answer;
    },
    onAnswer: (operation) => answers.push(operation.key),
    onRefusal: (operation, error) => refusals.push([operation.key, error.status]),
    random: () => 0.5,
    later: (delayMs, run) => later.push({ delayMs, run }),
  });
});

const fails = (status, retryAfterMs = null) => new ApiError({ status, code: "x", detail: "x" }, retryAfterMs);
const keys = () => sent.map(({ key }) => key);

test("one task's changes go in order, one at a time; another task's do not wait for them", async () => {
  let release;
  respond = (operation) => (operation.key === "a1" ? new Promise((resolve) => (release = resolve)) : {});
  outbox.add({ key: "a1", kind: "task.update", task: "a" });
  outbox.add({ key: "a2", kind: "task.move", task: "a", column: "c" });
  outbox.add({ key: "b1", kind: "task.delete", task: "b" });
  await settled();
  assert.deepEqual(keys(), ["a1", "b1"]);
  release({});
  await settled();
  assert.deepEqual(keys(), ["a1", "b1", "a2"]);
});

test("what may pass is sent again under the same key until it is answered", async () => {
  const outcomes = [fails(0), fails(503), fails(429, 3000), fails(401), {}];
  respond = () => outcomes.shift();
  outbox.add({ key: "k", kind: "task.delete", task: "a" });
  await settled();
  while (later.length) {
    later.shift().run();
    await settled();
  }
  assert.deepEqual(keys(), ["k", "k", "k", "k", "k"]);
  assert.deepEqual(answers, ["k"]);
  assert.deepEqual(refusals, []);
});

test("a server that says when to come back is obeyed; else the wait grows to a cap", async () => {
  respond = () => fails(429, 3000);
  outbox.add({ key: "k", kind: "task.delete", task: "a" });
  await settled();
  assert.equal(later.shift().delayMs, 3000);
  respond = () => fails(0);
  for (let attempt = 0; attempt < 12; attempt += 1) {
    outbox.retryNow();
    await settled();
  }
  assert.ok(later.every(({ delayMs }) => delayMs <= 15_200));
  assert.ok(later.at(-1).delayMs > later[0].delayMs);
});

test("a no is final and does not hold up what comes after", async () => {
  respond = (operation) => (operation.key === "a1" ? fails(403) : {});
  outbox.add({ key: "a1", kind: "task.update", task: "a" });
  outbox.add({ key: "a2", kind: "task.update", task: "a" });
  await settled();
  assert.deepEqual(refusals, [["a1", 403]]);
  assert.deepEqual(answers, ["a2"]);
});

test("a request that the server fails on again and again is given up", async () => {
  respond = () => fails(500);
  outbox.add({ key: "k", kind: "task.delete", task: "a" });
  await settled();
  for (let attempt = 0; attempt < 10; attempt += 1) {
    outbox.retryNow();
    await settled();
  }
  assert.deepEqual(refusals, [["k", 500]]);
});

test("a change to what was just made waits for its real id", async () => {
  let release;
  respond = (operation) => (operation.kind === "task.create" ? new Promise((resolve) => (release = resolve)) : {});
  outbox.add({ key: "k", kind: "task.create", task: "new-k", column: "c" });
  outbox.add({ key: "l", kind: "task.move", task: "other", column: "c", after: "new-k" });
  await settled();
  assert.deepEqual(keys(), ["k"]);
  release({ id: "real" });
  await settled();
  assert.deepEqual(sent[1].after, "real");
  assert.equal(outbox.realId("new-k"), "real");
});
