import assert from "node:assert/strict";
import { test } from "node:test";
import { Recorder, median, percentile, slope } from "./statistics.ts";

test("a percentile is the smallest value that the share is not above", () => {
  const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
  assert.equal(percentile(hundred, 0.5), 50);
  assert.equal(percentile(hundred, 0.99), 99);
  assert.equal(percentile(hundred, 0.999), 100);
  assert.equal(percentile([7], 0.5), 7);
  assert.equal(percentile([], 0.5), Number.NaN);
});

test("a recorder tells exact percentiles of values in any order", () => {
  const recorder = new Recorder();
  for (let value = 1_000; value >= 1; value -= 1) recorder.add(value);
  assert.deepEqual(recorder.percentiles(), { p50: 500, p99: 990, p999: 999, max: 1_000 });
  assert.equal(new Recorder().percentiles(), undefined);
});

test("a recorder that is full keeps an even selection of all values", () => {
  const recorder = new Recorder(100);
  for (let value = 0; value < 1_000; value += 1) recorder.add(value);
  const { p50, max } = recorder.percentiles() ?? { p50: 0, max: 0 };
  assert.ok(Math.abs(p50 - 500) < 30, `the middle of 0 to 999 came out as ${p50}`);
  assert.ok(max > 950, `the largest of 0 to 999 came out as ${max}`);
});

test("the median of an even number of values is between the middle two", () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([]), Number.NaN);
});

test("the slope is the growth for one of x, whatever the level", () => {
  const line = [0, 1, 2, 3].map((x) => ({ x, y: 100 - 2 * x }));
  assert.equal(slope(line), -2);
  assert.equal(slope([{ x: 1, y: 1 }]), Number.NaN);
});
