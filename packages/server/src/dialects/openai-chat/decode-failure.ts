import type { JsonObject } from "../canonical/conversation.ts";
import { failureOf, failureWords, kindOfStatus, kindOfWords } from "../canonical/failure-words.ts";
import type { FailureKind, UpstreamFailure } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import { counter, field, text } from "../counter.ts";

/** What the codes and types of OpenAI and its likes mean, where the status does not say it or another thing. */
const kinds: Readonly<Record<string, FailureKind>> = {
  context_length_exceeded: "context_too_long",
  exceed_context_size_error: "context_too_long", // llama.cpp
  string_above_max_length: "context_too_long",
  insufficient_quota: "credits",
  billing_hard_limit_reached: "credits",
  billing_not_active: "credits",
  insufficient_balance: "credits",
  invalid_api_key: "refused_key",
  incorrect_api_key: "refused_key",
  authentication_error: "refused_key",
  model_not_found: "not_found",
  rate_limit_exceeded: "rate_limited",
  rate_limit_error: "rate_limited",
  engine_overloaded_error: "overloaded", // Moonshot
  overloaded_error: "overloaded",
  server_overloaded: "overloaded",
  request_timeout: "timeout",
};

/** @param body undefined if it was no JSON object */
export function decodeFailure(status: number, body: JsonObject | undefined): UpstreamFailure {
  const stated = body && failureIn(body, status);
  return stated ?? failureFrom({ message: plainWords(body), code: body?.["code"], type: body?.["type"] }, status);
}

/**
 * The error that a document states: `error` is an object with most, a text with some; vLLM's and Mistral's are the document
 * itself, `{"object":"error","message":…}`; Groq says it in `x_groq` when it comes in a stream. Undefined if it states none.
 */
export function failureIn(document: JsonObject, status = 200): UpstreamFailure | undefined {
  const { error } = document;
  if (isObject(error) || (typeof error === "string" && error !== "")) return failureFrom(error, status);
  if (document["object"] === "error" && text(document, "message") !== undefined) return failureFrom(document, status);
  const groq = text(document, "x_groq", "error");
  return groq === undefined ? undefined : failureFrom(groq, status);
}

/** In a stream the status stands in the error, if anywhere: OpenRouter's and vLLM's `code` is one. */
function failureFrom(error: unknown, answered: number): UpstreamFailure {
  const stated = [counter(error, "code"), counter(error, "status"), counter(error, "http_code")];
  const status =
    answered === 200 ? (stated.find((code) => code !== undefined && code >= 400 && code < 600) ?? 200) : answered;
  const message = wordsOf(error);
  const failure = failureOf(kindOf(error, status, message), status, message);
  const seconds = secondsIn(message);
  return failure.kind === "rate_limited" && seconds !== undefined
    ? { ...failure, retryAfterSeconds: seconds }
    : failure;
}

function kindOf(error: unknown, status: number, message: string): FailureKind {
  const told = [text(error, "code"), text(error, "type")].map(kindOfWord);
  const [named] = told.filter((kind) => kind !== undefined);
  // Groq says "rate limit" of a request that alone is above the rate: it will never be let through.
  if (status === 413) return named === "context_too_long" ? named : (kindOfWords(message) ?? "too_large");
  if (named !== undefined) return named;
  const words = kindOfWords(message);
  if (words !== undefined) return words;
  if (status !== 200) return kindOfStatus(status);
  return text(error, "type") === "invalid_request_error" ? "rejected" : "server";
}

/** Only of words that stand in the table: a provider may send any, `constructor` too. */
function kindOfWord(word: string | undefined): FailureKind | undefined {
  return word !== undefined && Object.hasOwn(kinds, word) ? kinds[word] : undefined;
}

/** OpenRouter puts what the provider behind it said into `metadata.raw`. */
function wordsOf(error: unknown): string {
  const words = failureWords(error);
  const raw = text(error, "metadata", "raw");
  return raw === undefined ? words : `${words}: ${raw}`.slice(0, 2_000);
}

/** Errors of web frameworks: `{"detail":"Not Found"}`, `{"message":"…"}`. */
function plainWords(body: JsonObject | undefined): string {
  const detail = field(body, "detail");
  const words = text(body, "message") ?? text(detail) ?? text(Array.isArray(detail) ? detail[0] : undefined, "msg");
  return (words ?? "").slice(0, 2_000);
}

/** "Please try again in 1m2.5s": OpenAI's and Groq's way to say it in words. */
function secondsIn(message: string): number | undefined {
  const found = /try again in (?:(\d{1,4})m(?!s))?(?:(\d{1,6}(?:\.\d{1,6})?)(ms|s))?/i.exec(message);
  const [, minutes = "0", amount = "0", unit = "s"] = found ?? [];
  const seconds = Number(minutes) * 60 + Number(amount) / (unit.toLowerCase() === "ms" ? 1000 : 1);
  return seconds > 0 ? Math.ceil(seconds) : undefined;
}
