import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Feed } from "../../realtime/static/realtime/feed.js";

const logOf = (length) => Array.from({ length }, (_, index) => ({ event: "task:updated", seq: index + 1, data: index }));

test("frames lost, doubled and out of order are applied strictly one after the other, and it converges", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 40 }), fc.nat({ max: 40 }), fc.array(fc.nat({ max: 39 }), { maxLength: 150 }), (length, start, arrivals) => {
      const log = logOf(length);
      const cursor = Math.min(start, length);
      const applied = [];
      const feed = new Feed(cursor, (event) => applied.push(event.seq));
      for (const index of arrivals) {
        if (index >= length) continue;
        if (feed.accept(log[index]) === "hole") feed.acceptAll(log.slice(feed.cursor, index)); // asks again, gets part of it
      }
      feed.acceptAll(log.slice(feed.cursor)); // the last asking
      assert.deepEqual(applied, log.slice(cursor).map(({ seq }) => seq));
    }),
    { numRuns: 500 },
  );
});

test("the same events by push and by poll are applied once", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), fc.array(fc.record({ push: fc.boolean(), upTo: fc.nat({ max: 30 }) }), { maxLength: 60 }), (length, steps) => {
      const log = logOf(length);
      const applied = [];
      const feed = new Feed(0, (event) => applied.push(event.seq));
      let pushed = 0;
      for (const { push, upTo } of steps) {
        if (push && pushed < length) feed.accept(log[pushed++]);
        else feed.acceptAll(log.slice(Math.max(0, feed.cursor - 2), upTo)); // a page that overlaps what came before
      }
      assert.deepEqual(applied, log.slice(0, feed.cursor).map(({ seq }) => seq));
    }),
  );
});

test("a hole applies nothing and keeps the cursor", () => {
  const feed = new Feed(1, () => assert.fail("applied"));
  assert.equal(feed.accept({ event: "x:y", seq: 3 }), "hole");
  assert.equal(feed.cursor, 1);
  assert.equal(feed.isBehind(3), true);
});

test("without a cursor the first event, or the head that the server names, is the start", () => {
  const heard = new Feed(null, () => undefined);
  heard.accept({ event: "x:y", seq: 7 });
  assert.equal(heard.cursor, 7);
  const told = new Feed(null, () => undefined);
  told.startAt(9);
  told.startAt(12);
  assert.equal(told.cursor, 9);
});

test("an event whose listener throws is not delivered again", () => {
  let calls = 0;
  const feed = new Feed(0, () => {
    calls += 1;
    throw new Error("listener");
  });
  assert.throws(() => feed.accept({ event: "x:y", seq: 1 }));
  assert.equal(feed.accept({ event: "x:y", seq: 1 }), "old");
  assert.equal(calls, 1);
});
