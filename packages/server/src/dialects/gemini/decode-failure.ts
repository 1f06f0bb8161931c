import type { JsonObject } from "../canonical/conversation.ts";
import { failureOf, failureWords, kindOfStatus, kindOfWords } from "../canonical/failure-words.ts";
import type { FailureKind, UpstreamFailure } from "../canonical/reply.ts";
import { field, text } from "../counter.ts";

/** The names of google.rpc.Code; what a request that is refused is about, only the words or the details tell. */
const kindByName: Readonly<Record<string, FailureKind>> = {
  UNAUTHENTICATED: "refused_key",
  PERMISSION_DENIED: "forbidden",
  NOT_FOUND: "not_found",
  RESOURCE_EXHAUSTED: "rate_limited",
  UNAVAILABLE: "overloaded",
  INTERNAL: "server",
  UNKNOWN: "server",
  ABORTED: "server",
  CANCELLED: "server",
  DATA_LOSS: "server",
  DEADLINE_EXCEEDED: "timeout",
  UNIMPLEMENTED: "rejected",
};

const refusals = new Set(["INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE"]);

export function decodeFailure(status: number, body: JsonObject | undefined): UpstreamFailure {
  const error = field(body, "error") ?? body;
  const message = failureWords(error);
  const details = detailsOf(error);
  const failure = failureOf(kindOf(status, text(error, "status") ?? "", message, details), status, message);
  const wait = details.map((detail) => text(detail, "retryDelay")).find((delay) => delay !== undefined);
  const seconds = wait === undefined ? Number.NaN : Number.parseFloat(wait);
  return Number.isFinite(seconds) && seconds >= 0 ? { ...failure, retryAfterSeconds: Math.ceil(seconds) } : failure;
}

function detailsOf(error: unknown): readonly unknown[] {
  const details = field(error, "details");
  return Array.isArray(details) ? (details as readonly unknown[]) : [];
}

/** Money that is spent, said with the name of a rate; a quota is a rate, whatever it says of plans. */
const spent = /credits?\b[^.]{0,40}\bdeplet|prepa(?:id|yment)[^.]{0,40}\b(?:deplet|exhaust)|spend(?:ing)? cap/i;

function kindOf(status: number, name: string, message: string, details: readonly unknown[]): FailureKind {
  if (details.some((detail) => text(detail, "reason")?.startsWith("API_KEY_") === true)) return "refused_key";
  if (name === "RESOURCE_EXHAUSTED") return spent.test(message) ? "credits" : "rate_limited";
  const stated = Object.hasOwn(kindByName, name) ? kindByName[name] : undefined;
  const isRefusal =
    refusals.has(name) || name === "PERMISSION_DENIED" || (name === "" && status >= 400 && status < 500);
  const told = isRefusal ? kindOfWords(message) : undefined;
  if (told !== undefined) return told;
  if (stated !== undefined) return stated;
  if (refusals.has(name)) return "rejected";
  return status === 200 ? "server" : kindOfStatus(status);
}
