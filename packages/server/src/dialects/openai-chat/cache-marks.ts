import type { CacheMark, JsonObject } from "../canonical/conversation.ts";
import { field } from "../counter.ts";
import { isObject } from "../canonical/wire.ts";

/**
 * What a part, a message or a tool says of caching: OpenAI's `prompt_cache_breakpoint`, which lives 30 minutes or 12 hours, or
 * what others take over from Anthropic, `cache_control`. A stated life that is not five minutes is nearest to an hour.
 */
export function cacheMarkOf(holder: JsonObject): CacheMark | undefined {
  const mark = [holder["prompt_cache_breakpoint"], holder["cache_control"]].find(isObject);
  if (mark === undefined) return undefined;
  const ttl = field(mark, "ttl");
  return { ttl: typeof ttl === "string" && ttl !== "5m" ? "1h" : "5m" };
}
