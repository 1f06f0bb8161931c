import type { JsonObject } from "../canonical/conversation.ts";
import type { Losses } from "../canonical/loss.ts";

/** What is read elsewhere, or says nothing to another provider. */
const read = new Set(
  (
    "model messages stream stream_options max_tokens max_completion_tokens temperature top_p top_k seed presence_penalty " +
    "frequency_penalty stop n modalities audio response_format tools tool_choice functions function_call parallel_tool_calls " +
    "reasoning reasoning_effort include_reasoning reasoning_format thinking enable_thinking verbosity user safety_identifier " +
    "prompt_cache_key service_tier"
  ).split(" "),
);

/** What saves time or money, or is for those who keep or watch requests. The last two lines are of OpenRouter and LiteLLM. */
const hints = new Set(
  (
    "store metadata prediction prompt_cache_options prompt_cache_retention cache_control keep_alive session_id trace " +
    "provider models route usage user_id " +
    "caching cache tags litellm_metadata litellm_session_id num_retries fallbacks timeout drop_params extra_headers"
  ).split(" "),
);

/** Fields that this dialect or its vendors have, and no other provider could be told: none is refused. */
export function decodeUnknown(body: JsonObject, losses: Losses): void {
  for (const [name, value] of Object.entries(body)) {
    if (read.has(name) || (saysNothing(value) && !isSearch(name, value))) continue;
    if (hints.has(name)) losses.hint(name, "it cannot be told to this provider");
    else losses.dropped(name, "it cannot be told to this model");
  }
}

/** Without options it is a search all the same. */
function isSearch(name: string, value: unknown): boolean {
  return name === "web_search_options" && typeof value === "object" && value !== null;
}

/** Clients send many fields with what is meant by their absence. */
function saysNothing(value: unknown): boolean {
  if (value === null || value === false || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
