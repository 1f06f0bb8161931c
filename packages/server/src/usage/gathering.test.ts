import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { createGathering } from "./gathering.ts";

function gather(t: TestContext) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const settle = t.mock.fn<() => void>();
  const gathering = createGathering(settle);
  const add = (rows: number): void => {
    for (let row = 0; row < rows; row++) gathering.add();
  };
  const settledAfter = (ms: number): number => {
    t.mock.timers.tick(ms);
    return settle.mock.callCount();
  };
  return { add, settledAfter, stop: () => gathering.stop() };
}

test("a few rows are settled together after a moment, and the next after one of their own", (t) => {
  const { add, settledAfter } = gather(t);
  add(1);
  assert.equal(settledAfter(30), 0);
  add(1);
  assert.deepEqual([settledAfter(19), settledAfter(1)], [0, 1]);
  assert.equal(settledAfter(1_000), 1, "nothing to settle");
  add(1);
  assert.deepEqual([settledAfter(49), settledAfter(1)], [1, 2]);
});

test("many rows gather for longer, and a single one that comes after them does not", (t) => {
  const { add, settledAfter } = gather(t);
  add(20);
  assert.equal(settledAfter(50), 0);
  add(1_000);
  assert.deepEqual([settledAfter(149), settledAfter(1)], [0, 1]);
  add(1);
  assert.deepEqual([settledAfter(49), settledAfter(1)], [1, 2]);
});

test("nothing is settled after the stop", (t) => {
  const { add, settledAfter, stop } = gather(t);
  add(1);
  stop();
  assert.equal(settledAfter(1_000), 0);
});
