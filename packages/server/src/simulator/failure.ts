import type { JsonObject } from "./wire.ts";

/** Why a vendor refuses. What is left out is filled in from the status, as the vendor's table has it. */
export interface Failure {
  readonly status: number;
  readonly message: string;
  /** `invalid_request_error`, `overloaded_error` … */
  readonly type?: string | undefined;
  /** OpenAI's machine-readable code: `invalid_api_key`, `model_not_found` … */
  readonly code?: string | null | undefined;
  /** OpenAI: the field that is wrong, `messages[0].role`. */
  readonly param?: string | undefined;
  /** Google says it in the body. */
  readonly retryAfterSeconds?: number | undefined;
}

const anthropicTypes: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  402: "billing_error",
  403: "permission_error",
  404: "not_found_error",
  409: "conflict_error",
  413: "request_too_large",
  429: "rate_limit_error",
  504: "timeout_error",
  529: "overloaded_error",
};

const openaiCodes: Readonly<Record<number, string>> = {
  401: "invalid_api_key",
  404: "model_not_found",
  429: "rate_limit_exceeded",
};

const messages: Readonly<Record<number, string>> = {
  400: "The request is not valid.",
  401: "The API key is not valid.",
  402: "The credit balance is too low.",
  403: "The API key may not use this resource.",
  404: "The model does not exist.",
  413: "The request is larger than the vendor takes.",
  429: "The rate limit is reached. Try again later.",
  503: "The service is unavailable.",
  504: "The request took too long.",
  529: "Overloaded",
};

/** The sentence a status comes with when a script gives none. */
export function messageFor(status: number): string {
  return messages[status] ?? "An internal error of the vendor.";
}

/** Anthropic's error object: the body of an error, and the data of an `error` event. */
export function anthropicFailure(failure: Failure, requestId: string): JsonObject {
  const type = failure.type ?? anthropicTypes[failure.status] ?? defaultType(failure.status, "api_error");
  return { type: "error", error: { type, message: failure.message }, request_id: requestId };
}

/** OpenAI's error object: the body of an error, and the data of a failing Chat stream. */
export function openaiFailure(failure: Failure): JsonObject {
  const code = failure.code === undefined ? (openaiCodes[failure.status] ?? null) : failure.code;
  const type = failure.type ?? (failure.status === 429 ? "requests" : defaultType(failure.status, "server_error"));
  return { error: { message: failure.message, type, param: failure.param ?? null, code } };
}

const googleStatuses: Readonly<Record<number, string>> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  504: "DEADLINE_EXCEEDED",
};

/** Google's error object: the body of an error, and a chunk of a failing stream. */
export function googleFailure({ status: code, message, type, retryAfterSeconds }: Failure): JsonObject {
  const status = type ?? googleStatuses[code] ?? (code < 500 ? "FAILED_PRECONDITION" : "UNAVAILABLE");
  const retryInfo = { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay: `${retryAfterSeconds}s` };
  return { error: { code, message, status, ...(retryAfterSeconds !== undefined && { details: [retryInfo] }) } };
}

/** Cohere's. */
export function cohereFailure({ message }: Failure, requestId: string): JsonObject {
  return { id: requestId, message };
}

/** Ollama's: a text. The same in a reply and as a line of a stream. */
export function ollamaFailure({ message }: Failure): JsonObject {
  return { error: message };
}

function defaultType(status: number, serverType: string): string {
  return status < 500 ? "invalid_request_error" : serverType;
}
