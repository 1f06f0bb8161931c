import type { ErrorCode } from "@portcullis/contract";
import type { Failure } from "../dialect.ts";
import { failureText } from "../failure-text.ts";

/** Error types by status; see https://docs.anthropic.com/en/api/errors. */
const typeByStatus: Readonly<Record<number, string>> = {
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  429: "rate_limit_error",
  503: "overloaded_error",
  504: "timeout_error",
  529: "overloaded_error",
};

/** Where the status alone would tell a client to wait for something that will not come by waiting. */
const typeByCode: Readonly<Partial<Record<ErrorCode, string>>> = {
  no_credential: "api_error",
};

function typeOf(failure: Failure): string {
  const fallback = failure.status < 500 ? "invalid_request_error" : "api_error";
  return typeByCode[failure.code] ?? typeByStatus[failure.status] ?? fallback;
}

function errorObject(failure: Failure): string {
  return JSON.stringify({
    type: "error",
    error: { type: typeOf(failure), message: failureText(failure) },
    request_id: failure.requestId,
  });
}

export function encodeFailure(failure: Failure): { readonly status: number; readonly body: Buffer } {
  return { status: failure.status, body: Buffer.from(errorObject(failure)) };
}

export function encodeFailureEvent(failure: Failure): Buffer {
  return Buffer.from(`event: error\ndata: ${errorObject(failure)}\n\n`);
}
