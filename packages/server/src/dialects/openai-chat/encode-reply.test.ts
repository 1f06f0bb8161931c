import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noTokens } from "../../kernel/tokens.ts";
import type { AssistantPart, JsonObject } from "../canonical/conversation.ts";
import type { Finish } from "../canonical/reply.ts";
import type { ReplyContext } from "../codec.ts";
import { openaiChatCodec } from "./codec.ts";
import { contextWith, decoded, origin } from "./test-parts.ts";

const usage = { ...noTokens, input: 1, output: 2 };

function written(
  parts: readonly AssistantPart[],
  finish: Finish = { reason: "end" },
  context: Partial<ReplyContext> = {},
): { readonly message: JsonObject; readonly finish_reason: string } {
  const body = openaiChatCodec.encodeReply({ parts, finish, usage }, contextWith(context));
  return (body["choices"] as [{ message: JsonObject; finish_reason: string }])[0];
}

const call: AssistantPart = { type: "tool_call", id: "a", name: "f", kind: "function", arguments: '{"x": 1.0' };

describe("a whole reply", () => {
  test("has all that clients look for", () => {
    const body = openaiChatCodec.encodeReply(
      { id: "msg_other", parts: [{ type: "text", text: "Hi" }], finish: { reason: "end" }, usage },
      contextWith(),
    );
    assert.partialDeepStrictEqual(body, {
      id: "chatcmpl-req_1",
      object: "chat.completion",
      created: 1_795_000_000,
      model: "fast",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hi", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
    });
  });

  test("keeps arguments that are no JSON, so that whoever runs the tool sees them", () => {
    const { message, finish_reason: word } = written([call], { reason: "tool_calls" });
    assert.deepEqual(message["tool_calls"], [
      { id: "a", type: "function", function: { name: "f", arguments: '{"x": 1.0' } },
    ]);
    assert.deepEqual([message["content"], word], [null, "tool_calls"]);
  });

  test("is a function call for callers of the old form", () => {
    const { message, finish_reason: word } = written(
      [call],
      { reason: "tool_calls" },
      { echo: { callsFunction: true } },
    );
    assert.deepEqual(message["function_call"], { name: "f", arguments: '{"x": 1.0' });
    assert.deepEqual([message["tool_calls"], word], [undefined, "function_call"]);
  });

  test("says a refusal as one", () => {
    const { message, finish_reason: word } = written([{ type: "refusal", text: "No." }], { reason: "refusal" });
    assert.deepEqual([message["content"], message["refusal"], word], [null, "No.", "content_filter"]);
  });

  test("that is sent back as it is holds the same reasoning, in the same places (B45, B46)", () => {
    const state = (data: string) => ({ dialect: "anthropic-messages", provider: "anthropic", data }) as const;
    const parts: readonly AssistantPart[] = [
      { type: "thinking", text: "one", state: state("s1") },
      { type: "text", text: "Let me see." },
      { type: "thinking", text: "two", state: state("s2") },
      { type: "tool_call", id: "a", name: "f", kind: "function", arguments: "{}" },
    ];
    const { message } = written(parts, { reason: "tool_calls" });
    assert.equal(message["reasoning_content"], "one\n\ntwo");
    const { conversation, losses } = decoded({
      messages: [{ role: "user", content: "?" }, message, { role: "tool", tool_call_id: "a", content: "" }],
    });
    assert.deepEqual(conversation.turns[1]?.parts, parts);
    assert.deepEqual(losses, []);
  });
});

describe("a provider's whole reply", () => {
  const reply = (message: unknown, fields: JsonObject = {}) =>
    openaiChatCodec.decodeReply(
      { id: "c1", choices: [{ index: 0, message, finish_reason: "stop" }], ...fields },
      origin,
    );

  test("is read with its reasoning, its text and its calls", () => {
    const tool_calls = [
      { id: "x", function: { name: "f", arguments: "{}" } },
      { id: "x", function: { name: "f", arguments: "{}" } },
    ];
    const usage = { prompt_tokens: 1, completion_tokens: 2 };
    const found = reply({ role: "assistant", content: "Hi", reasoning_content: "hm", tool_calls }, { usage });
    assert.deepEqual(found, {
      id: "c1",
      parts: [
        { type: "thinking", text: "hm" },
        { type: "text", text: "Hi" },
        { type: "tool_call", id: "x", name: "f", kind: "function", arguments: "{}" },
        { type: "tool_call", id: "x", name: "f", kind: "function", arguments: "{}" },
      ],
      finish: { reason: "tool_calls" },
      usage: { ...noTokens, input: 1, output: 2 },
    });
  });

  test("may be empty", () => {
    assert.deepEqual(reply({ role: "assistant", content: null }), {
      id: "c1",
      parts: [],
      finish: { reason: "end" },
      usage: undefined,
    });
  });

  test("that is an error, or of another dialect, or nothing, is a failure (B55)", () => {
    const kind = (body: JsonObject) => {
      const found = openaiChatCodec.decodeReply(body, origin);
      return "kind" in found ? found.kind : undefined;
    };
    assert.equal(kind({ error: { message: "no", code: 429 } }), "rate_limited");
    assert.equal(kind({ object: "response", output: [] }), "broken");
    assert.equal(kind({ type: "message", content: [] }), "broken");
    assert.equal(kind({}), "broken");
    assert.equal(kind({ choices: [] }), "broken");
  });
});
