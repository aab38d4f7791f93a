import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Drafts } from "../../projects/static/projects/drafts.js";
import { FakeBrowser } from "./support/fake_pages.js";

const DAY = 86_400_000;

/** @param {any} page */
function draftsOf(page, { project = "p", user = "me", now = () => 1000 * DAY } = {}) {
  return new Drafts(project, user, page.storage, page.events, now);
}

const told = () => new Promise((resolve) => setTimeout(resolve));

test("what a box holds is there on the next visit, for that person and board alone, until it is dropped", () => {
  const browser = new FakeBrowser();
  draftsOf(browser.open()).put("comment:1", { words: "half", base: "" });
  assert.equal(draftsOf(browser.open(), { user: "other" }).take("comment:1"), null);
  assert.equal(draftsOf(browser.open(), { project: "other" }).take("comment:1"), null);
  const later = draftsOf(browser.open());
  assert.equal(later.take("comment:1")?.words, "half");
  assert.equal(later.take("comment:10"), null);
  later.drop("comment:1");
  assert.equal(draftsOf(browser.open()).take("comment:1"), null);
});

test("a draft that was thrown away can be brought back", () => {
  const drafts = draftsOf(new FakeBrowser().open());
  drafts.put("comment:1", { words: "half", base: "" });
  const bringBack = drafts.discard("comment:1");
  assert.equal(drafts.has("comment:1"), false);
  bringBack();
  assert.equal(drafts.take("comment:1")?.words, "half");
});

test("whatever two pages type into one box, neither loses what it holds by what the other sends", async () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(0, 1), fc.constantFrom("type", "send", "reload")), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(steps, async (all) => {
      const browser = new FakeBrowser();
      const pages = [0, 1].map(() => ({ drafts: draftsOf(browser.open()), words: "" }));
      let [typed, sent] = [0, new Set()];
      for (const [index, step] of all) {
        const page = pages[index];
        if (step === "type") {
          page.words += ` ${(typed += 1)}`;
          page.drafts.put("box", { words: page.words, base: "" });
        } else if (step === "send" && page.words) {
          for (const word of page.words.trim().split(" ")) sent.add(word);
          page.drafts.drop("box");
          page.words = "";
        } else if (step === "reload") {
          page.drafts = draftsOf(browser.open());
          page.words = page.drafts.take("box")?.words ?? "";
        }
        await told();
      }
      // Nothing that was typed is gone: it was sent, is in a page, or is given back to the next one.
      const known = new Set([...sent, ...pages.flatMap(({ words }) => words.trim().split(" "))]);
      const next = draftsOf(browser.open());
      for (let draft = next.take("box"); draft; draft = next.take("box")) {
        for (const word of draft.words.trim().split(" ")) known.add(word);
        next.drop("box");
      }
      for (let word = 1; word <= typed; word += 1) assert.ok(known.has(String(word)), `${word} is gone`);
    }),
    { numRuns: 60 },
  );
});

test("the oldest go where there are too many, and those that nobody has looked at for three months", () => {
  const browser = new FakeBrowser();
  let now = 1000 * DAY;
  const drafts = draftsOf(browser.open(), { now: () => (now += 1) });
  for (let index = 0; index < 210; index += 1) drafts.put(`comment:${index}`, { words: "x", base: "" });
  const next = draftsOf(browser.open(), { now: () => now });
  assert.equal(next.all().length, 200);
  assert.equal(next.has("comment:9"), false);
  assert.equal(next.has("comment:10"), true);
  assert.equal(draftsOf(browser.open(), { now: () => now + 91 * DAY }).all().length, 0);
});

test("a draft that storage does not take is said to be unsafe, and is there as long as the page", () => {
  const browser = new FakeBrowser();
  const drafts = draftsOf(browser.open());
  browser.full = true;
  drafts.put("comment:1", { words: "half", base: "" });
  assert.equal(drafts.safe, false);
  assert.equal(drafts.take("comment:1")?.words, "half");
  browser.full = false;
  drafts.put("comment:1", { words: "half a", base: "" });
  assert.equal(drafts.safe, true);
});

test("a page hears of the drafts of others", async () => {
  const browser = new FakeBrowser();
  const [here, there] = [draftsOf(browser.open()), draftsOf(browser.open())];
  let changes = 0;
  here.listen(() => (changes += 1));
  there.put("comment:1", { words: "h", base: "" });
  there.put("comment:1", { words: "ha", base: "" });
  await told();
  assert.equal(changes, 1);
  assert.equal(here.take("comment:1")?.words, "ha");
});
