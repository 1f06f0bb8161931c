import { watchKeys, type WatchedKeys } from "../kernel/json-scan.ts";

/** The keys that are looked for in every JSON body, and more that a route needs. */
export function bodyKeys(...more: readonly string[]): WatchedKeys {
  return watchKeys("model", "stream", "stream_options", ...more);
}
