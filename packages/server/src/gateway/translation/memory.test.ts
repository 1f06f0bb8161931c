import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../kernel/clock.ts";
import { createItemMemory, createReasoningMemory } from "./memory.ts";

const state = (data: string) =>
  [{ type: "thinking", text: "so", state: { dialect: "gemini", provider: "google", data } }] as const;

test("what a call was given is found again by the same key, and by no other", () => {
  const memory = createReasoningMemory(fakeClock());
  memory.remember("key_1", "call_1", state("a"));
  assert.deepEqual(memory.of("key_1").get("call_1"), state("a"));
  assert.equal(memory.of("key_2").size, 0);
});

test("it is forgotten an hour after it was given, however busy its key is", () => {
  const clock = fakeClock();
  const memory = createReasoningMemory(clock);
  memory.remember("key_1", "call_1", state("a"));
  clock.advance(3_599_000);
  memory.remember("key_1", "call_2", state("b"));
  assert.equal(memory.of("key_1").size, 2);
  clock.advance(2_000);
  assert.deepEqual([...memory.of("key_1").keys()], ["call_2"]);
  memory.remember("key_2", "call_3", state("c"));
  clock.advance(3_600_000);
  assert.equal(memory.of("key_1").size + memory.of("key_2").size, 0);
});

test("a call that is given something anew counts from then on", () => {
  const clock = fakeClock();
  const memory = createReasoningMemory(clock);
  memory.remember("key_1", "call_1", state("a"));
  clock.advance(3_000_000);
  memory.remember("key_1", "call_1", state("b"));
  clock.advance(3_000_000);
  assert.deepEqual(memory.of("key_1").get("call_1"), state("b"));
});

test("it stays small: of many calls the oldest go, and a huge thought is not kept, in however many parts", () => {
  const memory = createReasoningMemory(fakeClock());
  for (let index = 0; index < 250; index++) memory.remember("key_1", `call_${index}`, state(String(index)));
  assert.equal(memory.of("key_1").size, 200);
  assert.equal(memory.of("key_1").has("call_49"), false);
  const halves = [...state("x".repeat(40_000)), ...state("x".repeat(40_000))];
  memory.remember("key_1", "huge", halves);
  assert.equal(memory.of("key_1").has("huge"), false);
});

test("a key with large thoughts loses its own oldest, and not those of others", () => {
  const memory = createReasoningMemory(fakeClock());
  memory.remember("other", "call", state("a"));
  for (let index = 0; index < 100; index++) memory.remember("greedy", `call_${index}`, state("x".repeat(60_000)));
  assert.equal(memory.of("greedy").size, 34);
  assert.equal(memory.of("greedy").has("call_99"), true);
  assert.equal(memory.of("other").size, 1);
});

test("of too many keys, the one that was given something longest ago loses all", () => {
  const memory = createReasoningMemory(fakeClock());
  for (let key = 0; key < 40; key++)
    for (let index = 0; index < 40; index++) memory.remember(`key_${key}`, `call_${index}`, state("x".repeat(60_000)));
  assert.equal(memory.of("key_0").size, 0);
  assert.equal(memory.of("key_39").size, 34);
});

test("items of replies are remembered in the same way, by their own ids", () => {
  const clock = fakeClock();
  const memory = createItemMemory(clock);
  memory.remember("key_1", "msg_1", '{"id":"msg_1"}');
  assert.equal(memory.of("key_1").get("msg_1"), '{"id":"msg_1"}');
  assert.equal(memory.of("key_2").size, 0);
  clock.advance(3_600_001);
  assert.equal(memory.of("key_1").size, 0);
});
