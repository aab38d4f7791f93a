import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ceilingMs, fullJitter } from "../../realtime/static/realtime/backoff.js";
import { afterClose } from "../../realtime/static/realtime/closing.js";

test("a wait is within its ceiling, and the ceiling doubles from 1 s to 30 s", () => {
  const unit = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(unit, fc.nat({ max: 10_000 }), (random, attempt) => {
      const wait = fullJitter(() => random)(attempt);
      assert.ok(wait >= 0 && wait < Math.min(30_000, 1000 * 2 ** attempt), `${wait}`);
    }),
  );
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6].map((attempt) => ceilingMs(attempt, 1000, 30_000)), [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test("the whole range is used, so that clients do not come back in step", () => {
  assert.equal(fullJitter(() => 0)(9), 0);
  assert.ok(fullJitter(() => 0.999)(9) > 29_000);
});

const seen = (more = {}) => ({ attempt: 0, greeted: true, backoff: fullJitter(() => 0.5), ...more });

test("a draining server's clients come back when it said, a slow reader at once", () => {
  assert.equal(afterClose(1012, seen({ reconnectAfterMs: 4321 })).delayMs, 4321);
  assert.equal(afterClose(4413, seen()).delayMs, 0);
  assert.equal(afterClose(4429, seen({ retryAfterMs: 700 })).delayMs, 700);
});

test("a server that said no is asked slowly, and polling starts at once", () => {
  for (const code of [4403, 4503, 4401]) {
    const next = afterClose(code, seen({ attempt: 1 }));
    assert.ok(next.delayMs >= 10_000, `${code}: ${next.delayMs}`);
    assert.equal(next.poll, true);
  }
  assert.equal(afterClose(4401, seen({ attempt: 1 })).logIn, true);
  assert.equal(afterClose(4000, seen()).off, true);
});

test("a log-in that ended is tried once more with the cookie of now, which may be on its way", () => {
  const next = afterClose(4401, seen());
  assert.ok(next.delayMs >= 1000 && next.delayMs < 5000, `${next.delayMs}`);
  assert.ok(!next.poll && !next.logIn);
});

test("a socket that never opened means polling now; one that was lost may be back in a moment", () => {
  assert.equal(afterClose(1006, seen({ greeted: false })).poll, true);
  assert.equal(afterClose(1006, seen()).poll, undefined);
});
