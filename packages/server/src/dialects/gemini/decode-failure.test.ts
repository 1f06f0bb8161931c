import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeFailure } from "./decode-failure.ts";

const kindOf = (status: number, name: string, message = "No.", details: readonly object[] = []): string =>
  decodeFailure(status, { error: { code: status, message, status: name, details } }).kind;

test("the name of an error says what it is, where the status says less", () => {
  assert.equal(kindOf(401, "UNAUTHENTICATED"), "refused_key");
  assert.equal(kindOf(403, "PERMISSION_DENIED"), "forbidden");
  assert.equal(kindOf(404, "NOT_FOUND"), "not_found");
  assert.equal(kindOf(429, "RESOURCE_EXHAUSTED"), "rate_limited");
  assert.equal(kindOf(500, "INTERNAL"), "server");
  assert.equal(kindOf(503, "UNAVAILABLE"), "overloaded");
  assert.equal(kindOf(504, "DEADLINE_EXCEEDED"), "timeout");
  assert.equal(kindOf(400, "INVALID_ARGUMENT"), "rejected");
  assert.equal(kindOf(200, "INVALID_ARGUMENT"), "rejected");
  assert.equal(kindOf(200, ""), "server");
});

test("a bad key is one though the status is 400", () => {
  const details = [{ "@type": "type.googleapis.com/google.rpc.ErrorInfo", reason: "API_KEY_INVALID" }];
  assert.equal(
    kindOf(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", details),
    "refused_key",
  );
  assert.equal(kindOf(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "refused_key");
});

test("a prompt that is too long is told with its numbers (B37)", () => {
  const message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).";
  assert.deepEqual(decodeFailure(400, { error: { code: 400, message, status: "INVALID_ARGUMENT" } }), {
    kind: "context_too_long",
    status: 400,
    message,
    tokens: { asked: 1_200_000, most: 1_048_576 },
  });
});

test("a quota is a rate, with the time to wait; spent credits are not", () => {
  const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "34.4s" }];
  const message = "You exceeded your current quota, please check your plan and billing details.";
  const failure = decodeFailure(429, { error: { code: 429, message, status: "RESOURCE_EXHAUSTED", details } });
  assert.deepEqual([failure.kind, failure.retryAfterSeconds], ["rate_limited", 35]);
  assert.equal(kindOf(429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."), "credits");
});

test("what is no error object is told by its status", () => {
  assert.deepEqual(decodeFailure(502, undefined), { kind: "server", status: 502, message: "" });
  assert.equal(decodeFailure(404, { error: "not here" }).message, "not here");
  assert.equal(decodeFailure(429, {}).kind, "rate_limited");
});
