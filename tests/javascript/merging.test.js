import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { mergeText } from "../../projects/static/projects/merge_text.js";
import { mergeChanges, mergeSet } from "../../projects/static/projects/three_way.js";

const word = fc.constantFrom("a", "b", "c", "d", "né", "日本");
const text = fc
  .array(fc.tuple(word, fc.constantFrom(" ", ", ", "\n", "\n\n")), { maxLength: 25 })
  .map((parts) => parts.flat().join(""));
const edit = fc.record({
  at: fc.nat(60),
  cut: fc.nat(8),
  put: fc.array(fc.constantFrom("x", "y", "z"), { maxLength: 3 }),
});

/** What somebody makes of a text: words go and others come, in some places. */
function edited(base, edits, mark) {
  const words = base.split(/(?<=\s)/);
  for (const { at, cut, put } of edits)
    words.splice(at % (words.length + 1), cut, ...put.map((one) => `${one}${mark} `));
  return words.join("");
}

const three = fc
  .tuple(text, fc.array(edit, { maxLength: 3 }), fc.array(edit, { maxLength: 3 }))
  .map(([base, first, second]) => [base, edited(base, first, "1"), edited(base, second, "2")]);

function counts(words) {
  const found = new Map();
  for (const one of words.match(/[\p{L}\p{N}]+/gu) ?? []) found.set(one, (found.get(one) ?? 0) + 1);
  return found;
}

test("where one of both changed nothing, the other's text is the merged one", () => {
  fc.assert(
    fc.property(three, ([base, mine, theirs]) => {
      assert.equal(mergeText(base, mine, base), mine);
      assert.equal(mergeText(base, base, theirs), theirs);
      assert.equal(mergeText(base, mine, mine), mine);
    }),
  );
});

test("merging does not depend on who is who", () => {
  fc.assert(
    fc.property(three, ([base, mine, theirs]) =>
      assert.equal(mergeText(base, mine, theirs), mergeText(base, theirs, mine)),
    ),
    { numRuns: 500 },
  );
});

test("a merged text has every word that either has written, and as many words as their changes make", () => {
  let merged = 0;
  fc.assert(
    fc.property(three, ([base, mine, theirs]) => {
      const both = mergeText(base, mine, theirs);
      if (both === null) return;
      merged += 1;
      const [inBase, inMine, inTheirs, inBoth] = [base, mine, theirs, both].map(counts);
      for (const one of new Set([...inMine.keys(), ...inTheirs.keys()])) {
        const of = (found) => found.get(one) ?? 0;
        const [byMe, byThem] = [of(inMine) - of(inBase), of(inTheirs) - of(inBase)];
        if (/[12]$/.test(one))
          assert.equal(of(inBoth), Math.max(of(inMine), of(inTheirs)), one); // written by one of both alone
        else assert.ok(of(inBoth) >= of(inBase) + Math.min(0, byMe) + Math.min(0, byThem), one);
      }
    }),
    { numRuns: 1000 },
  );
  assert.ok(merged > 100, `only ${merged} were merged`);
});

test("texts merge by paragraphs, by lines and by words", () => {
  assert.equal(
    mergeText("one\ntwo\nthree\n", "ONE\ntwo\nthree\n", "one\ntwo\nthree\nfour\n"),
    "ONE\ntwo\nthree\nfour\n",
  );
  assert.equal(mergeText("Fix login", "Fix login page", "Fix the login"), "Fix the login page");
  assert.equal(mergeText("a\r\nb\r\n", "a\nB\n", "A\r\nb\r\n"), "A\nB\n", "whatever ends a line");
  assert.equal(
    mergeText("今日は晴れ", "今日は雨", "明日は晴れ"),
    "明日は雨",
    "signs are words where nothing stands between words",
  );
});

test("what both changed, or added in one place, only a person can put together", () => {
  for (const [base, mine, theirs] of [
    ["one two", "ONE two", "uno two"],
    ["", "mine", "theirs"],
    ["one", "one mine", "one theirs"],
    ["keep this line\nend", "end", "keep that line\nend"], // taken away here, changed there
  ]) {
    assert.equal(mergeText(base, mine, theirs), null);
  }
});

test("two long texts that have nothing in common are given back to the person at once", () => {
  const long = (from) => Array.from({ length: 4000 }, (_, index) => `w${from + index}`).join(" ");
  const start = performance.now();
  assert.equal(mergeText(long(0), long(10_000), long(20_000)), null);
  assert.ok(performance.now() - start < 1000);
});

test("a paragraph changed here and another there merge in the longest description", () => {
  const lines = Array.from(
    { length: 400 },
    (_, index) => `Line ${index} of a description that is as long as one may be.`,
  );
  const changed = (at) => lines.map((line, index) => (index === at ? `${line} Changed.` : line));
  const both = mergeText(lines.join("\n"), changed(10).join("\n"), changed(390).join("\n"));
  assert.equal(
    both,
    lines.map((line, index) => (index === 10 || index === 390 ? `${line} Changed.` : line)).join("\n"),
  );
});

const items = fc.uniqueArray(fc.constantFrom(.../** @type {string[]} */ (["a", "b", "c", "d", "e"])));

test("of a list both additions and both removals hold", () => {
  fc.assert(
    fc.property(items, items, items, (base, mine, theirs) => {
      const both = mergeSet(base, mine, theirs);
      assert.equal(new Set(both).size, both.length);
      for (const item of ["a", "b", "c", "d", "e"]) {
        const [before, here, there] = [base, mine, theirs].map((list) => list.includes(item));
        assert.equal(both.includes(item), before ? here && there : here || there, item);
      }
      assert.deepEqual(new Set(both), new Set(mergeSet(base, theirs, mine)));
    }),
  );
  assert.deepEqual(
    mergeSet(["Café"], ["Café", "mine"], ["CAFE\u0301"]),
    ["CAFE\u0301", "mine"],
    "the same item in any case and form",
  );
});

test("a change is merged field by field, and says which fields cannot be", () => {
  const base = { title: "a", labels: ["x"], assignee: null, dueOn: null };
  const changes = { title: "b", labels: ["x", "y"], assignee: "me", dueOn: "2026-01-01" };
  const present = { title: "c", labels: ["z"], assignee: "them", dueOn: null, description: "" };
  assert.deepEqual(mergeChanges(base, changes, present), {
    changes: { ...changes, labels: ["z", "y"] },
    conflicts: ["title", "assignee"],
  });
  assert.deepEqual(mergeChanges({}, changes, present), { changes, conflicts: [] });
});
