import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { noTokens } from "../../kernel/tokens.ts";
import { isFailure } from "../canonical/collect.ts";
import type { AssistantPart, JsonObject, ReasoningState } from "../canonical/conversation.ts";
import type { Finish, FinishReason, Reply } from "../canonical/reply.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { anthropicCodec } from "./codec.ts";
import { context, decoded, origin, replyOf } from "./test-parts.ts";

const text = (words: string): AssistantPart => ({ type: "text", text: words });
const call = (id: string, argumentsText = '{"a":1}'): AssistantPart => ({
  type: "tool_call",
  id,
  name: "f",
  kind: "function",
  arguments: argumentsText,
});

function decodedReply(body: JsonObject): Reply {
  const reply = anthropicCodec.decodeReply(body, origin);
  assert.ok(!isFailure(reply));
  return reply;
}

function message(...content: readonly unknown[]): JsonObject {
  return { type: "message", content, stop_reason: "end_turn", usage: { input_tokens: 1, output_tokens: 2 } };
}

describe("a whole reply of a provider", () => {
  test("is its parts in their order, with the states of the provider (B45)", () => {
    const reply = decodedReply({
      ...message(
        { type: "thinking", thinking: "A", signature: "s1" },
        {
          type: "text",
          text: "B",
          citations: [
            {
              type: "web_search_result_location",
              url: "https://e.com",
              title: "T",
              cited_text: "q",
              encrypted_index: "x",
            },
          ],
        },
        { type: "redacted_thinking", data: "r" },
        { type: "text", text: "" },
        { type: "server_tool_use", id: "s", name: "web_search", input: {} },
        { type: "tool_use", id: "t1", name: "f", input: { b: 1, a: [] } },
        null,
      ),
      id: "msg_1",
      stop_reason: "tool_use",
    });
    const state = { dialect: "anthropic-messages", provider: "prov_1" };
    assert.deepEqual(reply.parts, [
      { type: "thinking", text: "A", state: { ...state, data: "s1" } },
      { type: "text", text: "B", citations: [{ url: "https://e.com", title: "T", quote: "q" }] },
      { type: "thinking", text: "", state: { ...state, data: "r", kind: "redacted" } },
      { type: "tool_call", id: "t1", name: "f", kind: "function", arguments: '{"b":1,"a":[]}' },
    ]);
    assert.deepEqual([reply.id, reply.finish, reply.usage?.output], ["msg_1", { reason: "tool_calls" }, 2]);
  });

  test("ends for what it says, and for its calls if there are any (B14)", () => {
    const finish = (fields: JsonObject, ...content: readonly unknown[]): Finish =>
      decodedReply({ ...message(...content), ...fields }).finish;
    assert.deepEqual(finish({ stop_reason: "end_turn" }), { reason: "end" });
    assert.deepEqual(finish({ stop_reason: "stop_sequence", stop_sequence: "X" }), {
      reason: "stop_sequence",
      stopSequence: "X",
    });
    assert.deepEqual(finish({ stop_reason: "max_tokens" }), { reason: "length" });
    assert.deepEqual(finish({ stop_reason: "model_context_window_exceeded" }), { reason: "window_full" });
    assert.deepEqual(finish({ stop_reason: "pause_turn" }), { reason: "pause" });
    assert.deepEqual(finish({ stop_reason: "refusal", stop_details: { explanation: "No." } }), {
      reason: "refusal",
      detail: "No.",
    });
    assert.deepEqual(finish({ stop_reason: "tool_use" }), { reason: "end" });
    assert.deepEqual(finish({ stop_reason: "toString" }), { reason: "end" });
    assert.deepEqual(finish({ stop_reason: null }), { reason: "end" });
    const use = { type: "tool_use", id: "t", name: "f", input: {} };
    assert.deepEqual(finish({ stop_reason: "end_turn" }, use), { reason: "tool_calls" });
    assert.deepEqual(finish({ stop_reason: "max_tokens" }, use), { reason: "length" });
  });

  test("states every counter apart (B56)", () => {
    const usage = {
      input_tokens: 25,
      cache_read_input_tokens: 75,
      cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 2 },
      output_tokens: 9,
      output_tokens_details: { thinking_tokens: 4 },
    };
    const found = decodedReply({ ...message(), usage }).usage;
    assert.deepEqual(found, { input: 25, cacheRead: 75, cacheWrite: 1, cacheWrite1h: 2, output: 9, reasoning: 4 });
    assert.equal(decodedReply({ ...message(), usage: null }).usage, undefined);
  });

  test("that is an error, or another dialect's, is a failure (B55)", () => {
    const failure = (body: JsonObject): unknown => {
      const reply = anthropicCodec.decodeReply(body, origin);
      return isFailure(reply) ? reply.kind : reply;
    };
    assert.equal(failure({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } }), "overloaded");
    assert.equal(failure({ choices: [] }), "broken");
    assert.equal(failure({}), "broken");
  });
});

describe("a whole reply to a caller", () => {
  test("has every field of the API, and the model by the caller's name for it", () => {
    const reply = replyOf(
      [text("Hello"), call("c1")],
      { reason: "tool_calls" },
      { ...noTokens, input: 25, cacheRead: 75, output: 9, reasoning: 4 },
    );
    assert.deepEqual(anthropicCodec.encodeReply(reply, context), {
      model: "alias",
      id: "msg_01abc",
      type: "message",
      role: "assistant",
      content: [
        { type: "text", text: "Hello" },
        { type: "tool_use", id: "c1", name: "f", input: { a: 1 } },
      ],
      stop_reason: "tool_use",
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: {
        input_tokens: 25,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 75,
        cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
        output_tokens: 9,
        output_tokens_details: { thinking_tokens: 4 },
        server_tool_use: null,
        service_tier: "standard",
        speed: "standard",
        inference_geo: null,
      },
    });
  });

  test("estimates its usage where the provider states none", () => {
    const { usage } = anthropicCodec.encodeReply(replyOf([text("12345678")], { reason: "end" }), context);
    const { input_tokens: input, output_tokens: output } = usage as JsonObject;
    assert.deepEqual([input, output], [12, 2]);
  });

  test("names every reason to stop as the API does", () => {
    const stop = (finish: Finish, ...parts: readonly AssistantPart[]): readonly unknown[] => {
      const body = anthropicCodec.encodeReply(replyOf([text("a"), ...parts], finish), context);
      return [body["stop_reason"], body["stop_sequence"], body["stop_details"]];
    };
    const plain: readonly (readonly [FinishReason, string])[] = [
      ["end", "end_turn"],
      ["length", "max_tokens"],
      ["window_full", "model_context_window_exceeded"],
      ["tool_calls", "tool_use"],
      ["pause", "pause_turn"],
      ["malformed_call", "end_turn"],
    ];
    for (const [reason, word] of plain) assert.deepEqual(stop({ reason }), [word, null, null]);
    assert.deepEqual(stop({ reason: "stop_sequence", stopSequence: "X" }), ["stop_sequence", "X", null]);
    const details = (explanation: string | null): unknown => ({ type: "refusal", category: null, explanation });
    assert.deepEqual(stop({ reason: "refusal", detail: "No." }), ["refusal", null, details("No.")]);
    assert.deepEqual(stop({ reason: "end" }, { type: "refusal", text: "No." }), ["refusal", null, details(null)]);
  });

  test("with broken arguments is no reply; a call that a limit cut is not there (B19)", () => {
    const refused = (thrown: unknown): boolean => thrown instanceof AppError && thrown.code === "upstream_broke";
    assert.throws(
      () => anthropicCodec.encodeReply(replyOf([call("c", '{"a":')], { reason: "tool_calls" }), context),
      refused,
    );
    assert.throws(() => anthropicCodec.encodeReply(replyOf([], { reason: "malformed_call" }), context), refused);
    const cut = anthropicCodec.encodeReply(replyOf([text("a"), call("c", '{"a":')], { reason: "length" }), context);
    assert.deepEqual(cut["content"], [{ type: "text", text: "a" }]);
    const [use] = anthropicCodec.encodeReply(replyOf([call("c", "")], { reason: "tool_calls" }), context)[
      "content"
    ] as readonly JsonObject[];
    assert.deepEqual(use?.["input"], {});
  });
});

const state: ReasoningState = { dialect: "gemini", provider: "prov_2", data: "g", kind: "call" };
const thought = (words: string, own?: ReasoningState): AssistantPart => ({
  type: "thinking",
  text: words,
  ...(own && { state: own }),
});

function contentFor(thinking: string, ...parts: readonly AssistantPart[]): readonly JsonObject[] {
  const body = anthropicCodec.encodeReply(replyOf(parts, { reason: "end" }), { ...context, echo: { thinking } });
  return body["content"] as readonly JsonObject[];
}

/** The content as the caller's next request brings it back. */
function broughtBack(content: readonly JsonObject[]): readonly AssistantPart[] {
  const user = { role: "user", content: "a" };
  const { conversation } = decoded({ messages: [user, { role: "assistant", content }, user] });
  return (conversation.turns[1]?.parts ?? []) as readonly AssistantPart[];
}

describe("reasoning to a caller", () => {
  const parts = [thought("A", state), text("B"), thought("C"), call("c1")];

  test("always has a signature, and comes back as it was (B10, B45, B46)", () => {
    const content = contentFor("shown", ...parts);
    assert.deepEqual(
      content.map(({ type, thinking }) => [type, thinking]),
      [
        ["thinking", "A"],
        ["text", undefined],
        ["thinking", "C"],
        ["tool_use", undefined],
      ],
    );
    for (const { signature } of [content[0] ?? {}, content[2] ?? {}])
      assert.ok(typeof signature === "string" && signature !== "");
    assert.deepEqual(broughtBack(content), parts);
  });

  test("that is not to be shown is empty, and comes back as it was (B48)", () => {
    const content = contentFor("omitted", ...parts);
    assert.deepEqual(
      content.map(({ thinking }) => thinking),
      ["", undefined, "", undefined],
    );
    assert.ok(!JSON.stringify(content).includes('"A"'));
    assert.deepEqual(broughtBack(content), parts);
  });

  test("that was not asked for is there only before a call", () => {
    assert.deepEqual(contentFor("off", thought("A", state), text("B")), [{ type: "text", text: "B" }]);
    const content = contentFor("off", ...parts);
    assert.deepEqual(
      content.map(({ type }) => type),
      ["text", "thinking", "thinking", "tool_use"],
    );
    assert.deepEqual(broughtBack(content), [text("B"), thought("A", state), thought("C"), call("c1")]);
  });

  test("that nobody may read stays redacted", () => {
    const redacted: ReasoningState = { ...state, kind: "redacted" };
    const [block] = contentFor("shown", thought("", redacted));
    assert.equal(block?.["type"], "redacted_thinking");
    assert.deepEqual(testSeal.open(String(block?.["data"])), redacted);
    assert.deepEqual(contentFor("shown", thought("")), []);
  });
});

test("a reply that is encoded and decoded again is the same", () => {
  const usage = { input: 1, cacheRead: 2, cacheWrite: 3, cacheWrite1h: 4, output: 5, reasoning: 2 };
  const reply = replyOf([text("a"), text("b"), call("c1"), call("c2", "{}")], { reason: "tool_calls" }, usage);
  assert.deepEqual(decodedReply(anthropicCodec.encodeReply(reply, context)), { ...reply, id: "msg_01abc" });
  const stopped = replyOf([text("a")], { reason: "stop_sequence", stopSequence: "X" }, usage);
  assert.deepEqual(decodedReply(anthropicCodec.encodeReply(stopped, context)), { ...stopped, id: "msg_01abc" });
});
