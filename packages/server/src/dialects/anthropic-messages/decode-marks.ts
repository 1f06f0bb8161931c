import type { CacheMark, JsonObject } from "../canonical/conversation.ts";
import { optionalObject, present } from "../canonical/wire.ts";

export function marked(block: JsonObject, path: string): { readonly cache?: CacheMark } {
  return present({ cache: cacheMarkOf(block["cache_control"], `${path}.cache_control`) });
}

export function cacheMarkOf(value: unknown, path: string): CacheMark | undefined {
  const control = optionalObject(value, path);
  return control === undefined ? undefined : { ttl: control["ttl"] === "1h" ? "1h" : "5m" };
}
