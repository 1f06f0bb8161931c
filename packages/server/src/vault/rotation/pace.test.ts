import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../kernel/clock.ts";
import { createPace } from "./pace.ts";

function paced() {
  const clock = fakeClock();
  const rests: number[] = [];
  const rest = (ms: number): Promise<void> => {
    rests.push(ms);
    clock.advance(ms);
    return Promise.resolve();
  };
  return { clock, rests, pace: createPace(clock, rest) };
}

test("one thread rests as long as it worked", async () => {
  const { clock, rests, pace } = paced();
  for (const worked of [4, 10]) {
    clock.advance(worked);
    await pace.rest();
  }
  assert.deepEqual(rests, [4, 10]);
});

test("two threads together take half of one core, whichever of them worked", async () => {
  const { clock, rests, pace } = paced();
  clock.advance(4);
  pace.add(6);
  await pace.rest();
  assert.deepEqual(rests, [16], "10 ms of work in 20 ms");
});

test("waiting for the other thread counts as rest", async () => {
  const { clock, rests, pace } = paced();
  clock.advance(4);
  await pace.wait(Promise.resolve().then(() => clock.advance(5)));
  pace.add(5);
  await pace.rest();
  assert.deepEqual(rests, [9], "9 ms of work in 18 ms");
});

test("there is always a rest, so that others come to their turn", async () => {
  const { rests, pace } = paced();
  await pace.rest();
  assert.deepEqual(rests, [1]);
});
