import assert from "node:assert/strict";
import type { DialectId, UsageReader } from "./dialect.ts";
import { dialectById } from "./index.ts";

/** The readers of a dialect's first route, which is the one that everybody means. */
export function streamReader(id: DialectId): UsageReader {
  const [route] = dialectById(id).routes;
  assert.ok(route);
  return route.usage.stream("sse");
}

export function bodyReader(id: DialectId): UsageReader {
  const [route] = dialectById(id).routes;
  assert.ok(route);
  return route.usage.body();
}
