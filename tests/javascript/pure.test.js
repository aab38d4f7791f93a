import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { csrfToken } from "../../projects/static/projects/api.js";
import { applyComment, commentsView } from "../../projects/static/projects/comment_list.js";
import { ago, dayOf, dueIn, numberText, useLanguages } from "../../projects/static/projects/dates.js";
import { dropTarget, edgeScroll } from "../../projects/static/projects/drop_target.js";
import { isEmpty, matches, parseFilter } from "../../projects/static/projects/filter.js";
import { isolated } from "../../projects/static/projects/isolated.js";
import { shortcutOf } from "../../projects/static/projects/keyboard.js";
import { colourOf, coloursOf, initials } from "../../projects/static/projects/people.js";
import { columnSteps, placesInColumn } from "../../projects/static/projects/places.js";
import { requestOf } from "../../projects/static/projects/requests.js";
import { learnTime, serverNow } from "../../projects/static/projects/server_clock.js";
import { mergeField } from "../../projects/static/projects/three_way.js";
import { refusal, summary } from "../../projects/static/projects/words.js";
import { nextStep } from "../../realtime/static/realtime/connection_badge.js";
import { parseFrame } from "../../realtime/static/realtime/frames.js";
import { wantsLogs } from "../../realtime/static/realtime/log.js";

test("a field is merged: only a change of both to different values is a conflict", () => {
  const value = fc.constantFrom("a", "b", "c", null);
  fc.assert(
    fc.property(value, value, value, (base, mine, theirs) => {
      const verdict = mergeField(base, mine, theirs);
      if (mine === theirs) assert.equal(verdict, "unchanged");
      else if (theirs === base) assert.equal(verdict, "mine");
      else assert.equal(verdict, mine === base ? "theirs" : "conflict");
    }),
  );
});

test("a due date says so in words: overdue, today, tomorrow, later", () => {
  assert.deepEqual(dueIn("2026-11-23", "2026-11-24"), { state: "overdue", text: "Overdue, Nov 23" });
  assert.deepEqual(dueIn("2026-11-24", "2026-11-24"), { state: "soon", text: "Due today" });
  assert.deepEqual(dueIn("2026-11-25", "2026-11-24"), { state: "soon", text: "Due tomorrow" });
  assert.deepEqual(dueIn("2027-01-08", "2026-11-24"), { state: "later", text: "Due Jan 8, 2027" });
  assert.equal(dayOf(new Date(2026, 0, 5, 23, 59)), "2026-01-05");
});

test("what is finished is never overdue, nor soon", () => {
  assert.deepEqual(dueIn("2026-11-23", "2026-11-24", true), { state: "done", text: "Due Nov 23" });
  assert.deepEqual(dueIn("2026-11-24", "2026-11-24", true), { state: "done", text: "Due Nov 24" });
});

test("days and numbers are written as their reader writes them; what is no language is passed over", () => {
  useLanguages(["C", "zz-1", "de-DE", "en"]);
  assert.deepEqual([dueIn("2027-01-08", "2026-11-24").text, numberText(1200)], ["Due 8. Jan. 2027", "1.200"]);
  assert.equal(ago("2026-11-20T10:00:00Z", Date.parse("2026-11-24T10:00:00Z")), "20. Nov. 2026");
  useLanguages(["ar-EG"]);
  assert.match(dueIn("2027-01-08", "2026-11-24").text, /^Due \u2068.+\u2069$/);
  useLanguages(["C"]);
  assert.notEqual(numberText(1200), "");
  useLanguages(["en"]);
});

test("the server's clock corrects one that is wrong, and leaves one that is right alone", () => {
  const now = Date.now();
  learnTime(new Date(now - 3 * 3_600_000).toUTCString(), now);
  assert.ok(Math.abs(serverNow() - (Date.now() - 3 * 3_600_000)) < 2000);
  for (const nothing of [null, "", "nonsense"]) learnTime(nothing, now);
  assert.ok(Math.abs(serverNow() - (Date.now() - 3 * 3_600_000)) < 2000);
  learnTime(new Date(now - 900).toUTCString(), now);
  assert.ok(Math.abs(serverNow() - Date.now()) < 100);
});

test("words of another direction are isolated within a sentence, and others are left as they are", () => {
  assert.equal(isolated("Crème brûlée, 日本語"), "Crème brûlée, 日本語");
  for (const text of ["תיקון (abc)!", "مرحبا", "a\u202eb", "١٢"]) assert.equal(isolated(text), `\u2068${text}\u2069`);
});

test("a shortcut is its letter, or its key's place where letters are not Latin, whatever Caps Lock says", () => {
  const pressed = (key, code, shiftKey = false) => shortcutOf({ key, code, shiftKey });
  for (const [key, code] of [["n", "KeyN"], ["N", "KeyN"], ["т", "KeyN"], ["Т", "KeyN"], ["ν", "KeyN"], ["n", "KeyL"]]) assert.equal(pressed(key, code), "n", key);
  assert.deepEqual([pressed("ь", "KeyM"), pressed("/", "KeyQ"), pressed("?", "Digit7", true), pressed("ζ", "Slash"), pressed("ζ", "Slash", true)], ["m", "/", "?", "/", "?"]);
  assert.deepEqual([pressed("N", "KeyN", true), pressed("ArrowUp", "ArrowUp"), pressed("Process", "KeyN"), pressed("х", "BracketLeft")], ["N", "ArrowUp", "Process", "х"]);
});

test("the filter takes words, people and labels, all of which must hold", () => {
  const task = { title: "Fix the login", description: "", labels: ["Bug", "good first issue"] };
  const grace = { id: "1", name: "Grace Hopper", username: "grace" };
  const hit = (text, person = grace) => matches(parseFilter(text), task, person);
  for (const text of ["login", "FIX login", "@gra", "@hop", "#bug", "#good-first", "login @grace #bug"]) assert.ok(hit(text), text);
  for (const text of ["logout", "@ada", "#docs", "login #docs"]) assert.ok(!hit(text), text);
  assert.ok(!matches(parseFilter("@grace"), task, undefined));
  assert.ok(isEmpty(parseFilter("  ")));
});

test("the filter finds what is written: signs, accents, labels as words, blanks in labels, former members", () => {
  const task = { title: "Fix #42 for the Crème brûlée @home, Straße", description: "", labels: ["Bug", "data loss", "À faire"] };
  const bo = { id: "1", name: "Bo Peep", username: "bo.p" };
  const finds = (text) => matches(parseFilter(text), task, bo);
  for (const text of ["#42", "creme", "CREME BRULEE", "bug", "#data loss", "#data-loss", '#"data loss"', "#“data loss”", '"fix #42"', "loss", "#loss"]) assert.ok(finds(text), text);
  for (const text of ["@home", "@bo-peep", '@"Bo Peep"', "@peep", "#a-faire", "strasse", '"data lo', "#", "@"]) assert.ok(finds(text), text);
  for (const text of ["#43", '"fix for"', "#oss", "@eep", "#data gain", "@@"]) assert.equal(finds(text), false, text);
});

test("nothing that is typed into the filter is ignored, but for a quotation that has only begun", () => {
  const nothing = /^[\s\p{M}"“”„«»]*$/u;
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => isEmpty(parseFilter(text)) === nothing.test(text.normalize("NFKD"))));
});

test("initials and colours are stable, also for names that are not two words", () => {
  assert.equal(initials("Grace Hopper"), "GH");
  assert.equal(initials("ada"), "AD");
  assert.equal(initials("Ada King of Lovelace"), "AL");
  assert.equal(initials(""), "?");
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => colourOf(text) === colourOf(text) && colourOf(text) >= 0 && colourOf(text) < 8));
});

test("up to eight people of a board look different, and who was there first keeps their colour", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.uuid(), { maxLength: 8 }), (ids) => {
      const colours = coloursOf(ids);
      assert.equal(new Set(colours.values()).size, ids.length);
      assert.deepEqual([...coloursOf(ids.slice(0, -1))], [...colours].slice(0, Math.max(0, ids.length - 1)));
    }),
  );
  assert.equal(coloursOf(Array.from({ length: 20 }, (_, index) => String(index))).size, 20);
});

const box = (left, top, width, height) => ({ left, top, right: left + width, bottom: top + height });
/** @type {any} */
const columns = [
  { id: "a", box: box(0, 0, 100, 400), cards: [{ id: "1", box: box(0, 10, 100, 40) }, { id: "2", box: box(0, 60, 100, 40) }] },
  { id: "b", box: box(120, 0, 100, 400), cards: [] },
];

test("a drop lands below the last card whose middle is above the pointer, in the nearest column", () => {
  const at = (x, y) => (({ column, after }) => [column, after])(dropTarget(columns, { x, y }));
  assert.deepEqual(at(50, 5), ["a", null]);
  assert.deepEqual(at(50, 55), ["a", "1"]);
  assert.deepEqual(at(50, 390), ["a", "2"]);
  assert.deepEqual(at(1000, 200), ["b", null]);
  assert.equal(dropTarget([], { x: 0, y: 0 }), null);
});

test("near an edge a drag scrolls towards it, in the middle not at all", () => {
  assert.ok(edgeScroll(5, 0, 400) < 0);
  assert.ok(edgeScroll(395, 0, 400) > 0);
  assert.equal(edgeScroll(200, 0, 400), 0);
});

/** @type {any} */
const view = { columns: [{ id: "a", tasks: ["1", "2", "3"].map((id) => ({ id, title: id })) }, { id: "b", tasks: [] }] };

test("the Move menu's places are where they say", () => {
  const places = Object.fromEntries(placesInColumn(view, "2").map(({ text, after }) => [text, after]));
  assert.deepEqual(places, { Top: null, Up: null, Down: "3", Bottom: "3" });
  assert.deepEqual(placesInColumn(view, "1").map(({ disabled }) => disabled), [true, true, false, false]);
  assert.deepEqual(placesInColumn(view, "3").map(({ disabled }) => disabled), [false, false, true, true]);
  assert.deepEqual(columnSteps(view, "a"), { left: undefined, right: "b" });
  assert.deepEqual(columnSteps(view, "b"), { left: null, right: undefined });
});

test("requests say the bottom by leaving `after` out, and the top by null", () => {
  const create = (after) => requestOf({ key: "k", kind: "task.create", task: "t", column: "c", after, changes: { title: "x" } }, "p").body;
  assert.deepEqual(create(undefined), { id: "t", title: "x", column: "c" });
  assert.deepEqual(create(null), { id: "t", title: "x", column: "c", after: null });
});

test("comments are the read ones, the events since, and one's own on their way", () => {
  const first = { id: "1", taskId: "t", author: {}, text: "one", createdAt: "2026-01-01", updatedAt: "2026-01-01" };
  const created = { seq: 1, event: "comment:created", data: first };
  const comments = [created, created].reduce(applyComment, []);
  assert.deepEqual(comments, [first]);
  const stale = { seq: 2, event: "comment:updated", data: { ...first, text: "older", updatedAt: "2025-01-01" } };
  assert.deepEqual(applyComment(comments, stale), [first]);
  const own = [{ key: "k", kind: "comment.create", task: "t", text: "two" }, { key: "l", kind: "comment.delete", comment: "1" }];
  assert.deepEqual(commentsView(comments, own, { id: "me", name: "Me", username: "me" }).map(({ text }) => text), ["two"]);
  assert.deepEqual(applyComment(comments, { seq: 3, event: "comment:deleted", data: first }), []);
});

test("a refusal says what became of the change, and why", () => {
  /** @type {any} */
  const board = { tasks: new Map([["t", { title: "Ship it" }]]) };
  const said = refusal({ key: "k", kind: "task.move", task: "t" }, { status: 404, code: "not-found", detail: "" }, board);
  assert.equal(said, "“Ship it” went back to where it was: it is no longer there, or you may no longer see it.");
  assert.equal(summary(["a", "b", "c"]), "3 changes. Latest: c");
});

test("what is tried next is said with its time", () => {
  const details = { why: "The server is full.", nextTryAt: 5000, waiting: 0, since: 0, lastClose: null, connectionId: null };
  assert.equal(nextStep({ mode: "polling", reconnectAttempts: 2 }, details, 1000), "The server is full. Next try for a WebSocket in 4 s, attempt 3.");
});

test("frames that are none are not taken for one", () => {
  fc.assert(fc.property(fc.anything(), (value) => parseFrame(value) === null || typeof parseFrame(value).event === "string"));
  for (const text of ["", "[]", "null", "7", '{"event":7}', "{"]) assert.equal(parseFrame(text), null);
});

test("logs are for those who ask, by either name", () => {
  for (const setting of ["devmentor:*", "socket.io-client:*", "*", "x,devmentor:socket"]) assert.ok(wantsLogs(setting), setting);
  for (const setting of [null, "", "other:*"]) assert.ok(!wantsLogs(setting));
});

test("the CSRF token is read from among the cookies", () => {
  assert.equal(csrfToken("a=1; csrftoken=abc; b=2"), "abc");
  assert.equal(csrfToken("xcsrftoken=no"), "");
});
