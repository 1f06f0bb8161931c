import type { JsonObject } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";
import { isObject } from "../canonical/wire.ts";

/** Fields that are read, or that say what is so anyway. */
const read = new Set(
  (
    "model messages max_tokens system tools tool_choice thinking output_config output_format stop_sequences stream metadata " +
    "cache_control temperature top_p top_k service_tier speed context_management"
  ).split(" "),
);

/** What only told something about the caller or its bill. */
const hints = new Set("diagnostics billing_policy fallback_credit_token user_profile_id workspace_id".split(" "));

/** What of the request no other dialect can say. */
export function notCarried(body: JsonObject, losses: Losses): void {
  for (const [key, value] of Object.entries(body)) {
    if (read.has(key) || isNothing(value)) continue;
    if (hints.has(key)) losses.hint(key, "only Anthropic's API knows it");
    else losses.dropped(key, "only Anthropic's API knows it");
  }
  if (body["service_tier"] === "standard_only") losses.hint("service_tier", "other providers have no such tier");
  contextEdits(body["context_management"], losses);
  outputOptions(body["output_config"], losses);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

/** Clearing what is old saves room; a summary in its place is another conversation. */
function contextEdits(value: unknown, losses: Losses): void {
  if (!isObject(value)) return;
  const edits = Array.isArray(value["edits"]) ? value["edits"] : [];
  const onlyClears = edits.every((edit: unknown) => isObject(edit) && String(edit["type"]).startsWith("clear_"));
  if (onlyClears) losses.hint("context_management", "the conversation is sent whole");
  else losses.dropped("context_management", "the conversation is sent whole, without a summary");
}

function outputOptions(value: unknown, losses: Losses): void {
  if (!isObject(value)) return;
  for (const [key, each] of Object.entries(value)) {
    if (key === "effort" || key === "format" || isNothing(each)) continue;
    losses.dropped(`output_config.${key}`, "only Anthropic's API knows it");
  }
}
