import { failureOf, failureWords, kindOfStatus, kindOfWords } from "../canonical/failure-words.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { FailureKind, UpstreamFailure } from "../canonical/reply.ts";
import { isObject } from "../canonical/wire.ts";
import { field, text } from "../counter.ts";

/** What an error answer means; servers that are not OpenAI's have the error itself as the body, or only its text. */
export function decodeFailure(status: number, body: JsonObject | undefined): UpstreamFailure {
  return failureOfError(body?.["error"] ?? body, status);
}

/** An `error`, of an answer, an event or a failed response. */
export function failureOfError(error: unknown, status: number = 200): UpstreamFailure {
  const words = failureWords(error);
  const code = isObject(error) ? (text(error, "code") ?? "") : "";
  const type = isObject(error) ? (text(error, "type") ?? "") : "";
  const named =
    kinds.get(code) ?? kindOfWords(`${words} ${code} ${type}`) ?? (isVague(status) ? kinds.get(type) : undefined);
  const kind = named ?? kindOfNumber(error, status);
  return failureOf(kind, status, words === "" ? code : words);
}

/** A status that may mean anything; the others say more than a type does. */
function isVague(status: number): boolean {
  return status === 200 || status === 400 || status === 500;
}

/** Some proxies say the status as the code of an error in a stream that began with 200. */
function kindOfNumber(error: unknown, status: number): FailureKind {
  const code = Number(field(error, "code") ?? field(error, "status"));
  return kindOfStatus(status === 200 && Number.isInteger(code) && code >= 400 ? code : status);
}

/** What OpenAI and the servers that speak its dialect call errors, as codes and as types. */
const kinds: ReadonlyMap<string, FailureKind> = new Map(
  Object.entries<FailureKind>({
    context_length_exceeded: "context_too_long",
    exceed_context_size_error: "context_too_long",
    insufficient_quota: "credits",
    billing_hard_limit_reached: "credits",
    billing_not_active: "credits",
    invalid_api_key: "refused_key",
    authentication_error: "refused_key",
    invalid_authentication: "refused_key",
    permission_denied: "forbidden",
    permission_error: "forbidden",
    unsupported_country_region_territory: "forbidden",
    model_not_found: "not_found",
    not_found_error: "not_found",
    rate_limit_exceeded: "rate_limited",
    rate_limit_error: "rate_limited",
    tokens: "rate_limited",
    requests: "rate_limited",
    server_is_overloaded: "overloaded",
    slow_down: "overloaded",
    overloaded_error: "overloaded",
    engine_overloaded: "overloaded",
    timeout: "timeout",
    invalid_prompt: "rejected",
    invalid_request_error: "rejected",
    bio_policy: "rejected",
    server_error: "server",
  }),
);
