import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { cutDescription, SHOWN, WholeDescriptions } from "../../projects/static/projects/descriptions.js";
import { sendOperation } from "../../projects/static/projects/sending.js";

const LONG = "x".repeat(SHOWN + 1);

const taskOf = (description, version = 1) => ({ id: "t", version, title: "T", description });

test("a description is cut after so many characters, of which one may be two of JavaScript's", () => {
  for (const fits of ["", "x".repeat(SHOWN), "🎉".repeat(SHOWN)]) {
    const task = taskOf(fits);
    assert.equal(cutDescription(task), task, "the same object: nothing to draw again");
  }
  const cut = cutDescription(taskOf(`${"🎉".repeat(SHOWN)}x`));
  assert.deepEqual([cut.description, cut.descriptionCut], ["🎉".repeat(SHOWN), true]);
});

test("what is known whole holds until the board is further on", () => {
  const whole = new WholeDescriptions();
  const row = (version) => cutDescription(taskOf(LONG, version));
  assert.equal(whole.of(row(1)), null);
  whole.learn(taskOf(LONG, 2));
  assert.equal(whole.of(row(1)), LONG, "an answer may be ahead of its event");
  assert.equal(whole.of(row(2)), LONG);
  assert.equal(whole.of(row(3)), null, "somebody may have changed what is not shown");
  whole.learn(taskOf(`${LONG}!`, 3));
  whole.learn(taskOf(LONG, 2));
  assert.equal(whole.of(row(3)), `${LONG}!`, "a late answer of earlier is not taken");
  assert.equal(whole.of(taskOf("short", 4)), "short");
});

test("of very many long descriptions those used last are kept", () => {
  const whole = new WholeDescriptions();
  for (let number = 0; number < 51; number += 1) {
    whole.learn({ ...taskOf(LONG), id: `t${number}` });
    whole.of({ ...cutDescription(taskOf(LONG)), id: "t0" });
  }
  assert.equal(whole.of({ ...cutDescription(taskOf(LONG)), id: "t0" }), LONG);
  assert.equal(whole.of({ ...cutDescription(taskOf(LONG)), id: "t1" }), null);
});

// --- sending ---------------------------------------------------------------------------------------------------

let server, requests;
const { fetch: realFetch } = globalThis;

/** One task on a server: GET gives it, PATCH changes it where If-Match names its version. */
beforeEach(() => {
  requests = [];
  server = taskOf(LONG, 5);
  globalThis.document = /** @type {any} */ ({ cookie: "" });
  globalThis.fetch = async (path, { method, headers, body }) => {
    requests.push(method);
    if (method === "GET") return Response.json(server);
    if (headers["If-Match"] !== `"${server.version}"`) return Response.json({ code: "version-conflict", detail: "", task: server }, { status: 412 });
    server = { ...server, ...JSON.parse(body), version: server.version + 1 };
    return Response.json(server);
  };
});

afterEach(() => {
  globalThis.fetch = realFetch;
  delete (/** @type {any} */ (globalThis).document);
});

const isConflict = (/** @type {any} */ error) => error.status === 412;

/** What a page that has seen `newest` makes of a change. */
function send(operation, newest) {
  const load = async () => (await fetch("/api/tasks/t/", { method: "GET" })).json();
  return sendOperation({ key: "k", kind: "task.update", task: "t", ...operation }, "p", { newest: () => newest, load, learn: () => undefined });
}

test("a change over what is known here is one request", async () => {
  await send({ changes: { title: "New" }, base: { title: "T" } }, server);
  assert.deepEqual([requests, server.title], [["PATCH"], "New"]);
});

test("a change of a description of which only the beginning is known looks at the whole first", async () => {
  await send({ changes: { description: "mine" }, base: { description: LONG } }, undefined);
  assert.deepEqual([requests, server.description], [["GET", "PATCH"], "mine"]);
});

test("a change never overwrites what somebody else wrote where only they can see it", async () => {
  server = { ...server, description: `${LONG} and theirs`, version: 6 };
  const sent = send({ changes: { description: "mine" }, base: { description: LONG } }, undefined);
  await assert.rejects(sent, (/** @type {any} */ error) => error.status === 412 && error.problem.task.description.endsWith("theirs"));
  assert.ok(server.description.endsWith("theirs"));
});

test("a change that others have overtaken, as the page knows by now, is not sent over theirs", async () => {
  const older = server;
  server = { ...server, title: "Theirs", version: 6 };
  await assert.rejects(send({ changes: { title: "Mine" }, base: { title: "T" } }, server), isConflict);
  await assert.rejects(send({ changes: { title: "Mine" }, base: { title: "T" } }, older), isConflict);
  assert.equal(server.title, "Theirs");
});

test("where others changed another field, the change goes in on top of theirs", async () => {
  const older = server;
  server = { ...server, title: "Theirs", version: 6 };
  await send({ changes: { description: "mine" }, base: { description: LONG } }, older);
  assert.deepEqual([server.title, server.description], ["Theirs", "mine"]);
});
