import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import fc from "fast-check";
import { BoardModel } from "../../projects/static/projects/board.js";
import { QueueStore } from "../../projects/static/projects/queue_store.js";
import { snapshotOf } from "../../projects/static/projects/store.js";
import { commands, run } from "./support/commands.js";
import { FakeBrowser } from "./support/fake_pages.js";
import { ModelServer } from "./support/model_server.js";

let server, pictures, delays, drawn;

beforeEach(() => {
  server = new ModelServer();
});

/** A model whose pictures are made by hand. */
function modelOf() {
  [pictures, delays, drawn] = [[], [], 0];
  /** @type {any} */
  const feed = { on: () => undefined, joinProject: () => undefined, reportWaiting: () => undefined };
  const page = new FakeBrowser().open();
  const model = new BoardModel({
    snapshot: server.snapshot(),
    feed,
    userId: "me",
    store: new QueueStore("p", "me", page.storage, page.events),
    random: () => 0.5,
    lock: async () => false, // nothing is sent
    soon: (draw) => void pictures.push(draw),
    later: (delayMs, draw) => void (delays.push(delayMs), pictures.push(draw)),
  });
  model.listen({ changed: () => void (drawn += 1) });
  return model;
}

function draw() {
  const due = pictures;
  pictures = [];
  for (const picture of due) picture();
}

function somebodyWorks(times) {
  const before = server.seq;
  for (let time = 0; time < times; time += 1) server.projectUpdate({ name: String(time) });
  return server.log.slice(before);
}

test("however many events come between two pictures, they are drawn once, and the same as one by one", () => {
  fc.assert(
    fc.property(commands, fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }), (all, looks) => {
      server = new ModelServer();
      const [together, single] = [modelOf(), modelOf()];
      for (const command of all) run(server, command);
      for (const event of server.log) together.apply(event);
      server.log.forEach((event, index) => {
        single.apply(event);
        if (looks[index % looks.length]) void single.view; // drawn in between
      });
      assert.deepEqual(together.view, single.view);
      assert.deepEqual(snapshotOf(together.state), server.snapshot());
    }),
  );
});

test("a picture is asked for once, and anew for what comes after it", () => {
  const model = modelOf();
  for (const event of somebodyWorks(5)) model.apply(event);
  assert.equal(pictures.length, 1);
  draw();
  assert.equal(drawn, 1);
  draw();
  assert.equal(drawn, 1);
  for (const event of somebodyWorks(1)) model.apply(event);
  draw();
  assert.equal(drawn, 2);
  assert.deepEqual(delays, []);
});

test("while it catches up, pictures wait, and the last one comes all the same", () => {
  const model = modelOf();
  for (const event of somebodyWorks(500)) model.apply(event);
  draw();
  for (const event of somebodyWorks(500)) model.apply(event);
  assert.equal(delays.length, 1);
  draw();
  for (const event of somebodyWorks(1)) model.apply(event);
  draw();
  assert.equal(drawn, 3);
  for (const event of somebodyWorks(1)) model.apply(event);
  assert.equal(delays.length, 2, "level again: the next picture does not wait");
});

test("a page knows what it asked for itself, and what another window of the same person did", () => {
  const model = modelOf();
  const { key } = model.ask("column.create", { name: "Mine" });
  const event = { seq: 1, event: "column:created", data: {}, actor: { id: "me", name: "Me" } };
  assert.ok(model.isOwn({ ...event, mutationId: key }));
  assert.ok(!model.isOwn({ ...event, mutationId: "another" }));
  assert.ok(!model.isOwn({ ...event, mutationId: null }));
  assert.ok(!model.isOwn({ ...event, mutationId: key, actor: { id: "other", name: "Other" } }));
});
