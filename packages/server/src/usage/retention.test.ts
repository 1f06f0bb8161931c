import assert from "node:assert/strict";
import { test } from "node:test";
import { sql } from "kysely";
import { databases } from "../../test/support/databases.ts";
import { openDatabase, type Db } from "../db/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { hourMs } from "./hourly-sums.ts";
import { readKept } from "./kept.ts";
import { createLedger } from "./ledger.ts";
import { valuesOf } from "./line.ts";
import { finalRow, interruptedRow } from "./record.ts";
import { prune, type Retention } from "./retention.ts";
import { seenValues } from "./seen.ts";
import { summarize } from "./summary.ts";
import { endOf, startOf, temporaryDirectory, keptLog } from "./test-parts.ts";
import { openUsage } from "./usage.ts";

const dayMs = 24 * hourMs;
const long: Retention = { requestsMs: 30 * dayMs, sumsMs: 400 * dayMs, requestsMaxBytes: 2 ** 40 };

async function add(db: Db, count: number, ageMs: number, prefix: string, model = "claude"): Promise<void> {
  const startedAt = systemClock.now() - ageMs;
  const rows = Array.from({ length: count }, (_, index) => {
    const id = `${prefix}${String(index).padStart(5, "0")}`;
    return valuesOf(finalRow(interruptedRow(startOf(id, { startedAt: startedAt + index })), endOf(id, { model })));
  });
  assert.deepEqual(await createLedger(db).settle(rows), []);
}

function pruneWith(db: Db, retention: Partial<Retention>, signal = new AbortController().signal) {
  return prune({ db, retention: { ...long, ...retention }, clock: systemClock, signal });
}

async function ids(db: Db): Promise<string[]> {
  const rows = await db.kysely.selectFrom("requests").select("request_id").orderBy("request_id").execute();
  return rows.map((row) => row.request_id);
}

async function summed(db: Db): Promise<number> {
  const { data } = await summarize(db, { by: "route" });
  return data.reduce((sum, group) => sum + group.requests, 0);
}

for (const database of databases) {
  const promise = (name: string, run: (db: Db) => Promise<void>): void => {
    test(`${name} (${database.name})`, { skip: database.skip }, async () => run(await database.open()));
  };

  promise("requests past their age are deleted, their sums stay", async (db) => {
    await add(db, 450, 31 * dayMs, "old-");
    await add(db, 3, 29 * dayMs, "new-");
    const { rows, droppedRows } = await pruneWith(db, {});
    assert.deepEqual([rows, droppedRows], [3, 0]);
    assert.deepEqual(await ids(db), ["new-00000", "new-00001", "new-00002"]);
    assert.equal(await summed(db), 453);
    assert.deepEqual(await pruneWith(db, {}), await pruneWith(db, {}), "there is nothing more to do");
  });

  promise("where there is no room the oldest go first, are counted, and no more go than must", async (db) => {
    await add(db, 600, 3 * dayMs, "a-");
    await add(db, 600, dayMs, "b-");
    const { bytes } = await pruneWith(db, {});
    const room = Math.floor(bytes / 1_200) * 700;
    const kept = await pruneWith(db, { requestsMaxBytes: room });
    assert.deepEqual([kept.rows, kept.droppedRows], [700, 500]);
    assert.ok(kept.bytes <= room);
    assert.deepEqual((await ids(db))[0], "a-00500");
    assert.equal(await summed(db), 1_200);
    await add(db, 10, 0, "c-");
    assert.equal((await pruneWith(db, { requestsMaxBytes: room })).droppedRows, 510);
    assert.equal((await readKept(db.kysely)).rows, (await ids(db)).length);
  });

  promise("sums past their age are deleted too, with the names that only they had", async (db) => {
    await add(db, 3, 500 * dayMs, "a-", "forgotten");
    await add(db, 3, 402 * dayMs, "b-", "forgotten");
    await add(db, 3, 10 * dayMs, "c-", "remembered");
    await pruneWith(db, {});
    assert.equal(await summed(db), 3);
    assert.deepEqual((await seenValues(db)).model, ["remembered"]);
    assert.deepEqual(await db.kysely.selectFrom("usage_groups").select("model").execute(), [{ model: "remembered" }]);
  });

  promise("it stops when it is told to", async (db) => {
    await add(db, 50, 31 * dayMs, "old-");
    assert.equal((await pruneWith(db, {}, AbortSignal.abort())).rows, 50);
  });

  promise("the estimate of the room comes near what the tables really take", async (db) => {
    for (let batch = 0; batch < 10; batch++) await add(db, 1_000, batch * 1_000, `${batch}-`);
    const { bytes } = await pruneWith(db, {});
    const real = await realBytes(db);
    assert.ok(bytes > real * 0.8 && bytes < real * 1.25, `${bytes} estimated, ${real} taken`);
  });

  test(`an open gateway's old requests go by themselves, while new ones are settled (${database.name})`, {
    skip: database.skip,
  }, async (t) => {
    const url = await database.create("migrated");
    const directory = temporaryDirectory(t);
    const db = await openDatabase({ url, home: directory });
    t.after(() => db.close());
    await add(db, 2_000, 31 * dayMs, "old-");
    const parts = { directory, database: { url, home: directory }, clock: systemClock, log: keptLog() };
    const usage = await openUsage({ ...parts, retention: long });
    t.after(() => usage.close());
    for (const id of ["new-1", "new-2"]) {
      usage.end(usage.start(startOf(id, { startedAt: systemClock.now() })), endOf(id));
    }
    await usage.flush();
    while (usage.health().kept === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(await ids(db), ["new-1", "new-2"]);
    assert.equal(await summed(db), 2_002);
    assert.deepEqual([usage.health().ok, usage.health().problem], [true, undefined]);
  });
}

async function realBytes(db: Db): Promise<number> {
  if (db.engine === "postgres") {
    const { rows } = await sql<{ bytes: number }>`select pg_total_relation_size('requests') as bytes`.execute(
      db.kysely,
    );
    return rows[0]?.bytes ?? 0;
  }
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db.kysely);
  const { rows: sizes } = await sql<{ page_size: number }>`pragma page_size`.execute(db.kysely);
  return (rows[0]?.page_count ?? 0) * (sizes[0]?.page_size ?? 0);
}
