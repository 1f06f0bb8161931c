import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compilePattern } from "./patterns.ts";

const cases: readonly (readonly [pattern: string, name: string, matches: boolean])[] = [
  ["claude-*", "claude-sonnet-5", true],
  ["claude-*", "claude-", true],
  ["claude-*", "anthropic/claude-sonnet-5", false],
  ["*", "anything/at:all", true],
  ["gpt-5", "gpt-5", true],
  ["gpt-5", "gpt-5-mini", false],
  ["GPT-5", "gpt-5", true],
  ["openai/*", "openai/gpt-5", true],
  ["*-mini", "gpt-5-mini", true],
  ["a*b*c", "a-b-c", true],
  ["a*b*c", "acb", false],
  ["ab*ba", "aba", false],
  ["*a*a*", "a", false],
  ["gpt.5", "gpt-5", false],
];

for (const [pattern, name, matches] of cases) {
  test(`${pattern} ${matches ? "matches" : "does not match"} ${name}`, () => {
    assert.equal(compilePattern(pattern)(name), matches);
  });
}

test("a pattern agrees with the regular expression it stands for", () => {
  const text = fc.string({ unit: fc.constantFrom("a", "b", "*"), maxLength: 8 });
  const name = fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 10 });
  fc.assert(
    fc.property(text, name, (pattern, candidate) => {
      const expected = new RegExp(`^${pattern.split("*").join(".*")}$`).test(candidate);
      assert.equal(compilePattern(pattern)(candidate), expected);
    }),
  );
});

test("a hostile pattern costs no time", () => {
  const started = process.cpuUsage();
  compilePattern(`${"a*".repeat(500)}b`)("a".repeat(5_000));
  assert.ok(process.cpuUsage(started).user < 200_000);
});
