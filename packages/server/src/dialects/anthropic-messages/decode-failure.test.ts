import assert from "node:assert/strict";
import { test } from "node:test";
import { anthropicCodec } from "./codec.ts";

function kindOf(status: number, type: string, message = ""): string {
  return anthropicCodec.decodeFailure(status, { type: "error", error: { type, message }, request_id: "req_1" }).kind;
}

test("an error is known by its type, else by its status", () => {
  assert.equal(kindOf(401, "authentication_error"), "refused_key");
  assert.equal(kindOf(402, "billing_error"), "credits");
  assert.equal(kindOf(403, "permission_error"), "forbidden");
  assert.equal(kindOf(404, "not_found_error"), "not_found");
  assert.equal(kindOf(413, "request_too_large"), "too_large");
  assert.equal(kindOf(429, "rate_limit_error"), "rate_limited");
  assert.equal(kindOf(500, "api_error"), "server");
  assert.equal(kindOf(504, "timeout_error"), "timeout");
  assert.equal(kindOf(529, "overloaded_error"), "overloaded");
  assert.equal(kindOf(400, "invalid_request_error", "messages: at least one message is required"), "rejected");
  assert.equal(kindOf(422, "of_tomorrow"), "rejected");
  assert.equal(kindOf(503, "of_tomorrow"), "overloaded");
});

test("in a stream, where the status says nothing, the type does", () => {
  assert.equal(kindOf(200, "overloaded_error"), "overloaded");
  assert.equal(kindOf(200, "api_error"), "server");
  assert.equal(kindOf(200, "invalid_request_error"), "rejected");
  assert.equal(kindOf(200, "of_tomorrow"), "server");
});

test("what only the words tell is read from them (B37)", () => {
  const words = "prompt is too long: 250000 tokens > 200000 maximum";
  const failure = anthropicCodec.decodeFailure(400, {
    type: "error",
    error: { type: "invalid_request_error", message: words },
  });
  assert.deepEqual(failure, {
    kind: "context_too_long",
    status: 400,
    message: words,
    tokens: { asked: 250_000, most: 200_000 },
  });
  assert.equal(kindOf(400, "invalid_request_error", "Your credit balance is too low to access the API."), "credits");
  assert.equal(kindOf(529, "overloaded_error", "prompt is too long"), "overloaded");
});

test("an answer of another shape, or none at all, is known by its status (B38)", () => {
  const { decodeFailure } = anthropicCodec;
  assert.deepEqual(decodeFailure(502, undefined), { kind: "server", status: 502, message: "" });
  assert.deepEqual(decodeFailure(404, { error: "model 'x' not found" }), {
    kind: "not_found",
    status: 404,
    message: "model 'x' not found",
  });
  assert.deepEqual(decodeFailure(429, { message: "slow down" }), {
    kind: "rate_limited",
    status: 429,
    message: "slow down",
  });
  assert.deepEqual(decodeFailure(500, { error: { type: 1, message: null } }), {
    kind: "server",
    status: 500,
    message: "",
  });
});
