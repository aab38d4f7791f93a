import assert from "node:assert/strict";
import { test } from "node:test";
import { isComposing } from "../../projects/static/projects/ime.js";
import { reason } from "../../projects/static/projects/reasons.js";
import { cardsIn, isVisible, labelKey, labelsIn, lengthOf, newLabels } from "../../projects/static/projects/texts.js";

test("a title needs something that can be seen", () => {
  for (const text of ["", "  \n", "\u200b", "\u2060\ufeff", "\u0301", "\u3164", "\u2800", "\u{e0041}"]) assert.equal(isVisible(text), false, JSON.stringify(text));
  for (const text of ["a", "…", "字", "🙂", "e\u0301", "\u200b7"]) assert.equal(isVisible(text), true, JSON.stringify(text));
});

test("characters are counted as the server counts them", () => {
  assert.equal(lengthOf("a🙂b"), 3);
  assert.equal(lengthOf("🙂".repeat(200)), 200);
});

test("a text of several lines is so many cards, or one with a description", () => {
  const { titles, one } = cardsIn("\n- [ ] First\r\n- [x] Second \n\n- Third");
  assert.deepEqual(titles, ["First", "Second", "Third"]);
  assert.deepEqual(one, { title: "- [ ] First", description: "- [x] Second \n\n- Third" });
  assert.deepEqual(cardsIn("1. One\n2) Two").titles, ["One", "Two"]);
  assert.deepEqual(cardsIn("- One\nnot a list").titles, ["- One", "not a list"]);
  assert.deepEqual(cardsIn("Just this").one, { title: "Just this", description: "" });
});

test("labels that differ in case or Unicode form alone are one, in the board's spelling", () => {
  assert.equal(labelKey("BUG"), labelKey("bug"));
  assert.equal(labelKey("Cafe\u0301"), labelKey("CAFÉ"));
  assert.equal(labelKey("Straße"), labelKey("STRASSE"));
  assert.deepEqual(newLabels(["bug", "NEW", "new", "Docs"], ["docs"], ["Bug", "Docs"]), ["Bug", "NEW"]);
  assert.deepEqual(labelsIn("a, b , c"), { whole: ["a", "b"], rest: "c" });
  assert.deepEqual(labelsIn("a，,b"), { whole: ["a"], rest: "b" });
});

test("keys of an input method are told from others, in Safari's order, too", () => {
  const key = (event) => isComposing(/** @type {any} */ (event));
  assert.equal(key({ isComposing: true, keyCode: 13 }), true);
  assert.equal(key({ isComposing: false, keyCode: 229 }), true); // the composition has ended by then
  assert.equal(key({ isComposing: false, keyCode: 13 }), false);
});

test("no sentence of the API is shown to people", () => {
  const detail = "say with moveTo which column gets them";
  const problems = [
    { status: 409, code: "column-not-empty", detail },
    { status: 409, code: "limit-reached", limit: "tasks", present: 5000, allowed: 5000, detail },
    { status: 409, code: "never-seen", detail },
    { status: 400, code: "invalid", detail, errors: { dueOn: [detail] } },
    { status: 400, code: "invalid", detail, errors: { never: [detail] } },
    { status: 403, code: "forbidden", detail },
    { status: 502, code: "unknown", detail },
  ];
  for (const problem of problems) {
    assert.ok(!reason(problem).includes(detail), problem.code);
    assert.match(reason(problem), /^[a-z].*\.$/);
  }
});
