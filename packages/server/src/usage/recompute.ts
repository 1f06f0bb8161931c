import { setImmediate as yieldToOthers } from "node:timers/promises";
import type { Db, RequestsTable } from "../db/index.ts";
import { noTokens, type TokenUsage } from "../kernel/tokens.ts";
import { createSumsWriter, HourlySums } from "./hourly-sums.ts";
import { mediaColumns, valuesOf } from "./line.ts";
import { matches, type RequestFilter } from "./queries.ts";
import type { Outcome } from "./record.ts";

export interface RecomputeOptions {
  readonly filter: RequestFilter;
  /** What the amounts cost today, in micro-dollars; `undefined` where the price is not known. */
  costOf(provider: string, model: string, tokens: TokenUsage): number | undefined;
  /** Only tells what would change. */
  readonly dryRun: boolean;
}

export interface Recomputation {
  readonly rows: number;
  readonly changed: number;
  /** Of all of these rows, as far as it is known. */
  readonly beforeMicros: number;
  readonly afterMicros: number;
}

/** So many rows take about a millisecond; other work comes in between. */
const batchRows = 100;

/**
 * Charges requests that are kept anew, at today's prices: rows and sums together. What was answered with an error stays
 * free; what has no known price today, and what nobody could count, stays as it was charged. Broken off, it leaves every
 * row either as it was or as it is to be, and can be repeated.
 */
export async function recompute(db: Db, options: RecomputeOptions): Promise<Recomputation> {
  const save = createCostWriter(db);
  const total = { rows: 0, changed: 0, beforeMicros: 0, afterMicros: 0 };
  for (let last: RequestsTable | undefined; ; ) {
    const rows = await nextRows(db, options.filter, last);
    const changes = rows.flatMap((row) => changeOf(row, options));
    const saved = options.dryRun ? changes : await save(changes);
    total.rows += rows.length;
    total.changed += saved.length;
    for (const { cost_micros: costMicros } of rows) total.beforeMicros += costMicros ?? 0;
    for (const { row, costMicros } of saved) total.afterMicros += costMicros - (row.cost_micros ?? 0);
    last = rows.at(-1);
    if (last === undefined || rows.length < batchRows) break;
    await yieldToOthers();
  }
  return { ...total, afterMicros: total.beforeMicros + total.afterMicros };
}

interface Change {
  readonly row: RequestsTable;
  readonly costMicros: number;
}

/** Answered with an error: nothing was charged for these, whatever the price. */
const free: readonly string[] = ["refused", "upstream_error"] satisfies Outcome[];

function changeOf(row: RequestsTable, { costOf }: RecomputeOptions): Change[] {
  if (row.provider === null || row.model === null || free.includes(row.outcome)) return [];
  if ([...tokenColumns, ...mediaColumns].every((column) => row[column] === 0)) return [];
  const costMicros = costOf(row.provider, row.model, tokensOf(row));
  return costMicros === undefined || costMicros === row.cost_micros ? [] : [{ row, costMicros }];
}

const tokenColumns = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_1h_tokens",
] as const;

function tokensOf(row: RequestsTable): TokenUsage {
  const tokens = {
    ...noTokens,
    input: row.input_tokens,
    output: row.output_tokens,
    cacheRead: row.cache_read_tokens,
    cacheWrite: row.cache_write_tokens,
    cacheWrite1h: row.cache_write_1h_tokens,
    reasoning: row.reasoning_tokens,
  };
  if (mediaColumns.every((column) => row[column] === 0)) return tokens;
  const media = {
    inputAudio: row.input_audio_tokens,
    outputAudio: row.output_audio_tokens,
    inputImage: row.input_image_tokens,
    outputImage: row.output_image_tokens,
    images: row.images,
    characters: row.characters,
    audioMs: row.audio_ms,
    searches: row.searches,
  };
  return { ...tokens, media };
}

/** The oldest rows behind `last`. */
function nextRows(db: Db, filter: RequestFilter, last: RequestsTable | undefined): Promise<RequestsTable[]> {
  return db.kysely
    .selectFrom("requests")
    .selectAll()
    .where((row) => matches(row, filter))
    .$if(last !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple("started_at", "request_id"), ">", tuple(last?.started_at ?? 0, last?.request_id ?? "")),
      ),
    )
    .orderBy("started_at")
    .orderBy("request_id")
    .limit(batchRows)
    .execute();
}

/** Saves changes and returns those that were: a row that somebody else has changed in the meantime is left alone. */
function createCostWriter(db: Db): (changes: readonly Change[]) => Promise<readonly Change[]> {
  const writeSums = createSumsWriter(db);
  const update = db.kysely
    .updateTable("requests")
    .set({ cost_micros: 0 })
    .where("request_id", "=", "")
    .where("cost_micros", "is not distinct from", 0)
    .compile();
  return async (changes) => {
    if (changes.length === 0) return [];
    return db.kysely.transaction().execute(async (transaction) => {
      const saved: Change[] = [];
      const sums = new HourlySums();
      for (const change of changes) {
        const { row, costMicros } = change;
        const parameters = [costMicros, row.request_id, row.cost_micros];
        const { numAffectedRows } = await transaction.executeQuery({ ...update, parameters });
        if (numAffectedRows !== 1n) continue;
        sums.subtract(valuesOf(row));
        sums.add(valuesOf({ ...row, cost_micros: costMicros }));
        saved.push(change);
      }
      await writeSums(transaction, sums);
      return saved;
    });
  };
}
