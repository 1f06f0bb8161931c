import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { noTokens } from "../../kernel/tokens.ts";
import { Collector, eventsOf } from "../canonical/collect.ts";
import type { AssistantPart, JsonObject } from "../canonical/conversation.ts";
import type { Reply } from "../canonical/reply.ts";
import { legalOrder } from "../canonical/test-parts.ts";
import { decodeFailure } from "./decode-failure.ts";
import { decodeReply } from "./decode-reply.ts";
import { encodeReply } from "./encode-reply.ts";
import { framesOf, read, replyContext, replyOrigin, write } from "./test-parts.ts";

const decode = (body: JsonObject) => decodeReply(body, replyOrigin);

describe("a whole reply", () => {
  const message = { type: "message", content: [{ type: "output_text", text: "Hi", annotations: [] }] };

  test("its items are its parts, in order, and tools that the provider ran are none", () => {
    const reply = decode({
      id: "resp_1",
      status: "completed",
      output: [
        { type: "reasoning", id: "rs_1", summary: [{ text: "A" }, { text: "B" }], encrypted_content: "gAAA" },
        { type: "web_search_call", id: "ws" },
        message,
        { type: "function_call", call_id: "c1", name: "t", arguments: "{}" },
        { type: "custom_tool_call", call_id: "c2", name: "p", input: "raw" },
      ],
      usage: { input_tokens: 3, output_tokens: 2 },
    });
    const state = { dialect: "openai-responses", provider: "openai", data: "gAAA", id: "rs_1" };
    assert.deepEqual(reply, {
      id: "resp_1",
      parts: [
        { type: "thinking", text: "A\n\nB", state },
        { type: "text", text: "Hi" },
        { type: "tool_call", id: "c1", name: "t", kind: "function", arguments: "{}" },
        { type: "tool_call", id: "c2", name: "p", kind: "custom", arguments: "raw" },
      ],
      finish: { reason: "tool_calls" },
      usage: { ...noTokens, input: 3, output: 2 },
    });
  });

  test("what is no reply of this dialect is a failure that says so (B55)", () => {
    const kinds = [
      { status: "failed", error: { code: "rate_limit_exceeded", message: "slow" }, output: [] },
      { status: "failed", output: [] },
      { status: "in_progress", output: [] },
      { object: "chat.completion", choices: [] },
      {},
    ].map((body) => decode(body));
    assert.deepEqual(
      kinds.map((each) => "kind" in each && each.kind),
      ["rate_limited", "server", "broken", "broken", "broken"],
    );
    assert.match("message" in kinds[3]! ? kinds[3].message : "", /its dialect is openai-chat/);
  });

  test("odd fields are passed over", () => {
    const odd = {
      output: [null, 7, { type: "message" }, { type: "message", content: "x" }, { type: "reasoning", summary: 3 }],
      usage: [],
    };
    assert.deepEqual(decode(odd), { parts: [], finish: { reason: "end" }, usage: undefined });
  });
});

const words = fc.string({ minLength: 1, maxLength: 8, unit: "grapheme" });
const state = fc.record({
  dialect: fc.constant("openai-responses" as const),
  provider: fc.constant("openai"),
  data: words,
  id: fc.constant("rs_x"),
});
const part: fc.Arbitrary<AssistantPart> = fc.oneof(
  fc.record({ type: fc.constant("text" as const), text: words }),
  fc.record({ type: fc.constant("refusal" as const), text: words }),
  fc.record({ type: fc.constant("thinking" as const), text: words }),
  fc.record({ type: fc.constant("thinking" as const), text: fc.string({ maxLength: 3 }), state }),
  fc.record({
    type: fc.constant("tool_call" as const),
    id: fc.uuid(),
    name: fc.constantFrom("a", "b"),
    kind: fc.constantFrom("function" as const, "custom" as const),
    arguments: words,
  }),
);
const usage = fc.option(
  fc.record({
    input: fc.nat(99),
    output: fc.integer({ min: 50, max: 99 }),
    cacheRead: fc.nat(9),
    cacheWrite: fc.nat(9),
    cacheWrite1h: fc.constant(0),
    reasoning: fc.nat(40),
  }),
  { nil: undefined },
);

/** With the end that the parts make, as every provider's decoder gives it. */
const reply: fc.Arbitrary<Reply> = fc
  .record({ parts: fc.array(part, { maxLength: 6 }), usage, isCut: fc.boolean() })
  .map(({ parts, usage: counted, isCut }) => {
    const has = (type: string): boolean => parts.some((each) => each.type === type);
    const reason = isCut ? "length" : has("tool_call") ? "tool_calls" : has("refusal") ? "refusal" : "end";
    return { parts, usage: counted, finish: { reason } };
  });

/** The envelopes that states come back in are a provider's own word here. */
function opened(parts: readonly AssistantPart[]): readonly AssistantPart[] {
  return parts.map((each) => {
    if (each.type !== "thinking" || each.state === undefined) return each;
    const { state: _envelope, ...thought } = each;
    const state = replyContext.seal.open(each.state.data) as NonNullable<typeof each.state>;
    return state.data === "" ? thought : { ...thought, state };
  });
}

test("what is written whole is read as it was", () => {
  fc.assert(
    fc.property(reply, (given) => {
      const back = decode(JSON.parse(JSON.stringify(encodeReply(given, replyContext))) as JsonObject);
      assert.ok("parts" in back);
      assert.deepEqual({ ...back, parts: opened(back.parts) }, { ...structuredClone(given), id: "resp_01jd" });
    }),
  );
});

test("what is streamed is read as it was", () => {
  fc.assert(
    fc.property(reply, (given) => {
      const events = read(framesOf(write(eventsOf(given))));
      legalOrder(events);
      const collector = new Collector();
      for (const event of events) collector.push(event);
      const back = collector.end;
      assert.ok(back !== undefined && "parts" in back);
      assert.deepEqual({ ...back, parts: opened(back.parts) }, { ...structuredClone(given), id: "resp_01jd" });
    }),
  );
});

describe("refusals of a request", () => {
  const kind = (status: number, error: unknown) =>
    decodeFailure(status, error === undefined ? undefined : ({ error } as JsonObject)).kind;

  test("each by its code, its words, its type or its status, in that order", () => {
    assert.equal(kind(400, { code: "context_length_exceeded", message: "too long" }), "context_too_long");
    assert.equal(
      kind(400, { type: "invalid_request_error", message: "Your input exceeds the context window of this model." }),
      "context_too_long",
    );
    assert.equal(kind(429, { code: "insufficient_quota", message: "quota" }), "credits");
    assert.equal(
      kind(429, { type: "tokens", code: "rate_limit_exceeded", message: "Request too large for m: TPM" }),
      "rate_limited",
    );
    assert.equal(
      kind(401, { type: "invalid_request_error", code: "invalid_api_key", message: "Incorrect" }),
      "refused_key",
    );
    assert.equal(kind(401, { type: "invalid_request_error", message: "no" }), "refused_key");
    assert.equal(kind(404, { code: "model_not_found", message: "no" }), "not_found");
    assert.equal(kind(404, { type: "invalid_request_error", message: "Item not found" }), "not_found");
    assert.equal(kind(400, { type: "invalid_request_error", message: "Unknown parameter" }), "rejected");
    assert.equal(kind(503, { code: "slow_down", message: "busy" }), "overloaded");
    assert.equal(kind(500, { code: "constructor", type: "toString", message: "odd" }), "server");
    assert.equal(kind(502, undefined), "server");
    assert.equal(kind(400, "a text"), "rejected");
  });

  test("the numbers of a context are told where they are known", () => {
    const message =
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 130500 tokens.";
    assert.deepEqual(decodeFailure(400, { error: { code: "context_length_exceeded", message } }).tokens, {
      asked: 130_500,
      most: 128_000,
    });
  });
});
