import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createGlob } from "./glob.ts";

const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["gpt-4", ["gpt-4"], ["gpt-4o", "xgpt-4", "GPT-4", ""]],
  ["gpt-*", ["gpt-", "gpt-4o", "gpt-\n"], ["gp", "agpt-4"]],
  ["o[134]", ["o1", "o3", "o4"], ["o2", "o13", "o"]],
  ["v4[.-][6-9]*", ["v4.6", "v4-9x"], ["v4.5", "v406"]],
  ["{opus,sonnet}-4", ["opus-4", "sonnet-4"], ["haiku-4", "opus,sonnet-4", "opus"]],
  ["a{b*,[cd]?}e", ["abe", "abxe", "acxe"], ["ace", "axe"]],
  ["a.b+c(d)|e$^\\", ["a.b+c(d)|e$^\\"], ["axb+c(d)|e$^\\"]],
  ["[^a]", ["^", "a"], ["b"]],
];

test("a pattern matches all of a text or nothing of it", () => {
  for (const [pattern, good, bad] of cases) {
    const matches = createGlob(pattern);
    for (const text of good) assert.ok(matches(text), `${pattern} is to match ${text}`);
    for (const text of bad) assert.ok(!matches(text), `${pattern} is not to match ${text}`);
  }
});

test("what has none of the signs stands for itself", () => {
  const plain = fc.string().filter((text) => !/[*?[\]{}]/.test(text));
  fc.assert(fc.property(plain, fc.string(), (text, other) => createGlob(text)(other) === (text === other)));
  fc.assert(fc.property(plain, (text) => createGlob(text)(text)));
});

test("an open bracket or brace is a mistake of ours", () => {
  for (const pattern of ["[ab", "{a,b", "a}"]) assert.throws(() => createGlob(pattern), /has an open/);
});
