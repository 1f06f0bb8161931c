import type { Answer, Ask } from "./reply.ts";
import type { JsonObject } from "./wire.ts";

/** Why a vendor refuses. What is left out is filled in from the status, as the vendor's table has it. */
export interface Failure {
  readonly status: number;
  readonly message: string;
  /** `invalid_request_error`, `overloaded_error` … */
  readonly type?: string | undefined;
  /** OpenAI's machine-readable code: `invalid_api_key`, `model_not_found` … */
  readonly code?: string | undefined;
  /** OpenAI: the field that is wrong, `messages[0].role`. */
  readonly param?: string | undefined;
}

/** One request as a vendor sees it. */
export interface Call {
  readonly body: JsonObject;
  readonly bytes: Buffer;
  /** Header values by lower-case name. */
  readonly header: (name: string) => string | undefined;
}

/** What a finished answer is rendered with: ids are taken in order, so the same seed gives the same bytes. */
export interface Rendering {
  readonly answer: Answer;
  readonly body: JsonObject;
  readonly nextId: IdSource;
  readonly createdSeconds: number;
  /** Whether usage is reported; only a script leaves it out. */
  readonly withUsage: boolean;
}

/** A made-up id: the prefix and `length` letters and digits. */
export type IdSource = (prefix: string, length: number) => string;

/** One API of one vendor: a language, no I/O. */
export interface Vendor {
  readonly dialect: "anthropic-messages" | "openai-chat" | "openai-responses";
  /** The first thing the vendor would find wrong with the request. */
  check(call: Call): Failure | undefined;
  /** What is asked, as far as it can be made out; never throws, however odd the body. */
  read(call: Call): Ask;
  /** The JSON reply. */
  reply(rendering: Rendering): string;
  /** The server-sent events, each complete with its blank line, LF as line ending. */
  events(rendering: Rendering): Stream;
}

/** A rendered stream. */
export interface Stream {
  readonly events: readonly string[];
  /** How many events at the end are the end marker: `message_stop`, `[DONE]`, `response.completed`. */
  readonly endEvents: number;
  /** The event that reports a failure after so many events. */
  failure(failure: Failure, eventCount: number): string;
}

/** Which vendor's manners apply: error bodies, authentication, request-id header. */
export type House = "anthropic" | "openai";

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
  const code = failure.code ?? openaiCodes[failure.status] ?? null;
  const type = failure.type ?? (failure.status === 429 ? "requests" : defaultType(failure.status, "server_error"));
  return { error: { message: failure.message, type, param: failure.param ?? null, code } };
}

function defaultType(status: number, serverType: string): string {
  return status < 500 ? "invalid_request_error" : serverType;
}
