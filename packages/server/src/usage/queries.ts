import { sql, type Expression, type ExpressionBuilder, type SqlBool } from "kysely";
import type { Db, RequestsTable, Tables } from "../db/index.ts";
import { isoTime } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { usd } from "../kernel/money.ts";

/** What usage can be summed by, and filtered by. */
export const dimensions = {
  key: "key_id",
  user: "user_name",
  team: "team",
  service: "service",
  session: "session_id",
  agent: "agent_id",
  route: "route",
  dialect: "dialect",
  provider: "provider",
  credential: "credential_id",
  model: "model",
  outcome: "outcome",
} as const satisfies Readonly<Record<string, keyof RequestsTable>>;

export type Dimension = keyof typeof dimensions;

/** Which requests: those that started at or after `since` and before `until` (milliseconds), and match all of `match`. */
export interface RequestFilter {
  readonly since?: number;
  readonly until?: number;
  readonly match?: Readonly<Partial<Record<Dimension, string>>>;
}

/**
 * The sums of one group. The token counters never overlap: `input_tokens` is what was neither read from a cache nor
 * written to one, so a prompt's whole size is the sum of `input_tokens`, `cache_read_tokens` and `cache_write_tokens`.
 * `reasoning_tokens` is a part of `output_tokens`.
 */
export interface UsageSums {
  readonly requests: number;
  /** Those whose caller did not get a whole reply, unless it was the caller that left. */
  readonly errors: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  /** Into caches of either life. */
  readonly cache_write_tokens: number;
  readonly reasoning_tokens: number;
  /** Of the requests whose price is known. */
  readonly cost_usd: number;
  /** How many requests are missing in `cost_usd`, because the price of their model is not known. */
  readonly unpriced_requests: number;
}

/** One group's sums, and its value under the name of the dimension: `{"model": "…", "requests": 3, …}`. */
export type UsageSummary<By extends Dimension = Dimension> = UsageSums & { readonly [Name in By]?: string | null };

/** A request's row. Times are ISO 8601. A null cost is an unknown price, never zero. */
export type RequestRow = Omit<RequestsTable, "started_at" | "ended_at" | "stream"> & {
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly stream: boolean;
};

export interface RequestPage {
  readonly data: readonly RequestRow[];
  /** For the next page; null on the last. */
  readonly next_cursor: string | null;
}

/** Sums by one dimension, dearest first, then by the number of requests. */
export async function summarize<By extends Dimension>(
  db: Db,
  options: RequestFilter & { readonly by: By },
): Promise<UsageSummary<By>[]> {
  const column = dimensions[options.by];
  const rows = await db.kysely
    .selectFrom("requests")
    .where((row) => matches(row, options))
    .groupBy(column)
    .select((row) => [
      row.ref(column).as("value"),
      row.fn.countAll<number>().as("requests"),
      row.fn.sum<number>(sql`case when ${row("outcome", "in", ["ok", "aborted"])} then 0 else 1 end`).as("errors"),
      row.fn.sum<number>("input_tokens").as("input_tokens"),
      row.fn.sum<number>("output_tokens").as("output_tokens"),
      row.fn.sum<number>("cache_read_tokens").as("cache_read_tokens"),
      row.fn.sum<number>(sql`cache_write_tokens + cache_write_1h_tokens`).as("cache_write_tokens"),
      row.fn.sum<number>("reasoning_tokens").as("reasoning_tokens"),
      row.fn.coalesce(row.fn.sum<number>("cost_micros"), sql<number>`0`).as("cost_micros"),
      row.fn.sum<number>(sql`case when ${row("cost_micros", "is", null)} then 1 else 0 end`).as("unpriced_requests"),
    ])
    .orderBy("cost_micros", "desc")
    .orderBy("requests", "desc")
    .orderBy("value")
    .execute();
  return rows.map(({ value, cost_micros: costMicros, ...sums }) => {
    return { [options.by]: value, ...sums, cost_usd: usd(costMicros) } as UsageSummary<By>;
  });
}

/**
 * A page of requests, newest first. Pages follow each other by `cursor` without gap or repetition, also while requests
 * are added. Throws `invalid_request` for a cursor that no page gave.
 */
export async function listRequests(
  db: Db,
  options: RequestFilter & { readonly limit: number; readonly cursor?: string },
): Promise<RequestPage> {
  const { limit, cursor } = options;
  const rows = await db.kysely
    .selectFrom("requests")
    .selectAll()
    .where((row) => matches(row, options))
    .$if(cursor !== undefined, (query) => query.where((row) => isAfter(row, decodeCursor(cursor ?? ""))))
    .orderBy("started_at", "desc")
    .orderBy("request_id", "desc")
    .limit(limit + 1)
    .execute();
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    data: page.map(toRequestRow),
    next_cursor: rows.length > limit && last !== undefined ? encodeCursor(last) : null,
  };
}

export async function getRequest(db: Db, requestId: string): Promise<RequestRow | undefined> {
  const row = await db.kysely.selectFrom("requests").selectAll().where("request_id", "=", requestId).executeTakeFirst();
  return row === undefined ? undefined : toRequestRow(row);
}

type Where = ExpressionBuilder<Tables, "requests">;

function matches(row: Where, { since, until, match = {} }: RequestFilter): Expression<SqlBool> {
  const conditions: Expression<SqlBool>[] = [];
  if (since !== undefined) conditions.push(row("started_at", ">=", since));
  if (until !== undefined) conditions.push(row("started_at", "<", until));
  for (const dimension of Object.keys(dimensions) as Dimension[]) {
    const value = match[dimension];
    if (value !== undefined) conditions.push(row(dimensions[dimension], "=", value));
  }
  return row.and(conditions);
}

interface Place {
  readonly started_at: number;
  readonly request_id: string;
}

function isAfter(row: Where, place: Place): Expression<SqlBool> {
  return row.or([
    row("started_at", "<", place.started_at),
    row.and([row("started_at", "=", place.started_at), row("request_id", "<", place.request_id)]),
  ]);
}

function encodeCursor(place: Place): string {
  return Buffer.from(`${place.started_at} ${place.request_id}`).toString("base64url");
}

function decodeCursor(cursor: string): Place {
  const match = /^(\d{1,15}) (.+)$/.exec(Buffer.from(cursor, "base64url").toString());
  const [, startedAt, requestId] = match ?? [];
  if (startedAt === undefined || requestId === undefined) {
    throw new AppError("invalid_request", { problem: "the cursor is not one that a page of this list gave" });
  }
  return { started_at: Number(startedAt), request_id: requestId };
}

function toRequestRow(row: RequestsTable): RequestRow {
  return {
    ...row,
    started_at: isoTime(row.started_at),
    ended_at: row.ended_at === null ? null : isoTime(row.ended_at),
    stream: row.stream === 1,
  };
}
