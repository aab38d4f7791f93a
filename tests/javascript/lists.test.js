import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { setChildren } from "../../projects/static/projects/dom.js";
import { SIZE, regroup } from "../../projects/static/projects/grouping.js";
import { longestAscent, placeOf } from "../../projects/static/projects/ordering.js";

const numbers = fc.uniqueArray(fc.nat({ max: 60 }), { maxLength: 30, size: "max" });

/** How long an ascent can be, by the plainest way. */
function longest(list) {
  const lengths = list.map(() => 1);
  list.forEach((number, index) => {
    for (let before = 0; before < index; before += 1) if (list[before] < number) lengths[index] = Math.max(lengths[index], lengths[before] + 1);
  });
  return Math.max(0, ...lengths);
}

test("what may stay where it is stands in order, and no more could stay", () => {
  fc.assert(
    fc.property(numbers, (list) => {
      const stay = list.filter((number) => longestAscent(list).has(number));
      assert.deepEqual(stay, [...stay].sort((a, b) => a - b));
      assert.equal(stay.length, longest(list));
    }),
  );
});

test("an item's place in a sorted list is before all that are not smaller", () => {
  fc.assert(
    fc.property(numbers, fc.nat({ max: 60 }), (list, item) => {
      const sorted = [...list].sort((a, b) => a - b);
      assert.equal(placeOf(sorted, item, (a, b) => a - b), sorted.filter((number) => number < item).length);
    }),
  );
});

/** As much of an element as children need, counting what is moved. */
class Parent {
  children = [];
  moves = 0;

  insertBefore(child, next) {
    this.moves += 1;
    child.remove();
    this.children.splice(next === null ? this.children.length : this.children.indexOf(next), 0, child);
    child.parent = this;
  }
}

class Child {
  parent = null;

  remove() {
    if (this.parent) this.parent.children = this.parent.children.filter((one) => one !== this);
    this.parent = null;
  }
}

test("children become exactly those that are wanted, with as few moves as can be", () => {
  fc.assert(
    fc.property(numbers, numbers, (present, wanted) => {
      const elements = Array.from({ length: 61 }, () => new Child());
      /** @type {any} */
      const parent = new Parent();
      for (const number of present) parent.insertBefore(elements[number], null);
      parent.moves = 0;
      setChildren(parent, /** @type {any} */ (wanted.map((number) => elements[number])));
      assert.deepEqual(parent.children, wanted.map((number) => elements[number]));
      const kept = present.filter((number) => wanted.includes(number)).map((number) => wanted.indexOf(number));
      assert.equal(parent.moves, wanted.length - longest(kept));
    }),
  );
});

/** Lists that become one another: by a filter that leaves every so many, and by whatever else. */
const list = fc
  .tuple(fc.uniqueArray(fc.nat({ max: 200 }), { maxLength: 150, size: "max" }), fc.boolean(), fc.constantFrom(1, 1, 2, 20, 60))
  .map(([items, sorted, every]) => (sorted ? [...items].sort((a, b) => a - b) : items).filter((item) => item % every === 0));
const itemsOf = (groups) => groups.map(({ items }) => items);

test("groups hold what is wanted in its order, and none is too long or without need", () => {
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 5 }), (states) => {
      let groups = [];
      for (const wanted of states) {
        const before = groups;
        const found = regroup(before, wanted);
        groups = itemsOf(found);
        assert.deepEqual(groups.flat(), wanted);
        assert.ok(groups.every(({ length }) => length > 0 && length <= 2 * SIZE));
        for (let index = 1; index < groups.length; index += 1) assert.ok(groups[index - 1].length + groups[index].length > SIZE);
        const from = found.map((group) => group.from).filter((one) => one !== null);
        assert.deepEqual(from, [...new Set(from)].sort((a, b) => a - b));
        assert.ok(from.every((one) => one < Math.max(1, before.length)));
      }
    }),
  );
});

test("one item that moves disturbs the two groups that it leaves and enters, not those in between", () => {
  const many = fc.uniqueArray(fc.nat({ max: 1000 }), { minLength: 100, maxLength: 300 });
  fc.assert(
    fc.property(many, fc.nat(), fc.nat(), (wanted, a, b) => {
      const before = itemsOf(regroup([], wanted));
      const others = wanted.filter((_, index) => index !== a % wanted.length);
      const place = b % wanted.length;
      const moved = [...others.slice(0, place), wanted[a % wanted.length], ...others.slice(place)];
      const after = regroup(before, moved);
      const same = after.filter(({ from, items }) => from !== null && items.length === before[from].length && items.every((item, index) => item === before[from][index]));
      assert.ok(same.length >= before.length - 3, `${before.length - same.length} of ${before.length} groups changed`);
    }),
  );
});
