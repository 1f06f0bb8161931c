import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createTurns, type Candidate } from "./turns.ts";

const candidate = (id: string, weight = 1, priority = 0): Candidate => ({ id, weight, priority });

test("turns follow the weights, evenly spread", () => {
  const turns = createTurns();
  const candidates = [candidate("a", 3), candidate("b", 1)];
  const order = Array.from({ length: 8 }, () => turns.next(candidates)?.id).join("");
  assert.equal(order, "aabaaaba");
});

test("in one round each gets exactly its weight", () => {
  const weights = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(weights, (given) => {
      const turns = createTurns();
      const candidates = given.map((weight, index) => candidate(String(index), weight));
      const counts = given.map(() => 0);
      const round = given.reduce((sum, weight) => sum + weight, 0);
      for (let turn = 0; turn < round; turn++) {
        const index = Number(turns.next(candidates)?.id);
        counts[index] = (counts[index] ?? 0) + 1;
      }
      assert.deepEqual(counts, given);
    }),
  );
});

test("a higher priority is left alone while there is a lower one", () => {
  const turns = createTurns();
  const candidates = [candidate("spare", 1000, 7), candidate("second", 1, 5), candidate("first", 1, 0)];
  for (let turn = 0; turn < 5; turn++) assert.equal(turns.next(candidates)?.id, "first");
  assert.equal(turns.next(candidates.slice(0, 2))?.id, "second");
  assert.equal(turns.next([]), undefined);
});

test("one that joins later does not get all turns, nor do the others lose theirs", () => {
  const turns = createTurns();
  const first = [candidate("a"), candidate("b")];
  for (let turn = 0; turn < 101; turn++) turns.next(first);
  turns.keepOnly(new Set(["a", "b", "c"]));
  const joined = [...first, candidate("c")];
  const chosen = Array.from({ length: 30 }, () => turns.next(joined)?.id);
  for (const id of ["a", "b", "c"]) assert.equal(chosen.filter((each) => each === id).length, 10);
});

test("whose turn it would be can be asked as often as one likes, and is whose turn it is", () => {
  const turns = createTurns();
  const candidates = [candidate("a", 3), candidate("b", 1), candidate("c", 2), candidate("later", 9, 1)];
  for (let round = 0; round < 12; round += 1) {
    const [first, again] = [turns.peek(candidates), turns.peek(candidates)];
    assert.equal(first, again);
    assert.equal(turns.next(candidates), first);
  }
  assert.equal(turns.peek([]), undefined);
});
