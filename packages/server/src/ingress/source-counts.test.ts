import assert from "node:assert/strict";
import { test } from "node:test";
import { SourceCounts } from "./source-counts.ts";

test("a source counts for as many connections as are open, however often they come and go", () => {
  const counts = new SourceCounts();
  for (let round = 0; round < 10_000; round += 1) {
    counts.add("a");
    counts.add("a");
    assert.equal(counts.of("a"), 2);
    counts.remove("a");
    counts.remove("a");
    assert.equal(counts.of("a"), 0);
  }
  assert.deepEqual([counts.of("b"), counts.size], [0, 1]);
});

test("sources that have gone take no room for good, and those that stay are not miscounted", () => {
  const counts = new SourceCounts();
  counts.add("stays");
  for (let index = 0; index < 100_000; index += 1) {
    counts.add(`caller ${index}`);
    if (index % 10 === 0) counts.add("stays");
    counts.remove(`caller ${index}`);
    assert.ok(counts.size <= 1_026, `${counts.size} sources after ${index} callers`);
  }
  assert.equal(counts.of("stays"), 10_001);
});
