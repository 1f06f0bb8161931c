import type { ModelTraits } from "../kernel/model-traits.ts";
import type { CacheMark, JsonObject } from "./canonical/conversation.ts";

type Field = ModelTraits["cacheField"];

/** What a part of OpenAI's dialects is marked with, by the model's name for it; nothing where it knows none. */
export function encodeMark(cache: CacheMark | undefined, field: Field): JsonObject {
  if (cache === undefined || field === "none") return {};
  // It lives half an hour at least, and no other life can be asked for.
  if (field === "prompt_cache_breakpoint") return { prompt_cache_breakpoint: { mode: "explicit" } };
  return { cache_control: { type: "ephemeral", ...(cache.ttl === "1h" && { ttl: "1h" }) } };
}

/** Whether a part that was encoded bears a mark. */
export function isMarked(part: JsonObject): boolean {
  return "prompt_cache_breakpoint" in part || "cache_control" in part;
}

/** Whether any of these is marked. */
export function hasMark(places: readonly object[]): boolean {
  return places.some((place) => "cache" in place && place.cache !== undefined);
}

/** Why a place up to which a prompt may be kept is not said. */
export function lostMark(field: Field): string {
  return field === "none"
    ? "the provider decides by itself what it keeps"
    : "only what the model is told can be marked, and not its tools or what it said";
}
