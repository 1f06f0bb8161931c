import type { ErrorCode } from "@portcullis/contract";
import type { Failure, StreamFraming, UsageReading } from "../dialect.ts";
import { plainStatus } from "../failure-status.ts";
import { failureText } from "../failure-text.ts";

/** The names of google.rpc.Code by status; https://cloud.google.com/apis/design/errors. */
const nameByStatus: Readonly<Record<number, string>> = {
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  501: "UNIMPLEMENTED",
  504: "DEADLINE_EXCEEDED",
};

/** Where the status alone would tell a client to wait for something that will not come by waiting. */
const nameByCode: Readonly<Partial<Record<ErrorCode, string>>> = {
  no_credential: "FAILED_PRECONDITION",
};

function nameOf(failure: Failure): string {
  const fallback = failure.status < 500 ? "INVALID_ARGUMENT" : "UNAVAILABLE";
  return nameByCode[failure.code] ?? nameByStatus[failure.status] ?? fallback;
}

/** When to try again is told here too: Google's clients do not read the header. */
export function errorObject(failure: Failure): string {
  const { retryAfterSeconds } = failure;
  const code = plainStatus(failure);
  const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfterSeconds}s` };
  const details = retryAfterSeconds === undefined ? {} : { details: [retryInfo] };
  return JSON.stringify({ error: { code, message: failureText(failure), status: nameOf(failure), ...details } });
}

export function encodeFailure(failure: Failure): { readonly status: number; readonly body: Buffer } {
  return { status: plainStatus(failure), body: Buffer.from(errorObject(failure)) };
}

/** An array that was cut in the middle of an element has no place for an error: only the connection's end can tell. */
export function encodeFailureEvent(
  failure: Failure,
  _reading: UsageReading | undefined,
  framing: StreamFraming,
): Buffer | undefined {
  return framing === "sse" ? Buffer.from(`data: ${errorObject(failure)}\n\n`) : undefined;
}
