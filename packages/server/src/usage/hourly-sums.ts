import { hash } from "node:crypto";
import type { Transaction } from "kysely";
import type { Db, Tables, UsageGroupsTable, UsageHourlyTable } from "../db/index.ts";
import { createBulkInsert, placeholders } from "./bulk-insert.ts";
import { columns, mediaColumns, type RowValues } from "./line.ts";

/** What the requests of one sum have in common, beside the hour. */
export const groupColumns = [
  "key_id",
  "user_name",
  "team",
  "service",
  "route",
  "dialect",
  "provider",
  "model",
  "outcome",
] as const satisfies readonly (keyof UsageGroupsTable & (typeof columns)[number])[];

/** What is added up as it stands in the row, where it is not null. */
export const addedColumns = [
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_1h_tokens",
  "reasoning_tokens",
  "cost_micros",
  "latency_ms",
  ...mediaColumns,
] as const satisfies readonly (keyof UsageHourlyTable & (typeof columns)[number])[];

export const sumColumns = ["requests", "unpriced_requests", "timed_requests", ...addedColumns] as const;
const hourlyColumns = ["hour", "group_id", ...sumColumns] as const satisfies readonly (keyof UsageHourlyTable)[];
const groupTableColumns = ["id", "last_hour", ...groupColumns] as const satisfies readonly (keyof UsageGroupsTable)[];

const at = (column: (typeof columns)[number]): number => columns.indexOf(column);
const startedAt = at("started_at");
const costMicros = at("cost_micros");
const latencyMs = at("latency_ms");
const groupPlaces = groupColumns.map(at);
const addedPlaces = addedColumns.map(at);

export const hourMs = 3_600_000;

interface Sum {
  readonly hour: number;
  readonly common: RowValues;
  /** In the order of `sumColumns`. */
  readonly amounts: number[];
}

/** The sums of some rows by hour and group, to be added to those in the database. */
export class HourlySums {
  readonly #sums = new Map<string, Sum>();

  add(row: RowValues): void {
    this.#count(row, 1);
  }

  subtract(row: RowValues): void {
    this.#count(row, -1);
  }

  /** Those that change anything, in an order that is the same for all writers, so that none waits for another in a circle. */
  changes(): { readonly groupId: string; readonly sum: Sum }[] {
    const changed = [...this.#sums.values()].filter(({ amounts }) => amounts.some((amount) => amount !== 0));
    return changed
      .map((sum) => ({ groupId: groupIdOf(sum.common), sum }))
      .sort((one, other) => one.sum.hour - other.sum.hour || (one.groupId < other.groupId ? -1 : 1));
  }

  #count(row: RowValues, sign: 1 | -1): void {
    const { amounts } = this.#sumFor(row);
    amounts[0] = (amounts[0] ?? 0) + sign;
    if (row[costMicros] === null) amounts[1] = (amounts[1] ?? 0) + sign;
    if (row[latencyMs] !== null) amounts[2] = (amounts[2] ?? 0) + sign;
    for (let index = 0; index < addedPlaces.length; index++) {
      const value = row[addedPlaces[index] ?? 0];
      if (value === undefined) return; // the rest is of media, of which this row has none
      if (typeof value === "number") amounts[index + 3] = (amounts[index + 3] ?? 0) + sign * value;
    }
  }

  #sumFor(row: RowValues): Sum {
    const time = Number(row[startedAt]);
    const hour = time - (time % hourMs);
    let key = String(hour);
    // A line feed is in no text of a row, and no text is a line feed alone.
    for (const place of groupPlaces) key += `\n${row[place] ?? "\n"}`;
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      const common = groupPlaces.map((place) => row[place] ?? null);
      sum = { hour, common, amounts: sumColumns.map(() => 0) };
      this.#sums.set(key, sum);
    }
    return sum;
  }
}

/** As the migration that made the first sums gives it. */
function groupIdOf(common: RowValues): string {
  return hash("sha256", JSON.stringify(common), "base64url").slice(0, 22);
}

/** Adds to the sums in the database, in the transaction that writes the rows they are of. */
export type WriteSums = (transaction: Transaction<Tables>, sums: HourlySums) => Promise<void>;

export function createSumsWriter({ kysely }: Db): WriteSums {
  const insertGroups = createBulkInsert((size) =>
    kysely
      .insertInto("usage_groups")
      .values(placeholders(groupTableColumns, size))
      .onConflict((conflict) =>
        conflict
          .column("id")
          .doUpdateSet((row) => ({ last_hour: row.ref("excluded.last_hour") }))
          .whereRef("usage_groups.last_hour", "<", "excluded.last_hour"),
      )
      .compile(),
  );
  const insertHours = createBulkInsert((size) =>
    kysely
      .insertInto("usage_hourly")
      .values(placeholders(hourlyColumns, size))
      .onConflict((conflict) =>
        conflict
          .columns(["hour", "group_id"])
          .doUpdateSet((row) =>
            Object.fromEntries(
              sumColumns.map((column) => [column, row(`usage_hourly.${column}`, "+", row.ref(`excluded.${column}`))]),
            ),
          ),
      )
      .compile(),
  );
  return async (transaction, sums) => {
    const changes = sums.changes();
    // PostgreSQL takes a row once in a statement; the newest hour of a group comes last, and is the one to keep.
    const groups = new Map(changes.map(({ groupId, sum: { hour, common } }) => [groupId, [groupId, hour, ...common]]));
    const sorted = [...groups.values()].sort(([one], [other]) => (String(one) < String(other) ? -1 : 1));
    await insertGroups(transaction, sorted);
    const hours = changes.map(({ groupId, sum: { hour, amounts } }) => [hour, groupId, ...amounts]);
    await insertHours(transaction, hours);
  };
}
