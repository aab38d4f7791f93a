/** Lists in order. Pure. */

/**
 * Where an item stands in a sorted list, or would stand.
 * @template T
 * @param {readonly T[]} sorted
 * @param {T} item
 * @param {(a: T, b: T) => number} compare
 */
export function placeOf(sorted, item, compare) {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compare(sorted[middle], item) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * The most numbers that already stand in ascending order: whatever is not among them has to move.
 * @param {number[]} numbers  each once
 * @returns {Set<number>}
 */
export function longestAscent(numbers) {
  /** Indexes: at n the smallest end of an ascent of n + 1 numbers. @type {number[]} */
  const ends = [];
  /** @type {number[]} */
  const before = [];
  numbers.forEach((number, index) => {
    const length = placeOf(ends, index, (a, b) => numbers[a] - numbers[b]);
    before[index] = length ? ends[length - 1] : -1;
    ends[length] = index;
  });
  const found = new Set();
  for (let index = ends.at(-1) ?? -1; index >= 0; index = before[index]) found.add(numbers[index]);
  return found;
}
