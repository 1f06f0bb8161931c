import { setTimeout as pause } from "node:timers/promises";
import type { Db, RequestsTable } from "../db/index.ts";
import type { Clock } from "../kernel/clock.ts";
import { readKept } from "./kept.ts";
import { hourOf } from "./span.ts";

/** How long usage is kept, and in how much room. */
export interface Retention {
  readonly requestsMs: number;
  readonly sumsMs: number;
  /** What single requests may take, by estimate. Above it the oldest go first, whatever their age; their sums stay. */
  readonly requestsMaxBytes: number;
}

export interface RetentionParts {
  readonly db: Db;
  readonly retention: Retention;
  readonly clock: Clock;
  /** Ends the work early, after the portion that is under way. */
  readonly signal: AbortSignal;
}

/** What is kept of single requests. */
export interface KeptRequests {
  readonly rows: number;
  /** By estimate, indexes included. */
  readonly bytes: number;
  /** How many rows have been deleted, ever, because there was no room for them. */
  readonly droppedRows: number;
}

/** A transaction deletes no more than this, so that settling waits for a few milliseconds at the most. */
const portionRows = 200;

/** Deletes what is too old or too much, in portions with as long a pause after each as it took. */
export async function prune(parts: RetentionParts): Promise<KeptRequests> {
  const { db, retention, clock } = parts;
  const now = clock.now();
  const rowBytes = await estimateRowBytes(db);
  const maxRows = Math.floor(retention.requestsMaxBytes / rowBytes);
  await inPortions(parts, () => deleteRequests(db, { startedBefore: now - retention.requestsMs }));
  await inPortions(parts, async () => {
    const excess = (await readKept(db.kysely)).rows - maxRows;
    return excess > 0 ? deleteRequests(db, { excess }) : 0;
  });
  await inPortions(parts, () => deleteSums(db, hourOf(now - retention.sumsMs)));
  const { rows, droppedRows } = await readKept(db.kysely);
  return { rows, bytes: rows * rowBytes, droppedRows };
}

/** `run` says how much it deleted; nothing means that it is done. */
async function inPortions({ clock, signal }: RetentionParts, run: () => Promise<number>): Promise<void> {
  while (!signal.aborted) {
    const started = clock.monotonic();
    if ((await run()) === 0) return;
    await pause(clock.monotonic() - started);
  }
}

/** Deletes a portion of the oldest requests: of those that started before a time, or of as many as there is no room for. */
async function deleteRequests(
  db: Db,
  which: { readonly startedBefore: number } | { readonly excess: number },
): Promise<number> {
  const excess = "excess" in which ? which.excess : undefined;
  const limit = Math.min(portionRows, excess ?? portionRows);
  return db.kysely.transaction().execute(async (transaction) => {
    const oldest = transaction.selectFrom("requests").select("started_at").orderBy("started_at").limit(1);
    const newestOfPortion = await oldest.offset(limit - 1).executeTakeFirst();
    const allOfPortion = (newestOfPortion?.started_at ?? Number.MAX_SAFE_INTEGER - 1) + 1;
    const before = "excess" in which ? allOfPortion : Math.min(which.startedBefore, allOfPortion);
    const [result] = await transaction.deleteFrom("requests").where("started_at", "<", before).execute();
    const deleted = Number(result?.numDeletedRows ?? 0);
    if (deleted === 0) return 0;
    await transaction
      .updateTable("requests_kept")
      .set((row) => ({
        rows: row("rows", "-", deleted),
        since: row.case().when("since", "<", before).then(before).else(row.ref("since")).end(),
        ...(excess !== undefined && { dropped_rows: row("dropped_rows", "+", deleted) }),
      }))
      .execute();
    return deleted;
  });
}

const sumsPortionMs = 24 * 3_600_000;

/** Deletes the sums of the oldest day that lies before `hour`; after the last one, the groups that have no sums left. */
async function deleteSums({ kysely }: Db, hour: number): Promise<number> {
  const oldest = await kysely.selectFrom("usage_hourly").select("hour").orderBy("hour").limit(1).executeTakeFirst();
  if (oldest !== undefined && oldest.hour < hour) {
    const before = Math.min(hour, oldest.hour + sumsPortionMs);
    const [result] = await kysely.deleteFrom("usage_hourly").where("hour", "<", before).execute();
    return Number(result?.numDeletedRows ?? 0);
  }
  const [result] = await kysely.deleteFrom("usage_groups").where("last_hour", "<", hour).execute();
  return Number(result?.numDeletedRows ?? 0);
}

const sampleRows = 100;

/**
 * What a row takes beside its texts: numbers, lengths, and its places in the indexes. Measured on tables of 40,000 rows,
 * with long texts and short ones: 142 to 149 bytes on SQLite, 319 to 367 on PostgreSQL.
 */
const otherBytes = { sqlite: 160, postgres: 360 } as const;

/** How much room a request takes on average, going by the newest ones. */
async function estimateRowBytes({ kysely, engine }: Db): Promise<number> {
  const rows = await kysely
    .selectFrom("requests")
    .selectAll()
    .orderBy("started_at", "desc")
    .limit(sampleRows)
    .execute();
  const bytes = rows.reduce((sum, row) => sum + textBytes(row), 0);
  return otherBytes[engine] + Math.ceil(bytes / Math.max(1, rows.length));
}

/** Of all texts, and once more of those that an index repeats. */
function textBytes(row: RequestsTable): number {
  const texts = Object.values(row).filter((value) => typeof value === "string");
  const indexed = [row.request_id, row.key_id ?? "", row.response_id ?? ""];
  return [...texts, ...indexed].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
