import type { Db } from "../db/index.ts";
import { hourMs, type groupColumns } from "./hourly-sums.ts";
import { dimensions, type Dimension } from "./queries.ts";

/** The dimensions that sums tell apart: a few values each, not one for every session. */
export const seenDimensions = [
  "key",
  "user",
  "team",
  "service",
  "route",
  "dialect",
  "provider",
  "model",
  "outcome",
] as const satisfies readonly Dimension[];

export type SeenValues = Readonly<Record<(typeof seenDimensions)[number], string[]>>;

const maxValues = 1_000;

/** The values that a filter can have: those of requests from `since` on, sorted, the first thousand of each. */
export async function seenValues(db: Db, since = 0): Promise<SeenValues> {
  const lists = seenDimensions.map(async (dimension) => [dimension, await valuesOf(db, dimension, since)] as const);
  return Object.fromEntries(await Promise.all(lists)) as SeenValues;
}

async function valuesOf(db: Db, dimension: (typeof seenDimensions)[number], since: number): Promise<string[]> {
  const column = dimensions[dimension] satisfies (typeof groupColumns)[number];
  const rows = await db.kysely
    .selectFrom("usage_groups")
    .select(`${column} as value`)
    .distinct()
    .where(column, "is not", null)
    .where("last_hour", ">=", since - (since % hourMs))
    .orderBy("value")
    .limit(maxValues)
    .execute();
  return rows.flatMap(({ value }) => value ?? []);
}
