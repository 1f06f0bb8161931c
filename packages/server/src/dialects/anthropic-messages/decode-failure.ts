import type { JsonObject } from "../canonical/conversation.ts";
import { failureOf, failureWords, kindOfStatus, kindOfWords } from "../canonical/failure-words.ts";
import type { FailureKind, UpstreamFailure } from "../canonical/reply.ts";
import { field, text } from "../counter.ts";

/** https://docs.claude.com/en/api/errors; a request that is refused says why in words only. */
const kindByType: Readonly<Record<string, FailureKind>> = {
  authentication_error: "refused_key",
  billing_error: "credits",
  permission_error: "forbidden",
  not_found_error: "not_found",
  request_too_large: "too_large",
  content_too_large: "too_large",
  rate_limit_error: "rate_limited",
  overloaded_error: "overloaded",
  timeout_error: "timeout",
  api_error: "server",
};

export function decodeFailure(status: number, body: JsonObject | undefined): UpstreamFailure {
  const error = field(body, "error") ?? body;
  const type = text(error, "type") ?? "";
  const message = failureWords(error);
  const stated = Object.hasOwn(kindByType, type) ? kindByType[type] : undefined;
  return failureOf(kindOf(status, type, stated, message), status, message);
}

/** The words tell more than a refusal's status and type, and less than any other. */
function kindOf(status: number, type: string, stated: FailureKind | undefined, message: string): FailureKind {
  const isRefusal = type === "invalid_request_error" || (stated === undefined && status >= 400 && status < 500);
  const told = isRefusal ? kindOfWords(message) : undefined;
  if (told !== undefined) return told;
  if (stated !== undefined && !(stated === "server" && status !== 200)) return stated;
  if (status !== 200) return kindOfStatus(status);
  return type === "invalid_request_error" ? "rejected" : "server";
}
