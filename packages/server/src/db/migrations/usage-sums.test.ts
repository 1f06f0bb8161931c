import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { databases } from "../../../test/support/databases.ts";
import { createLedger } from "../../usage/ledger.ts";
import { textColumns, valuesOf } from "../../usage/line.ts";
import { finalRow, interruptedRow, type RequestRecord } from "../../usage/record.ts";
import { summarize } from "../../usage/summary.ts";
import { endOf, startOf } from "../../usage/test-parts.ts";
import { migrate, openDatabase, type Db } from "../index.ts";
import { migrations } from "./index.ts";

const hourMs = 3_600_000;
const start = Date.UTC(2025, 11, 31, 22);

function request(id: string, hour: number, model: string, costMicros: number | null): RequestRecord {
  const open = interruptedRow(startOf(id, { startedAt: start + hour * hourMs, model, floorCostMicros: costMicros }));
  return model === "broken off" ? open : finalRow(open, endOf(id, { model, costMicros }));
}

const old = [
  request("r1", 0.5, "claude", 100),
  request("r2", 0.75, "claude", null),
  request("r3", 1.5, "claude", 30),
  request("r4", 2, "gpt", 7), // the next day
  request("r5", 2.25, "broken off", 1),
  request("r6", 24 * 40, "claude", 2),
];

/** Columns that the first schema had not. */
const later: readonly string[] = ["response_id", "upstream_dialect", "dropped"];

async function insertOld(db: Db, row: RequestRecord): Promise<void> {
  const names = textColumns.filter((column) => !later.includes(column));
  const columns = sql.join(names.map((name) => sql.ref(name)));
  const values = sql.join(names.map((name) => row[name]));
  await sql`insert into requests (${columns}) values (${values})`.execute(db.kysely);
}

for (const database of databases) {
  test(`requests of the first schema are summed up as they would have been when they were made (${database.name})`, {
    skip: database.skip,
  }, async (t) => {
    const db = await openDatabase({ url: await database.create("empty"), home: "/nonexistent" });
    t.after(() => db.close());
    await migrate(db, { migrations: migrations.slice(0, 1) });
    for (const row of old) await insertOld(db, row);
    await migrate(db);

    const [kept] = await db.kysely.selectFrom("requests_kept").selectAll().execute();
    assert.deepEqual(kept, { id: 1, rows: 6, since: 0, dropped_rows: 0 });
    const rows = await db.kysely
      .selectFrom("requests")
      .select(["response_id", "images", "searches"])
      .distinct()
      .execute();
    assert.deepEqual(rows, [{ response_id: null, images: 0, searches: 0 }]);
    const migrated = await sumsIn(db);

    const fresh = await database.open();
    await createLedger(fresh).settle(old.map(valuesOf));
    assert.deepEqual(migrated, await sumsIn(fresh), "the same rows, down to the ids of the groups");
    assert.equal((migrated.hours as unknown[]).length, 5);

    await createLedger(db).settle([valuesOf(request("r7", 0.5, "claude", 1))]);
    const { data } = await summarize(db, { by: "model", until: start + hourMs });
    assert.deepEqual(
      data.map((group) => [group.model, group.requests, group.cost_usd, group.unpriced_requests]),
      [["claude", 3, 0.000101, 1]],
    );
  });
}

async function sumsIn({ kysely }: Db) {
  return {
    groups: await kysely.selectFrom("usage_groups").selectAll().orderBy("id").execute(),
    hours: await kysely.selectFrom("usage_hourly").selectAll().orderBy("hour").orderBy("group_id").execute(),
  };
}
