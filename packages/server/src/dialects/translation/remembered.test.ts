import assert from "node:assert/strict";
import { test } from "node:test";
import type { AssistantPart, ThinkingPart } from "../canonical/conversation.ts";
import { plainConversation } from "../canonical/test-parts.ts";
import { withRemembered } from "./remembered.ts";

const state = { dialect: "anthropic-messages", provider: "anthropic", data: "signed" } as const;
const thought: ThinkingPart = { type: "thinking", text: "Which city?", state };
const call = (id: string): AssistantPart => ({
  type: "tool_call",
  id,
  name: "get_weather",
  kind: "function",
  arguments: "{}",
});
const remembered = new Map([["call_1", [thought]]]);

function partsOf(parts: readonly AssistantPart[]): readonly AssistantPart[] {
  const turns = [...plainConversation.turns, { role: "assistant" as const, parts }];
  const [, turn] = withRemembered({ ...plainConversation, turns }, remembered).turns;
  assert.ok(turn?.role === "assistant");
  return turn.parts;
}

test("a thought goes before the call that it was given with, text and state together", () => {
  const text: AssistantPart = { type: "text", text: "Let me look." };
  assert.deepEqual(partsOf([text, call("call_1"), call("call_2")]), [text, thought, call("call_1"), call("call_2")]);
});

test("a text without its state, which the client did bring, is not told twice", () => {
  assert.deepEqual(partsOf([{ type: "thinking", text: "Which city?" }, call("call_1")]), [thought, call("call_1")]);
});

test("a turn that brought its states, or made none of the calls, stays as it is", () => {
  const own: readonly AssistantPart[] = [{ ...thought, text: "Mine" }, call("call_1")];
  assert.deepEqual(partsOf(own), own);
  const other: readonly AssistantPart[] = [{ type: "thinking", text: "Hm" }, call("call_9")];
  assert.deepEqual(partsOf(other), other);
});
