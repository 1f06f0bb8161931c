import type { JsonObject } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { invalid, optionalList } from "../canonical/wire.ts";

/*
 * The fields of a request that no conversation holds: what must not be ignored is refused, what would have changed the answer is
 * dropped, and the rest are hints. A field that says its default is nothing at all.
 */

/** @throws AppError `invalid_request` for what only the provider that kept it could know */
export function refuseKept(body: JsonObject): void {
  for (const field of ["previous_response_id", "conversation"]) {
    if (isSet(body[field])) {
      throw invalid(
        field,
        "cannot be used: nothing is kept between requests here; send the whole input with store: false",
      );
    }
  }
  if (body["background"] === true) {
    throw invalid("background", "cannot be used: nothing is kept here; ask with stream: true and store: false instead");
  }
  if (typeof body["n"] === "number" && body["n"] > 1) {
    throw invalid("n", "must be 1: one answer is given to a request; ask as often as you want answers");
  }
  if (isSet(body["prompt"])) {
    throw invalid("prompt", "names a template that lies at OpenAI; send its text as `instructions` and `input`");
  }
}

export function noteOtherFields(body: JsonObject, losses: Losses): void {
  noteIncluded(body["include"], losses);
  for (const [field, value] of Object.entries(body)) {
    if (decoded.has(field) || !isSet(value) || saysNothing(field, value)) continue;
    const why = hints.get(field);
    if (why !== undefined) losses.hint(field, why);
    else losses.dropped(field, "other dialects have nothing like it");
  }
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** What the conversation holds, and what is looked at elsewhere. */
const decoded: ReadonlySet<string> = new Set(
  (
    "background conversation frequency_penalty include input instructions max_output_tokens model parallel_tool_calls presence_penalty " +
    "previous_response_id prompt prompt_cache_key reasoning safety_identifier stream stream_options temperature text tool_choice tools " +
    "top_p user"
  ).split(" "),
);

/** Values that are the default, or are in the conversation. */
const meaningless: ReadonlyMap<string, readonly unknown[]> = new Map(
  Object.entries<readonly unknown[]>({
    store: [false],
    truncation: ["disabled"],
    service_tier: ["auto", "default", "fast"],
    top_logprobs: [0],
  }),
);

function saysNothing(field: string, value: unknown): boolean {
  const isEmpty = typeof value === "object" && value !== null && Object.keys(value).length === 0;
  return isEmpty || meaningless.get(field)?.includes(value) === true;
}

const hints: ReadonlyMap<string, string> = new Map(
  Object.entries({
    access_programs: "it is about the caller's account at OpenAI",
    client_metadata: "it tells of the caller",
    image: "it only saves tokens",
    max_tool_calls: "it is about tools that a provider of this dialect runs",
    metadata: "it is kept with replies, and none is kept",
    prompt_cache_options: "other providers decide by themselves what they keep",
    prompt_cache_retention: "other providers decide by themselves what they keep",
    service_tier: "other providers have no such tier",
    store: "items of the reply can be referred to for an hour, and nothing else is kept",
    truncation: "nothing is left out of the input",
  }),
);

/** What a reply is to hold besides: only log probabilities would tell of the answer. */
function noteIncluded(value: unknown, losses: Losses): void {
  for (const [index, included] of optionalList(value, "include").entries()) {
    const path = `include[${index}]`;
    if (included === "reasoning.encrypted_content") continue; // it always comes
    if (included === "message.output_text.logprobs") losses.dropped(path, "other dialects' replies have none");
    else losses.hint(path, "it is about tools that a provider of this dialect runs");
  }
}
