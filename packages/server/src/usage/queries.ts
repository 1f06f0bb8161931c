import type { Expression, ExpressionBuilder, SqlBool } from "kysely";
import type { Db, RequestsTable, Tables } from "../db/index.ts";
import { isoTime } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { lostParts, type LostPart } from "./dropped.ts";
import type { Span } from "./span.ts";

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
export interface RequestFilter extends Span {
  readonly match?: Readonly<Partial<Record<Dimension, string>>>;
}

/** A request's row. Times are ISO 8601. A null cost is an unknown price, never zero. */
export type RequestRow = Omit<RequestsTable, "started_at" | "ended_at" | "stream" | "dropped"> & {
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly stream: boolean;
  readonly dropped: readonly LostPart[] | null;
};

export interface RequestPage {
  readonly data: readonly RequestRow[];
  /** For the next page; null on the last. */
  readonly next_cursor: string | null;
}

/**
 * A page of requests, newest first. Pages follow each other by `cursor` without gap or repetition, also while requests
 * are added. Throws `invalid_request` for a cursor that no page gave.
 */
export async function listRequests(
  db: Db,
  options: RequestFilter & {
    readonly limit: number;
    readonly cursor?: string;
    /** Whether a provider was asked in another dialect than the caller's. */
    readonly translated?: boolean;
  },
): Promise<RequestPage> {
  const { limit, cursor, translated } = options;
  const rows = await db.kysely
    .selectFrom("requests")
    .selectAll()
    .where((row) => matches(row, options))
    .$if(translated !== undefined, (query) => query.where((row) => isTranslated(row, translated === true)))
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

/** Where a reply came from that a provider keeps; of the key's own replies only. Ended requests appear in a moment. */
export interface KeptReply {
  readonly provider: string | null;
  readonly credentialId: string | null;
  readonly model: string | null;
}

export async function findResponse(
  db: Db,
  { responseId, keyId }: { readonly responseId: string; readonly keyId: string },
): Promise<KeptReply | undefined> {
  return db.kysely
    .selectFrom("requests")
    .select(["provider", "credential_id as credentialId", "model"])
    .where("response_id", "=", responseId)
    .where("key_id", "=", keyId)
    .orderBy("started_at", "desc")
    .limit(1)
    .executeTakeFirst();
}

type Where = ExpressionBuilder<Tables, "requests">;

/** Whether a request started within a span of time, and is as the filter says. */
export function matches(row: Where, { since, until, match = {} }: RequestFilter): Expression<SqlBool> {
  const conditions: Expression<SqlBool>[] = [];
  if (since !== undefined) conditions.push(row("started_at", ">=", since));
  if (until !== undefined) conditions.push(row("started_at", "<", until));
  for (const dimension of Object.keys(dimensions) as Dimension[]) {
    const value = match[dimension];
    if (value !== undefined) conditions.push(row(dimensions[dimension], "=", value));
  }
  return row.and(conditions);
}

function isTranslated(row: Where, wanted: boolean): Expression<SqlBool> {
  const other = row("upstream_dialect", "!=", row.ref("dialect"));
  return wanted ? other : row.or([row("upstream_dialect", "is", null), row.not(other)]);
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
    dropped: lostParts(row.dropped),
  };
}
