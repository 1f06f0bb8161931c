import assert from "node:assert/strict";
import { test } from "node:test";
import { Losses } from "./loss.ts";

test("the same place is named once, with what was said of it first", () => {
  const losses = new Losses();
  losses.hint("a", "one");
  losses.dropped("a", "two");
  assert.deepEqual(losses.list, [{ path: "a", kind: "hint", why: "one" }]);
});

test("of very many places some are named, and that there are more, so that nothing is lost in silence", () => {
  const hints = new Losses();
  for (let index = 0; index < 5_000; index++) hints.hint(`h[${index}]`, "for speed");
  assert.equal(hints.list.length, 1_000);
  assert.deepEqual(hints.list.at(-1), { path: "4001 more places", kind: "hint", why: "they are too many to name" });
  hints.changed("last", "it is another");
  assert.partialDeepStrictEqual(hints.list.at(-1), { path: "4002 more places", kind: "dropped" });
});
