import { parseDurationMs, type Clock } from "../kernel/clock.ts";
import { dimensions, type Dimension, type RequestFilter, type Usage } from "../usage/index.ts";

type Query = Readonly<Partial<Record<Dimension | "since" | "until", unknown>>>;

/** The filter that a query string asks for. Its schema has checked the values. */
export function filterOf(query: Query, clock: Clock): RequestFilter {
  const since = momentOf(query.since, clock);
  const until = momentOf(query.until, clock);
  const match: Partial<Record<Dimension, string>> = {};
  for (const name of Object.keys(dimensions) as Dimension[]) {
    const value = query[name];
    if (typeof value === "string") match[name] = value;
  }
  return { match, ...(since === undefined ? {} : { since }), ...(until === undefined ? {} : { until }) };
}

/** A time, a date, or a duration that reaches back from now. */
function momentOf(text: unknown, clock: Clock): number | undefined {
  if (typeof text !== "string") return undefined;
  const agoMs = parseDurationMs(text);
  return agoMs === undefined ? Date.parse(text) : clock.now() - agoMs;
}

/**
 * Waits until what has ended is in the database, so that a list shows the request just made. When that cannot be had now
 * the list is answered without it: the status tells that usage is waiting.
 */
export async function settled(usage: Usage): Promise<void> {
  await usage.flush().catch(() => undefined);
}
