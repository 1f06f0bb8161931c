import assert from "node:assert/strict";
import { test } from "node:test";
import { Slots } from "./slots.ts";

test("what is in it is seen, in room that is used again", () => {
  const slots = new Slots<string>();
  const [a, b] = [slots.add("a"), slots.add("b")];
  assert.notEqual(a, b);
  slots.remove(a);
  assert.equal(slots.add("c"), a);
  slots.add("d");
  const seen: string[] = [];
  slots.each((item) => void seen.push(item));
  assert.deepEqual(seen.sort(), ["b", "c", "d"]);
  assert.deepEqual([slots.size, slots.some(2).length, slots.some(9).length], [3, 2, 3]);
});
