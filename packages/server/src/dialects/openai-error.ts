import type { ErrorCode } from "@portcullis/contract";
import type { Failure } from "./dialect.ts";
import { plainStatus } from "./failure-status.ts";
import { failureText } from "./failure-text.ts";

export interface OpenaiError {
  readonly message: string;
  readonly type: string;
  readonly param: null;
  readonly code: string;
}

/** The codes that OpenAI's clients know; every other error keeps our own. */
const codes: Readonly<Partial<Record<ErrorCode, string>>> = {
  missing_key: "invalid_api_key",
  invalid_key: "invalid_api_key",
  key_expired: "invalid_api_key",
  key_disabled: "invalid_api_key",
  upstream_refused_key: "upstream_auth",
  upstream_context_too_long: "context_length_exceeded",
  upstream_credits: "insufficient_quota",
  upstream_model_unknown: "model_not_found",
  upstream_rate_limited: "rate_limit_exceeded",
};

function typeOf(status: number): string {
  if (status >= 500) return "server_error";
  if (status === 402) return "insufficient_quota";
  if (status === 403) return "permission_denied";
  return status === 429 ? "rate_limit_exceeded" : "invalid_request_error";
}

export function openaiError(failure: Failure): OpenaiError {
  return {
    message: failureText(failure),
    type: typeOf(failure.status),
    param: null,
    code: codes[failure.code] ?? failure.code,
  };
}

/** The body of an answer that is an error, the same in both OpenAI dialects. */
export function encodeFailure(failure: Failure): { readonly status: number; readonly body: Buffer } {
  return { status: plainStatus(failure), body: Buffer.from(JSON.stringify({ error: openaiError(failure) })) };
}
