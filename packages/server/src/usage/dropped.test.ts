import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeLosses, lostParts, maxDroppedBytes, type LostPart } from "./dropped.ts";

const lost = (path: string, kind = "dropped"): LostPart => ({ path, kind });

test("what was lost is said in short, and read back", () => {
  const losses = [lost("temperature"), lost("messages[2].content[0]", "changed"), lost("cache_control", "hint")];
  const text = describeLosses(losses.map((part) => ({ ...part, why: "not kept" })));
  assert.equal(text, '[["temperature","dropped"],["messages[2].content[0]","changed"],["cache_control","hint"]]');
  assert.deepEqual(lostParts(text), losses);
});

test("where nothing was translated or lost, nothing is said", () => {
  assert.equal(describeLosses(undefined), null);
  assert.equal(describeLosses([]), null);
  assert.equal(lostParts(null), null);
});

test("a list that is too long ends with how many are not named", () => {
  const losses = Array.from({ length: 500 }, (_, index) => lost(`tools[${index}].input_schema.format`, "changed"));
  const parts = lostParts(describeLosses(losses)) ?? [];
  const named = parts.length - 1;
  assert.ok(named > 10);
  assert.deepEqual(parts.slice(0, named), losses.slice(0, named));
  assert.deepEqual(parts.at(-1), lost(`and ${500 - named} more`, "more"));
});

test("a key in the place of a name is blotted out, wherever the text is cut", () => {
  const key = "sk-canary-0123456789abcdef0123456789";
  for (let before = 0; before < 160; before++) {
    const text = describeLosses([lost(`${"x".repeat(before)}.${key}`)]) ?? "";
    assert.equal(text.includes("canary"), false, text);
  }
});

test("a list is never longer than its room, plain, and readable, whatever the paths are", () => {
  const path = fc.oneof(
    fc.string({ unit: "binary", maxLength: 300 }),
    fc.constantFrom('"'.repeat(300), "\\".repeat(300), "漢".repeat(300), "\ud800".repeat(9), "", "a"),
  );
  const part = fc.record({ path, kind: fc.constantFrom("dropped", "changed", "hint") });
  const property = fc.property(fc.array(part, { minLength: 1, maxLength: 80 }), (losses) => {
    const text = describeLosses(losses) ?? "";
    assert.ok(text.length <= maxDroppedBytes, text);
    assert.match(text, /^[ -~]+$/);
    const parts = lostParts(text) ?? [];
    const last = parts.at(-1);
    const more = last?.kind === "more" ? Number(/^and (\d+) more$/.exec(last.path)?.[1]) : 0;
    assert.equal(parts.length - (more > 0 ? 1 : 0) + more, losses.length);
    assert.deepEqual(
      parts.filter(({ kind }) => kind !== "more").map(({ kind }) => kind),
      losses.slice(0, losses.length - more).map(({ kind }) => kind),
    );
  });
  fc.assert(property, { numRuns: 300 });
});
