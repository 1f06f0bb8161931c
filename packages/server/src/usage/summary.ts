import { sql, type Expression, type ExpressionBuilder, type RawBuilder, type SqlBool, type Transaction } from "kysely";
import type { Db, Tables } from "../db/index.ts";
import { isoTime } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { usd } from "../kernel/money.ts";
import { addedColumns, groupColumns, sumColumns } from "./hourly-sums.ts";
import { readKept } from "./kept.ts";
import { dimensions, matches, type Dimension, type RequestFilter } from "./queries.ts";
import { planSpan, type Span, type SpanPlan } from "./span.ts";

type Sums = Record<(typeof sumColumns)[number], number>;

/**
 * The sums of one group. The token counters never overlap: `input_tokens` is what was neither read from a cache nor
 * written to one, so a prompt's whole size is the sum of `input_tokens`, `cache_read_tokens` and `cache_write_tokens`.
 * `reasoning_tokens` and the tokens of audio and images are parts of input and output.
 */
export type UsageSums = Omit<Sums, "cache_write_1h_tokens" | "cost_micros" | "timed_requests" | "latency_ms"> & {
  /** Those whose caller did not get a whole reply, unless it was the caller that left. */
  readonly errors: number;
  /** Of the requests whose price is known; `unpriced_requests` says how many are missing. */
  readonly cost_usd: number;
  /** Null if no request has a latency. */
  readonly average_latency_ms: number | null;
};

/** One group's sums, and its value under the name of the dimension: `{"model": "…", "requests": 3, …}`. */
export type UsageSummary<By extends Dimension = Dimension> = UsageSums & { readonly [Name in By]?: string | null };

/** The sums of the hour or day (UTC) that begins at `at`. */
export type UsagePoint = UsageSums & { readonly at: string };

/** With `span`: what is answered for, wider than asked for where single requests have been deleted. */
export interface Answer<Item> {
  readonly data: Item[];
  readonly span: Span;
}

/** Sums by one dimension, dearest first, then by the number of requests. */
export async function summarize<By extends Dimension>(
  db: Db,
  options: RequestFilter & { readonly by: By },
): Promise<Answer<UsageSummary<By>>> {
  const { by } = options;
  const { groups, span } = await sumUp(db, options, { column: dimensions[by] });
  const sorted = [...groups].sort(
    ([name, sums], [otherName, other]) =>
      other.cost_micros - sums.cost_micros || other.requests - sums.requests || compareNames(name, otherName),
  );
  return { data: sorted.map(([value, sums]) => ({ [by]: value, ...present(sums) }) as UsageSummary<By>), span };
}

export const buckets = { hour: 3_600_000, day: 86_400_000 } as const;

const maxPoints = 10_000;

/** Sums by hour or day (UTC), oldest first; where nothing was used there is no point. Throws `invalid_request` for too many. */
export async function series(
  db: Db,
  options: RequestFilter & { readonly bucket: keyof typeof buckets },
): Promise<Answer<UsagePoint>> {
  const bucketMs = buckets[options.bucket];
  const { since, until } = options;
  const whole = {
    ...options,
    ...(since !== undefined && { since: since - (since % bucketMs) }),
    ...(until !== undefined && { until: until + ((bucketMs - (until % bucketMs)) % bucketMs) }),
  };
  const { groups, span } = await sumUp(db, whole, { bucketMs });
  if (groups.size > maxPoints) {
    throw new AppError("invalid_request", { problem: `that would be more than ${maxPoints} points; ask for days` });
  }
  const sorted = [...groups]
    .map(([start, sums]) => ({ at: Number(start), sums }))
    .sort((one, other) => one.at - other.at);
  return { data: sorted.map(({ at, sums }) => ({ at: isoTime(at), ...present(sums) })), span };
}

type Grouping = { readonly column: (typeof dimensions)[Dimension] } | { readonly bucketMs: number };
type Grouped = Sums & { errors: number };
type Value = string | number | null;
type Row = Grouped & { readonly value: Value };

/** All from one state of the database, so that nothing is missed or counted twice while requests are added and deleted. */
async function sumUp(
  db: Db,
  filter: RequestFilter,
  grouping: Grouping,
): Promise<{ readonly groups: Map<Value, Grouped>; readonly span: Span }> {
  const reading = db.kysely.transaction().setAccessMode("read only").setIsolationLevel("repeatable read");
  return reading.execute(async (transaction) => {
    const { since: keptSince } = await readKept(transaction);
    const plan = isSummed(filter, grouping) ? planSpan(filter, keptSince) : planDetail(filter, keptSince);
    const rows: Row[] = [];
    if (plan.hours !== undefined) rows.push(...(await sumHours(transaction, { ...filter, ...plan.hours }, grouping)));
    for (const edge of plan.edges) rows.push(...(await sumRequests(transaction, { ...filter, ...edge }, grouping)));
    return { groups: merge(rows), span: plan.span };
  });
}

const summed: ReadonlySet<string> = new Set(groupColumns);

function isSummed({ match = {} }: RequestFilter, grouping: Grouping): boolean {
  const columns = (Object.keys(match) as Dimension[]).map((dimension) => dimensions[dimension]);
  return [...columns, ...("column" in grouping ? [grouping.column] : [])].every((column) => summed.has(column));
}

/** What the sums do not tell apart is answered from the requests, as far back as all of them are there. */
function planDetail({ since, until }: Span, keptSince: number): SpanPlan {
  const span = keptSince === 0 ? { since, until } : { since: Math.max(since ?? 0, keptSince), until };
  return { span, hours: undefined, edges: [span] };
}

function sumHours(transaction: Transaction<Tables>, filter: RequestFilter, grouping: Grouping): Promise<Row[]> {
  const { since, until, match = {} } = filter;
  const conditions = (row: ExpressionBuilder<Tables, "usage_hourly" | "usage_groups">): Expression<SqlBool> =>
    row.and([
      ...(since === undefined ? [] : [row("hour", ">=", since)]),
      ...(until === undefined ? [] : [row("hour", "<", until)]),
      ...(Object.keys(match) as Dimension[]).map((name) => sql<SqlBool>`${sql.ref(dimensions[name])} = ${match[name]}`),
    ]);
  return transaction
    .selectFrom("usage_hourly")
    .innerJoin("usage_groups", "usage_groups.id", "usage_hourly.group_id")
    .where(conditions)
    .select(valueOf(grouping, "hour").as("value"))
    .select((row) => sumColumns.map((column) => row.fn.sum<number>(column).as(column)))
    .select(sql<number>`sum(case when outcome in ('ok', 'aborted') then 0 else requests end)`.as("errors"))
    .groupBy(sql.ref("value"))
    .execute();
}

function sumRequests(transaction: Transaction<Tables>, filter: RequestFilter, grouping: Grouping): Promise<Row[]> {
  return transaction
    .selectFrom("requests")
    .where((row) => matches(row, filter))
    .select(valueOf(grouping, "started_at").as("value"))
    .select((row) => addedColumns.map((column) => sql<number>`coalesce(sum(${row.ref(column)}), 0)`.as(column)))
    .select((row) => [
      row.fn.countAll<number>().as("requests"),
      sql<number>`count(*) - count(cost_micros)`.as("unpriced_requests"),
      row.fn.count<number>("latency_ms").as("timed_requests"),
      sql<number>`sum(case when outcome in ('ok', 'aborted') then 0 else 1 end)`.as("errors"),
    ])
    .groupBy(sql.ref("value"))
    .execute();
}

function valueOf(grouping: Grouping, time: "hour" | "started_at"): RawBuilder<Value> {
  if ("column" in grouping) return sql<Value>`${sql.ref(grouping.column)}`;
  return sql<Value>`${sql.ref(time)} - ${sql.ref(time)} % ${grouping.bucketMs}`;
}

function merge(rows: readonly Row[]): Map<Value, Grouped> {
  const groups = new Map<Value, Grouped>();
  for (const { value, ...sums } of rows) {
    const known = groups.get(value);
    if (known === undefined) groups.set(value, sums);
    else for (const name of summedNames) known[name] += sums[name];
  }
  for (const [value, { requests }] of groups) if (requests === 0) groups.delete(value);
  return groups;
}

const summedNames = [...sumColumns, "errors"] as const;

function present(sums: Grouped): UsageSums {
  const { cost_micros: costMicros, latency_ms: latencyMs, timed_requests: timed, ...counts } = sums;
  const { cache_write_1h_tokens: longCacheWrites, ...others } = counts;
  return {
    ...others,
    cache_write_tokens: others.cache_write_tokens + longCacheWrites,
    cost_usd: usd(costMicros),
    average_latency_ms: timed === 0 ? null : Math.round(latencyMs / timed),
  };
}

/** By code point; "none" last. */
function compareNames(one: Value, other: Value): number {
  if (one === null || other === null) return Number(one === null) - Number(other === null);
  return one < other ? -1 : Number(one > other);
}
