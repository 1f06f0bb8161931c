import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { noTokens } from "../../kernel/tokens.ts";
import { isFailure } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply } from "../canonical/reply.ts";
import { fixture } from "../test-parts.ts";
import { decodeFailure, decodeReply } from "./decode-reply.ts";
import { encodeReply } from "./encode-reply.ts";
import { replyContext } from "./test-parts.ts";

const usage = { ...noTokens, input: 10, output: 4 };
const call = { type: "tool_call", id: "call_1", name: "f", kind: "function", arguments: '{"a":1}' } as const;

test("a reply is read as it was written, whole", () => {
  const replies: readonly Reply[] = [
    { parts: [{ type: "text", text: "Hi" }], finish: { reason: "end" }, usage },
    {
      parts: [
        { type: "thinking", text: "hm" },
        { type: "text", text: "Hi" },
      ],
      finish: { reason: "length" },
      usage,
    },
    { parts: [{ type: "text", text: "a" }, call, { ...call, id: "call_2" }], finish: { reason: "tool_calls" }, usage },
    { parts: [], finish: { reason: "end" }, usage: undefined },
  ];
  for (const reply of replies) {
    const written = JSON.parse(JSON.stringify(encodeReply(reply, replyContext()))) as JsonObject;
    assert.deepEqual(decodeReply(written), reply);
  }
  const prompted = encodeReply(replies[1] ?? assert.fail(), replyContext(true));
  assert.deepEqual(prompted, {
    model: "house-model",
    created_at: "2026-11-18T11:06:40.000Z",
    response: "Hi",
    thinking: "hm",
    done: true,
    done_reason: "length",
    context: [],
    total_duration: 0,
    load_duration: 0,
    prompt_eval_count: 10,
    prompt_eval_duration: 0,
    eval_count: 4,
    eval_duration: 0,
  });
  assert.deepEqual(decodeReply(prompted), replies[1]);
});

test("texts that were apart, and a refusal, are one text", () => {
  const parts: Reply["parts"] = [
    { type: "text", text: "a" },
    { type: "thinking", text: "t" },
    { type: "text", text: "b" },
    { type: "refusal", text: "c" },
  ];
  const { message } = encodeReply({ parts, finish: { reason: "refusal" }, usage }, replyContext());
  assert.deepEqual(message, { role: "assistant", content: "abc", thinking: "t" });
});

test("a call whose arguments are none is not told as one without arguments (B19)", () => {
  for (const args of ['{"a":', "[1]", "7"]) {
    const reply: Reply = { parts: [{ ...call, arguments: args }], finish: { reason: "tool_calls" }, usage };
    assert.throws(
      () => encodeReply(reply, replyContext()),
      (error) => error instanceof AppError && error.code === "upstream_broke",
    );
  }
});

describe("what an engine answers", () => {
  test("is read as recorded", () => {
    const reply = decodeReply(JSON.parse(fixture("ollama", "reply.json").toString("utf8")) as JsonObject);
    assert.ok(!isFailure(reply));
    assert.equal(reply.finish.reason, "end");
    assert.ok(reply.parts.some((part) => part.type === "text" && part.text !== ""));
  });

  test("in another dialect, or broken off, is no reply (B55)", () => {
    for (const body of [{}, { done: false, message: { content: "x" } }, { choices: [{ message: { content: "x" } }] }]) {
      const found = decodeReply(body);
      assert.ok(isFailure(found), JSON.stringify(body));
      assert.equal(found.kind, "broken");
    }
    const failed = decodeReply({ error: "model runner has unexpectedly stopped" });
    assert.deepEqual(failed, { kind: "server", status: 200, message: "model runner has unexpectedly stopped" });
  });

  test("as an error means what its status and its words say", () => {
    const rows: readonly (readonly [number, unknown, string])[] = [
      [400, "registry.example/x does not support tools", "rejected"],
      [400, "the input length exceeds the context length", "context_too_long"],
      [401, "unauthorized", "refused_key"],
      [402, "this model requires more credits", "credits"],
      [403, "this model requires a subscription", "forbidden"],
      [404, "model 'llama9' not found", "not_found"],
      [429, "you've reached your hourly usage limit, upgrade for higher limits", "rate_limited"],
      [500, "model requires more system memory (9.3 GiB) than is available (4.1 GiB)", "server"],
      [502, "upstream unreachable", "server"],
      [503, "server busy, please try again.  maximum pending requests exceeded", "overloaded"],
    ];
    for (const [status, error, kind] of rows) {
      assert.equal(decodeFailure(status, { error }).kind, kind, String(error));
      assert.equal(decodeFailure(status, { error: { message: error } }).kind, kind);
      assert.equal(decodeFailure(status, { error }).message, error);
    }
    assert.deepEqual(decodeFailure(502, undefined), { kind: "server", status: 502, message: "" });
    const long = decodeFailure(400, {
      error: "input length (9000 tokens) exceeds the maximum context length (8192 tokens)",
    });
    assert.deepEqual([long.kind, long.tokens], ["context_too_long", { asked: 9_000, most: 8_192 }]);
  });
});
