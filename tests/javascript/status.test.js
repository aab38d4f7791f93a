import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { GRACE_MS, initialStatus, modeOf, nextStatus } from "../../realtime/static/realtime/status.js";

/** @returns {any} */
const facts = (more = {}) => ({ joined: false, lastFrameAt: 0, heartbeatMs: 10_000, poll: "none", switchedOff: false, ...more });
const anyFacts = fc.record({
  joined: fc.boolean(),
  lastFrameAt: fc.nat({ max: 60_000 }),
  heartbeatMs: fc.constantFrom(1000, 10_000),
  poll: fc.constantFrom("none", "ok", "failed"),
  switchedOff: fc.boolean(),
});

test("Live needs every room joined and a server heard within two and a half heartbeats", () => {
  assert.equal(modeOf(facts({ joined: true }), 24_999), "live");
  assert.equal(modeOf(facts({ joined: true }), 25_000), "connecting");
  assert.equal(modeOf(facts({ joined: true, poll: "ok" }), 25_000), "polling");
});

test("without the socket the polls decide between Polling and Offline", () => {
  assert.equal(modeOf(facts({ poll: "ok" }), 0), "polling");
  assert.equal(modeOf(facts({ poll: "failed" }), 0), "offline");
  assert.equal(modeOf(facts(), 0), "connecting");
});

test("a drop under a second is not shown", () => {
  let shown = nextStatus(initialStatus(0), facts({ joined: true }), 0);
  assert.equal(shown.mode, "live");
  shown = nextStatus(shown, facts({ poll: "failed" }), 100);
  shown = nextStatus(shown, facts({ poll: "ok" }), 100 + GRACE_MS - 1);
  assert.equal(shown.mode, "live");
  shown = nextStatus(shown, facts({ joined: true, lastFrameAt: 1100 }), 1100);
  shown = nextStatus(shown, facts(), 1200); // the grace counts from the new drop
  assert.equal(nextStatus(shown, facts(), 1200 + GRACE_MS - 1).mode, "live");
  assert.equal(nextStatus(shown, facts({ poll: "ok" }), 1200 + GRACE_MS).mode, "polling");
});

test("an operator's switch shows at once", () => {
  const live = nextStatus(initialStatus(0), facts({ joined: true }), 0);
  assert.equal(nextStatus(live, facts({ poll: "ok", switchedOff: true }), 1).mode, "polling");
});

test("whatever happens, a lasting state of affairs is what is shown", () => {
  fc.assert(
    fc.property(fc.array(anyFacts, { maxLength: 20 }), anyFacts, (history, last) => {
      let now = 0;
      let shown = initialStatus(now);
      for (const one of history) shown = nextStatus(shown, one, (now += 300));
      shown = nextStatus(shown, last, (now += 300));
      for (const wait of [100_000, GRACE_MS]) shown = nextStatus(shown, last, (now += wait)); // heartbeats run out, then the grace
      assert.equal(shown.mode, modeOf(last, now));
      assert.ok(shown.since <= now);
    }),
  );
});

test("since does not move while the word stays", () => {
  const live = nextStatus(initialStatus(0), facts({ joined: true }), 5);
  assert.equal(nextStatus(live, facts({ joined: true, lastFrameAt: 900 }), 1000).since, 5);
});
