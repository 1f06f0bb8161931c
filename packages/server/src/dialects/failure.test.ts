import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type ErrorCode, errorCodes } from "@portcullis/contract";
import { AppError } from "../kernel/errors.ts";
import { createSseReader } from "../kernel/sse.ts";
import { field } from "./counter.ts";
import { type Dialect, type DialectId, dialectById, dialects, type Failure } from "./index.ts";
import { streamReader } from "./test-parts.ts";

const requestId = "01jc3x0000000000000000000a";
const codes = Object.keys(errorCodes) as ErrorCode[];

function failureOf(code: ErrorCode, values: Readonly<Record<string, string>> = {}): Failure {
  const error = new AppError(code, values);
  return {
    code,
    status: error.status,
    message: error.message,
    requestId,
    ...(error.hint !== undefined && { hint: error.hint }),
  };
}

function answer(dialect: Dialect, failure: Failure): unknown {
  const { status, body } = dialect.failure.encode(failure);
  // Anthropic alone has a status of its own for what is overloaded.
  const isOwn = failure.status === 529 && dialect.id !== "anthropic-messages";
  assert.equal(status, isOwn ? 503 : failure.status);
  return JSON.parse(body.toString());
}

describe("an error in the caller's dialect", () => {
  test("says what is wrong and what to do, for every code in every dialect", () => {
    for (const code of codes) {
      const failure = failureOf(code);
      for (const dialect of dialects) {
        const said = field(answer(dialect, failure), "error");
        const message = String(field(said, "message") ?? said);
        assert.ok(message.startsWith(failure.message), `${dialect.id}: ${message}`);
        if (failure.hint !== undefined) assert.ok(message.endsWith(failure.hint.slice(1)), `${dialect.id}: ${message}`);
        if (typeof said !== "string") assert.match(String(field(said, "type") ?? field(said, "status")), /^[a-z_]+$/i);
      }
    }
  });

  test("is Anthropic's error object, with the request id in it", () => {
    assert.deepEqual(
      answer(dialectById("anthropic-messages"), failureOf("key_expired", { id: "key_1", when: "Monday" })),
      {
        type: "error",
        error: {
          type: "authentication_error",
          message: "the key key_1 expired on Monday. Make a new one with `portcullis keys rotate key_1`",
        },
        request_id: requestId,
      },
    );
  });

  test("is OpenAI's error object", () => {
    for (const id of ["openai-chat", "openai-responses"] as const) {
      assert.deepEqual(answer(dialectById(id), failureOf("invalid_json", { problem: "it is empty" })), {
        error: {
          message: "the request body is not valid JSON: it is empty",
          type: "invalid_request_error",
          param: null,
          code: "invalid_json",
        },
      });
    }
  });

  test("is a text for Ollama's clients, who go by the status", () => {
    assert.deepEqual(answer(dialectById("ollama"), failureOf("engine_action_refused", { action: "`/api/pull`" })), {
      error:
        "`/api/pull` is up to whoever runs the engine, and not done through this gateway. Ask them, or do it at the engine's own address",
    });
  });

  test("has the type and code that the vendor's clients act on", () => {
    const table: readonly (readonly [ErrorCode, number, string, string, string])[] = [
      ["invalid_request", 400, "invalid_request_error", "invalid_request_error", "invalid_request"],
      ["missing_key", 401, "authentication_error", "invalid_request_error", "invalid_api_key"],
      ["key_disabled", 401, "authentication_error", "invalid_request_error", "invalid_api_key"],
      ["model_not_allowed", 403, "permission_error", "permission_denied", "model_not_allowed"],
      ["model_not_found", 404, "not_found_error", "invalid_request_error", "model_not_found"],
      ["body_too_large", 413, "invalid_request_error", "invalid_request_error", "body_too_large"],
      ["internal", 500, "api_error", "server_error", "internal"],
      ["upstream_refused_key", 502, "api_error", "server_error", "upstream_auth"],
      ["upstream_broke", 502, "api_error", "server_error", "upstream_broke"],
      ["vault_sealed", 503, "overloaded_error", "server_error", "vault_sealed"],
      ["no_credential", 503, "api_error", "server_error", "no_credential"],
      ["upstream_timeout", 504, "timeout_error", "server_error", "upstream_timeout"],
    ];
    for (const [code, status, anthropic, type, openai] of table) {
      const failure = failureOf(code);
      assert.equal(failure.status, status);
      assert.equal(field(answer(dialectById("anthropic-messages"), failure), "error", "type"), anthropic, code);
      assert.equal(field(answer(dialectById("openai-chat"), failure), "error", "type"), type, code);
      assert.equal(field(answer(dialectById("openai-chat"), failure), "error", "code"), openai, code);
    }
  });
});

describe("a stream that fails", () => {
  const failure = failureOf("upstream_broke", { provider: "openai" });

  /** The one event that tells of it, after the first `bytes` of a stream went by. */
  function eventAfter(id: DialectId, stream: Buffer): { readonly name: string; readonly data: unknown } {
    const { failure: dialect } = dialectById(id);
    const reader = streamReader(id);
    reader.push(stream);
    const encoded = dialect.encodeEvent(failure, reader.end(), "sse");
    assert.ok(encoded);
    assert.ok(encoded.toString().endsWith("\n\n"));
    const [event, ...others] = createSseReader(10_000).push(encoded);
    assert.ok(event);
    assert.deepEqual(others, []);
    return { name: event.name, data: JSON.parse(event.data) };
  }

  test("ends with an `error` event for Anthropic's clients", () => {
    assert.deepEqual(eventAfter("anthropic-messages", Buffer.from("")), {
      name: "error",
      data: {
        type: "error",
        error: { type: "api_error", message: "openai broke off its reply" },
        request_id: requestId,
      },
    });
  });

  test("ends with an error chunk for Chat Completions' clients, and without [DONE]", () => {
    const error = { message: "openai broke off its reply", type: "server_error", param: null, code: "upstream_broke" };
    assert.deepEqual(eventAfter("openai-chat", Buffer.from("")), { name: "message", data: { error } });
  });

  test("ends with a line that is an error for Ollama's clients", () => {
    const encoded = dialectById("ollama").failure.encodeEvent(failure, undefined, "ndjson");
    assert.equal(encoded?.toString(), '{"error":"openai broke off its reply"}\n');
  });

  test("ends with the same response, failed, for Responses' clients", () => {
    const file = join(import.meta.dirname, "../../test/fixtures/openai-responses/text.sse");
    const stream = readFileSync(file);
    const fourEvents = stream.subarray(0, stream.indexOf("event: response.reasoning_summary_text.delta"));
    const { name, data } = eventAfter("openai-responses", fourEvents);
    assert.equal(name, "response.failed");
    assert.equal(field(data, "type"), "response.failed");
    assert.equal(field(data, "sequence_number"), 3);
    const response = field(data, "response");
    assert.equal(field(response, "id"), "resp_67c9fdcecf488190bdd9a0409de3a1ec");
    assert.equal(field(response, "created_at"), 1741290958);
    assert.equal(field(response, "model"), "gpt-5.1-2025-11-13");
    assert.equal(field(response, "status"), "failed");
    assert.deepEqual(field(response, "error"), { code: "server_error", message: "openai broke off its reply" });
    assert.equal(field(response, "output"), undefined);
  });

  test("names the response even if the first event repeats a long request", () => {
    const created = JSON.stringify({
      type: "response.created",
      response: { id: "resp_long", created_at: 7, instructions: "x".repeat(100_000), model: "gpt-5" },
      sequence_number: 0,
    });
    const { data } = eventAfter("openai-responses", Buffer.from(`data: ${created}\n\n`));
    assert.equal(field(data, "response", "id"), "resp_long");
    assert.equal(field(data, "response", "created_at"), 7);
    assert.equal(field(data, "sequence_number"), 1);
  });

  test("before it began gets a response of our own", () => {
    const { data } = eventAfter("openai-responses", Buffer.from(": nothing yet\n"));
    assert.equal(field(data, "response", "id"), `resp_${requestId}`);
    assert.equal(field(data, "sequence_number"), 0);
  });
});
