import assert from "node:assert/strict";
import { test } from "node:test";
import type { FailureKind } from "../canonical/reply.ts";
import { openaiChatCodec } from "./codec.ts";

const error = (message: string, fields: object = {}) => ({ error: { message, ...fields } });
const limit = "This model's maximum context length is 128000 tokens. However, your messages resulted in 130500 tokens.";

const table: readonly (readonly [string, FailureKind, number, Parameters<typeof openaiChatCodec.decodeFailure>[1]])[] =
  [
    ["a refusal", "rejected", 400, error("Unknown parameter: 'x'.", { type: "invalid_request_error" })],
    [
      "a prompt too long, by its code",
      "context_too_long",
      400,
      error("Too much.", { code: "context_length_exceeded" }),
    ],
    ["a prompt too long, by its words", "context_too_long", 400, error(limit)],
    [
      "llama.cpp's",
      "context_too_long",
      400,
      error("request exceeds", { type: "exceed_context_size_error", code: 400 }),
    ],
    ["a key", "refused_key", 401, error("Incorrect API key provided", { code: "invalid_api_key" })],
    [
      "xAI's key",
      "refused_key",
      400,
      { code: "x", error: "Incorrect API key provided: xa***. Get one at console.x.ai." },
    ],
    [
      "an empty purse with 429",
      "credits",
      429,
      error("You exceeded your current quota", { code: "insufficient_quota" }),
    ],
    [
      "Google's rate",
      "rate_limited",
      429,
      error("You exceeded your current quota, please check your plan and billing details."),
    ],
    ["DeepSeek's purse", "credits", 402, error("Insufficient Balance", { type: "unknown_error" })],
    ["a rate", "rate_limited", 429, error("Rate limit reached", { code: "rate_limit_exceeded" })],
    [
      "what alone is above the rate",
      "too_large",
      413,
      error("Request too large: tokens per minute (TPM): Limit 6000", { code: "rate_limit_exceeded" }),
    ],
    ["a model that is not there", "not_found", 404, error("The model `x` does not exist", { code: "model_not_found" })],
    ["a region", "forbidden", 403, error("Country, region, or territory not supported")],
    ["too many at once", "overloaded", 503, error("The engine is currently overloaded")],
    ["Moonshot's engine", "overloaded", 429, error("busy", { type: "engine_overloaded_error" })],
    ["vLLM's form", "rejected", 422, { object: "error", message: "bad", code: 422 }],
    ["FastAPI's form", "rejected", 422, { detail: [{ msg: "field required" }] }],
    ["a page", "server", 502, undefined],
    ["a gateway's timeout", "timeout", 504, undefined],
  ];

for (const [name, kind, status, body] of table) {
  test(`${name} is ${kind}`, () => {
    const failure = openaiChatCodec.decodeFailure(status, body);
    assert.deepEqual([failure.kind, failure.status], [kind, status]);
  });
}

test("the counts of a prompt that is too long are told (B37)", () => {
  const { tokens } = openaiChatCodec.decodeFailure(400, error(limit));
  assert.deepEqual(tokens, { asked: 130_500, most: 128_000 });
});

test("when to try again is read from the words", () => {
  const after = (words: string) => openaiChatCodec.decodeFailure(429, error(`Please ${words}.`)).retryAfterSeconds;
  assert.equal(after("try again in 1.2s"), 2);
  assert.equal(after("try again in 320ms"), 1);
  assert.equal(after("try again in 2m3.5s"), 124);
  assert.equal(after("try again later"), undefined);
});

test("what the provider behind a broker said is told, too", () => {
  const { message, kind } = openaiChatCodec.decodeFailure(
    400,
    error("Provider returned error", { metadata: { raw: limit } }),
  );
  assert.match(message, /^Provider returned error: This model/);
  assert.equal(kind, "context_too_long");
  assert.equal(openaiChatCodec.decodeFailure(422, { detail: "no such thing" }).message, "no such thing");
});
