import type { Transaction } from "kysely";
import type { Db, Tables } from "../db/index.ts";

/** What the table of requests holds. */
export interface Kept {
  readonly rows: number;
  /** Of what started before this, rows were deleted. 0 if none ever were. */
  readonly since: number;
  readonly droppedRows: number;
}

export async function readKept(kysely: Db["kysely"]): Promise<Kept> {
  const row = await kysely.selectFrom("requests_kept").selectAll().executeTakeFirstOrThrow();
  return { rows: row.rows, since: row.since, droppedRows: row.dropped_rows };
}

/** Counts rows that were added, or fewer than none that were taken out. Last in its transaction: others wait for it. */
export async function noteKept(transaction: Transaction<Tables>, change: number): Promise<void> {
  if (change === 0) return;
  await transaction
    .updateTable("requests_kept")
    .set((row) => ({ rows: row("rows", "+", change) }))
    .execute();
}
