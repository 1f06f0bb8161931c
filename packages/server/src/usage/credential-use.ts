import { sql } from "kysely";
import type { Db } from "../db/index.ts";
import type { Clock } from "../kernel/clock.ts";
import { nextTurn } from "../kernel/turns.ts";

/** What a credential was used for within a span of time. */
export interface CredentialUse {
  readonly requests: number;
  /** Those whose caller did not get a whole reply, unless it was the caller that left. */
  readonly errors: number;
  /** Milliseconds. */
  readonly lastUsedAt: number;
}

/** SQLite answers on the event loop, where requests wait meanwhile; one slice should hold them up no longer than this. */
const sliceCostMs = 10;
const firstSliceMs = 5 * 60_000;
const shortestSliceMs = 60_000;

/**
 * The use of each credential from `since` to `until`, counted over single requests. On SQLite it goes through them in
 * slices of time, as long as their number allows, so that whoever else uses the event loop is served in between.
 */
export async function credentialUse(
  db: Db,
  { since, until, clock }: { readonly since: number; readonly until: number; readonly clock: Clock },
): Promise<ReadonlyMap<string, CredentialUse>> {
  const found = new Map<string, CredentialUse>();
  let sliceMs = db.engine === "sqlite" ? firstSliceMs : until - since;
  for (let end = until; end > since; ) {
    const start = Math.max(since, end - sliceMs);
    const startedAt = clock.monotonic();
    for (const { id, ...use } of await countSlice(db, start, end)) {
      if (id !== null) found.set(id, added(found.get(id), use));
    }
    end = start;
    const factor = sliceCostMs / Math.max(0.1, clock.monotonic() - startedAt);
    sliceMs = Math.max(shortestSliceMs, Math.round(sliceMs * Math.min(4, Math.max(0.25, factor))));
    await nextTurn();
  }
  return found;
}

function countSlice({ kysely }: Db, start: number, end: number) {
  return kysely
    .selectFrom("requests")
    .where("started_at", ">=", start)
    .where("started_at", "<", end)
    .where("credential_id", "is not", null)
    .select((row) => [
      "credential_id as id",
      row.fn.countAll<number>().as("requests"),
      sql<number>`sum(case when outcome in ('ok', 'aborted') then 0 else 1 end)`.as("errors"),
      row.fn.max("started_at").as("lastUsedAt"),
    ])
    .groupBy("credential_id")
    .execute();
}

function added(one: CredentialUse | undefined, other: CredentialUse): CredentialUse {
  if (one === undefined) return other;
  return {
    requests: one.requests + other.requests,
    errors: one.errors + other.errors,
    lastUsedAt: Math.max(one.lastUsedAt, other.lastUsedAt),
  };
}
