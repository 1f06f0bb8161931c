import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "@portcullis/contract";
import { AppError } from "../../kernel/errors.ts";
import type { Failure } from "../dialect.ts";
import { gemini } from "./index.ts";

function failureOf(code: ErrorCode, more: Partial<Failure> = {}): Failure {
  const { status, message } = new AppError(code, { provider: "google" });
  return { code, status, message, requestId: "r", ...more };
}

function encoded(failure: Failure): unknown {
  const { status, body } = gemini.failure.encode(failure);
  assert.equal(status, failure.status);
  return JSON.parse(body.toString());
}

test("an error has the code, the words and the status name that Google's clients read", () => {
  const failure = failureOf("upstream_broke");
  assert.deepEqual(encoded(failure), {
    error: { code: 502, message: "google broke off its reply", status: "UNAVAILABLE" },
  });
  for (const [code, name] of [
    ["invalid_request", "INVALID_ARGUMENT"],
    ["body_too_large", "INVALID_ARGUMENT"],
    ["missing_key", "UNAUTHENTICATED"],
    ["model_not_allowed", "PERMISSION_DENIED"],
    ["model_not_found", "NOT_FOUND"],
    ["internal", "INTERNAL"],
    ["no_credential", "FAILED_PRECONDITION"],
    ["vault_sealed", "UNAVAILABLE"],
    ["upstream_timeout", "DEADLINE_EXCEEDED"],
  ] as const) {
    const { error } = encoded(failureOf(code)) as { readonly error: { readonly status: string } };
    assert.equal(error.status, name, code);
  }
});

test("when to try again is told as Google tells it", () => {
  assert.deepEqual(encoded(failureOf("vault_sealed", { message: "sealed", retryAfterSeconds: 7 })), {
    error: {
      code: 503,
      message: "sealed",
      status: "UNAVAILABLE",
      details: [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: "7s" }],
    },
  });
});

test("a stream of events ends with an error; an array cannot, and is broken off", () => {
  const failure = failureOf("upstream_broke");
  const event = gemini.failure.encodeEvent(failure, undefined, "sse");
  assert.equal(
    event?.toString(),
    'data: {"error":{"code":502,"message":"google broke off its reply","status":"UNAVAILABLE"}}\n\n',
  );
  assert.equal(gemini.failure.encodeEvent(failure, undefined, "json-array"), undefined);
});
