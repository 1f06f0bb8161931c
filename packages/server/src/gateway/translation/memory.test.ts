import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../kernel/clock.ts";
import { createReasoningMemory } from "./memory.ts";

const state = (data: string) => [{ dialect: "gemini", provider: "google", data }] as const;

test("what a call was given is found again by the same key, and by no other", () => {
  const memory = createReasoningMemory(fakeClock());
  memory.remember("key_1", "call_1", state("a"));
  assert.deepEqual(memory.of("key_1").get("call_1"), state("a"));
  assert.equal(memory.of("key_2").size, 0);
});

test("it is forgotten an hour after the key was heard of last", () => {
  const clock = fakeClock();
  const memory = createReasoningMemory(clock);
  memory.remember("key_1", "call_1", state("a"));
  clock.advance(3_599_000);
  assert.equal(memory.of("key_1").size, 1);
  clock.advance(2_000);
  assert.equal(memory.of("key_1").size, 0);
});

test("it stays small: of many calls and many keys the oldest go, and a huge state is not kept", () => {
  const memory = createReasoningMemory(fakeClock());
  for (let index = 0; index < 250; index++) memory.remember("key_1", `call_${index}`, state(String(index)));
  assert.equal(memory.of("key_1").size, 200);
  assert.equal(memory.of("key_1").has("call_49"), false);
  memory.remember("key_1", "huge", state("x".repeat(70_000)));
  assert.equal(memory.of("key_1").has("huge"), false);
  for (let index = 0; index < 1_001; index++) memory.remember(`other_${index}`, "call", state("a"));
  assert.equal(memory.of("key_1").size, 0);
});
