/** A long list in groups of a few. Pure. */

import { longestAscent } from "./ordering.js";

/** About a screen's height of cards: what is near a window's edge is drawn by the group. */
export const SIZE = 10;
const MOST = 2 * SIZE;

/**
 * What is wanted, in groups. An item stays in its group wherever the order allows, so one that moves disturbs two groups
 * and not all those in between. No group is longer than twice the size, and no two neighbours would fit into one.
 * @template T
 * @param {readonly (readonly T[])[]} groups  as they are, each item once
 * @param {readonly T[]} wanted               each item once
 * @returns {{from: number | null, items: T[]}[]}  `from`: the group that these go on in; null is a new one
 */
export function regroup(groups, wanted) {
  /** @type {{from: number | null, items: T[]}[]} */
  const found = [];
  const parts = spread(groups, wanted).flatMap((items, from) => pieces(items).map((piece, index) => ({ from: index ? null : from, items: piece })));
  for (const part of parts) {
    const last = found.at(-1);
    if (last && last.items.length + part.items.length <= SIZE) last.items.push(...part.items);
    else if (part.items.length) found.push(part);
  }
  return found;
}

/**
 * Each item in the group in which it is, where it can stay there, else in that of the item above it.
 * @template T
 * @param {readonly (readonly T[])[]} groups
 * @param {readonly T[]} wanted
 */
function spread(groups, wanted) {
  const places = new Map(wanted.map((item, place) => [item, place]));
  const present = groups.map((items) => items.map((item) => places.get(item)).filter((place) => place !== undefined));
  const stay = longestAscent(present.flat());
  /** @type {Map<number, number>} */
  const groupAt = new Map();
  present.forEach((group, index) => {
    for (const place of group) if (stay.has(place)) groupAt.set(place, index);
  });
  /** @type {T[][]} */
  const found = groups.length ? groups.map(() => []) : [[]];
  let current = 0;
  wanted.forEach((item, place) => {
    current = groupAt.get(place) ?? current;
    found[current].push(item);
  });
  return found;
}

/**
 * @template T
 * @param {T[]} items
 */
function pieces(items) {
  if (items.length <= MOST) return [items];
  const count = Math.ceil(items.length / SIZE);
  return Array.from({ length: count }, (_, index) => items.slice(Math.round((index * items.length) / count), Math.round(((index + 1) * items.length) / count)));
}
