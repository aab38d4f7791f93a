import assert from "node:assert/strict";
import { test } from "node:test";
import { cutDescription, SHOWN, WholeDescriptions } from "../../projects/static/projects/descriptions.js";

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
