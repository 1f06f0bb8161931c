import assert from "node:assert/strict";
import { test } from "node:test";
import { compileNamePattern } from "./name-pattern.ts";

test("a star stands for any run of characters, none among them; everything else for itself", () => {
  const table: readonly (readonly [pattern: string, fits: readonly string[], others: readonly string[]])[] = [
    ["gpt-5", ["gpt-5"], ["gpt-5-mini", "GPT-5", "gpt-", ""]],
    ["claude-*", ["claude-", "claude-opus", "claude-a/b[1m]"], ["claude", "Claude-opus", "my-claude-opus"]],
    ["*-mini", ["-mini", "gpt-5-mini"], ["mini", "gpt-5-mini-2"]],
    ["a*b*c", ["abc", "a-b-c", "abcbc"], ["ac", "acb", "ab"]],
    ["ab*ba", ["abba", "ab-ba"], ["aba"]],
    ["*", ["", "anything"], []],
    ["a.c(+)[x]", ["a.c(+)[x]"], ["abc(+)[x]", "a.c"]],
  ];
  for (const [pattern, fits, others] of table) {
    const matches = compileNamePattern(pattern);
    for (const name of fits) assert.equal(matches(name), true, `${pattern} fits ${name}`);
    for (const name of others) assert.equal(matches(name), false, `${pattern} does not fit ${name}`);
  }
});
