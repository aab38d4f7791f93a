import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

// Short ones first, in small steps: what takes exponential time is noticed before it takes minutes.
const LENGTHS = [...Array.from({ length: 14 }, (_, place) => 8 + 4 * place), 1000, 10_000];
const MOST_MS = 100;
// A literal, behind what an expression begins with; comments have gone.
const LITERAL = /(?<=[(=,:[!&|?{;]\s*|return\s+)\/(?![/*])((?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+)\/([dgimsuvy]*)/g;
const COMMENTS = /\/\*[\s\S]*?\*\//g;

/** @returns {string[]} */
function sources() {
  return ["projects/static", "realtime/static"].flatMap((root) =>
    readdirSync(root, { encoding: "utf8", recursive: true })
      .filter((name) => name.endsWith(".js"))
      .map((name) => `${root}/${name}`),
  );
}

/** @returns {[string, RegExp][]} */
function patterns() {
  return sources().flatMap((path) => {
    const code = readFileSync(path, "utf8").replace(COMMENTS, "");
    assert.doesNotMatch(code, /\bRegExp\(/, `${path}: a pattern is a literal, and never made of what somebody typed`);
    return [...code.matchAll(LITERAL)].map((found) => /** @type {[string, RegExp]} */ ([`${path} ${found[0]}`, new RegExp(found[1] ?? "", found[2])]));
  });
}

/**
 * What the pattern is made of, repeated, alone and in pairs, with an end that fits and one that does not.
 * @param {RegExp} pattern
 * @param {number} length
 */
function* trials({ source }, length) {
  const literal = source.replace(/\\[sdwSDWb]|[\\^$[\]()?:*+|]/g, "");
  const atoms = [...new Set([" ", "\n", "a", ...literal])].slice(0, 9);
  const pieces = [...atoms, literal, ...atoms.flatMap((one) => atoms.map((other) => one + other))];
  for (const piece of pieces.filter(Boolean)) {
    const filled = piece.repeat(length / piece.length + 1).slice(0, length);
    yield* [filled, `${filled}\0`, `${filled}${literal}`, `${literal}${filled}\0`];
  }
}

/** @param {RegExp} pattern @param {string} text */
function milliseconds(pattern, text) {
  const before = process.cpuUsage();
  text.replace(pattern, "");
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** @param {RegExp} pattern */
function tooLong(pattern) {
  for (const length of LENGTHS) {
    for (const text of trials(pattern, length)) {
      if (milliseconds(pattern, text) > MOST_MS && milliseconds(pattern, text) > MOST_MS) return `${length} of ${JSON.stringify(text.slice(0, 30))}`;
    }
  }
  return "";
}

test("no pattern of a page takes long for any text: it would stop the page", () => {
  const found = patterns();
  assert.ok(found.length >= 10, `${found.length}`);
  const slow = found.map(([where, pattern]) => [where, tooLong(pattern)]).filter(([, text]) => text);
  assert.deepEqual(slow, []);
});

test("one that does is noticed", () => {
  assert.notEqual(tooLong(/^(?:a|a)*b/), "");
});
