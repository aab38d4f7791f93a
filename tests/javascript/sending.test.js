import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { ApiError, call, writeAs } from "../../projects/static/projects/api.js";
import { sendOperation } from "../../projects/static/projects/sending.js";

const LONG = "x".repeat(3000);
let server, requests, saved, lose;

const taskOf = (fields = {}) => ({
  id: "t",
  version: 5,
  title: "T",
  description: "One. Two.",
  labels: [],
  assignee: null,
  ...fields,
});

beforeEach(() => {
  [requests, saved, lose] = [[], [], 0];
  server = taskOf();
});

/** One task on a server: GET gives it, PATCH changes it where the version is its own, once for each key. */
async function request(path, { method = "GET", body = undefined, version = undefined, key = "" } = {}) {
  if (method === "GET") {
    requests.push("GET");
    return server;
  }
  requests.push([version, body]);
  if (server.key !== key && version !== server.version)
    throw new ApiError({ status: 412, code: "version-conflict", detail: "", task: server });
  if (server.key !== key) server = { ...server, ...body, version: server.version + 1, key };
  if (lose-- > 0) throw new ApiError({ status: 0, code: "unreachable", detail: "" });
  return server;
}

/** What a page that has seen `newest` makes of a change. */
function send(operation, newest = undefined) {
  const known = {
    newest: () => newest,
    load: () => request("/api/tasks/t/"),
    learn: () => undefined,
    column: () => undefined,
    save: (one) => saved.push(one),
  };
  return sendOperation({ key: "k", kind: "task.update", task: "t", ...operation }, "p", known, request);
}

const isConflict = (/** @type {any} */ error) => error.status === 412;

test("a change over what is known here is one request", async () => {
  await send({ changes: { title: "New" }, base: { title: "T" } }, server);
  assert.deepEqual(requests, [[5, { title: "New" }]]);
});

test("a change of a description of which only the beginning is known looks at the whole first", async () => {
  server = taskOf({ description: LONG });
  await send({ changes: { description: "mine" }, base: { description: LONG } });
  assert.deepEqual([requests, server.description], [["GET", [5, { description: "mine" }]], "mine"]);
});

test("a text that others have changed in the same place is overwritten by no change that did not see it", async () => {
  const older = server;
  server = taskOf({ description: "Theirs. Two.", version: 6 });
  for (const newest of [older, server, undefined]) {
    const sent = send({ changes: { description: "Mine. Two." }, base: { description: "One. Two." } }, newest);
    await assert.rejects(
      sent,
      (/** @type {any} */ error) => isConflict(error) && error.problem.task.description === "Theirs. Two.",
    );
  }
  assert.equal(server.description, "Theirs. Two.");
});

test("a change that waited goes in beside what others wrote elsewhere in the text, and in other fields", async () => {
  const older = server;
  server = taskOf({ title: "Theirs", description: "One. Two, theirs.", version: 6 });
  await send({ changes: { description: "One, mine. Two." }, base: { description: "One. Two." } }, older);
  assert.deepEqual([server.title, server.description], ["Theirs", "One, mine. Two, theirs."]);
});

test("of a list items are added and taken away, whatever others did with the others", async () => {
  const older = taskOf({ labels: ["both", "bug"] });
  server = taskOf({ labels: ["Both", "bug", "theirs"], version: 6 });
  await send({ changes: { labels: ["both", "mine"] }, base: { labels: ["both", "bug"] } }, older);
  assert.deepEqual(server.labels, ["Both", "theirs", "mine"]);
});

test("of an assignee that others have changed, too, the person is asked", async () => {
  server = taskOf({ assignee: "theirs", version: 6 });
  await assert.rejects(send({ changes: { assignee: "mine" }, base: { assignee: null } }, server), isConflict);
});

test("an attempt without an answer is repeated as it is, whatever has come since; a merged one, too", async () => {
  const older = server;
  server = taskOf({ labels: ["theirs"], version: 6 });
  lose = 1;
  await assert.rejects(send({ changes: { labels: ["mine"] }, base: { labels: [] } }, older));
  const [first, merged] = saved;
  assert.deepEqual(
    [first.attempt, merged.attempt],
    [
      { changes: { labels: ["mine"] }, version: 5 },
      { changes: { labels: ["theirs", "mine"] }, version: 6 },
    ],
  );
  server = { ...server, labels: [...server.labels, "later"], version: 8 };
  await send(merged, server);
  assert.deepEqual(requests.at(-1), [6, { labels: ["theirs", "mine"] }]);
  assert.deepEqual(server.labels, ["theirs", "mine", "later"], "once");
});

test("a column that somebody else renamed meanwhile keeps their name until the person has seen it", async () => {
  const rename = async (known, present) => {
    const asked = [];
    const call = async (_, { method = "GET" } = {}) => asked.push(method) && { name: present };
    const operation = { key: "k", kind: "column.rename", column: "c", name: "Mine", base: { name: "Old" } };
    await sendOperation(
      operation,
      "p",
      /** @type {any} */ ({ column: () => known && { name: known } }),
      call,
    ).catch((error) => asked.push(error.status));
    return asked;
  };
  assert.deepEqual(await rename("Theirs", "Theirs"), ["GET", 412]);
  assert.deepEqual(await rename("Theirs", "Old"), ["GET", "PATCH"], "the page was behind");
  for (const known of ["Old", "Mine", undefined]) assert.deepEqual(await rename(known, ""), ["PATCH"]);
});

test("each write says whose it is, and no reading does", async (context) => {
  const asked = [];
  globalThis.document = /** @type {any} */ ({ cookie: "" });
  context.mock.method(globalThis, "fetch", async (path, { method, headers }) => {
    asked.push([method, headers["X-Expected-User"]]);
    return Response.json({ code: "other-user", detail: "" }, { status: 409 });
  });
  writeAs("me", async (error) => error);
  for (const method of ["GET", "POST", "PATCH", "DELETE"])
    await assert.rejects(call("/api/", { method }), (/** @type {ApiError} */ error) => error.isOfLogIn);
  writeAs(null, async (error) => error);
  delete (/** @type {any} */ (globalThis).document);
  assert.deepEqual(asked, [
    ["GET", undefined],
    ["POST", "me"],
    ["PATCH", "me"],
    ["DELETE", "me"],
  ]);
});
