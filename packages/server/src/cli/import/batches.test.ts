import assert from "node:assert/strict";
import test from "node:test";
import { batchesOf } from "./batches.ts";
import type { Candidate } from "./finding.ts";

const base_url = "https://llm.example.com";
const provider: Candidate = { place: "p", item: { kind: "provider", id: "house", base_url } };
const credential = (value: string): Candidate => ({
  place: value.slice(0, 10),
  item: { kind: "credential", provider: "house", base_url, value },
});

test("every item is sent once, in order, in parts that the admin API takes", () => {
  const candidates = [
    provider,
    ...Array.from({ length: 250 }, (_, index) => credential(`key-${index}-${"x".repeat(8000)}`)),
  ];
  const batches = batchesOf(candidates);
  assert.deepEqual(
    batches.flatMap((batch) => batch.candidates),
    candidates,
  );
  assert.ok(batches.length > 5);
  for (const batch of batches) assert.ok(JSON.stringify(batch).length < 900_000);
});

test("a part brings the providers along that its items need, and no others", () => {
  const other: Candidate = {
    place: "o",
    item: { kind: "provider", id: "other", base_url: "https://other.example.com" },
  };
  const [first, second, ...more] = batchesOf([
    provider,
    other,
    ...Array.from({ length: 80 }, (_, index) => credential(`key-${index}`)),
  ]);
  assert.deepEqual(first?.repeated, []);
  assert.deepEqual(second?.repeated, [provider.item]);
  assert.deepEqual(more, []);
});
