import { hourMs } from "./hourly-sums.ts";

/** A span of time in milliseconds: from `since` on, before `until`; open where one is missing. */
export interface Span {
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** How a span is to be summed up. */
export interface SpanPlan {
  /** What is answered for: what was asked for, widened to whole hours where requests have been deleted. */
  readonly span: Span;
  /** Whole hours, taken from the sums; `undefined` if there are none. */
  readonly hours: Span | undefined;
  /** The parts of hours before and behind them, taken from the requests. */
  readonly edges: readonly Required<Span>[];
}

/** `keptSince`: of the requests that started before it, some have been deleted; their sums have not. */
export function planSpan(asked: Span, keptSince: number): SpanPlan {
  const since = widenStart(asked.since, keptSince);
  const until = widenEnd(asked.until, since, keptSince);
  const span = { since, until };
  if (since !== undefined && until !== undefined && since >= until) return { span, hours: undefined, edges: [] };
  if (since !== undefined && until !== undefined && hourOf(since) === hourOf(until)) {
    return { span, hours: undefined, edges: [{ since, until }] };
  }
  const hours = { since: since && hourOf(since + hourMs - 1), until: until && hourOf(until) };
  return { span, hours, edges: [...edgeOf(since, hours.since), ...edgeOf(hours.until, until)] };
}

function edgeOf(since: number | undefined, until: number | undefined): Required<Span>[] {
  return since !== undefined && until !== undefined && since < until ? [{ since, until }] : [];
}

/** The beginning of the hour that a time is in. */
export function hourOf(time: number): number {
  return time - (time % hourMs);
}

function widenStart(since: number | undefined, keptSince: number): number | undefined {
  return since !== undefined && since < keptSince ? hourOf(since) : since;
}

/** The requests behind the last whole hour are all there if none from the edge's beginning on were deleted. */
function widenEnd(until: number | undefined, since: number | undefined, keptSince: number): number | undefined {
  if (until === undefined) return undefined;
  return Math.max(hourOf(until), since ?? 0) < keptSince ? hourOf(until + hourMs - 1) : until;
}
