import assert from "node:assert/strict";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { sql } from "kysely";
import { AppError } from "../../kernel/errors.ts";
import { migrate, openDatabase, type Db, type OpenOptions } from "../index.ts";

async function openFresh(t: TestContext, options: Partial<OpenOptions> = {}): Promise<Db> {
  const home = mkdtempSync(join(tmpdir(), "portcullis-sqlite-"));
  const db = await openDatabase({ url: "sqlite:", home, ...options });
  t.after(async () => {
    await db.close();
    rmSync(home, { recursive: true });
  });
  await migrate(db);
  return db;
}

async function pragma(db: Db, name: string): Promise<unknown> {
  const { rows } = await sql<Record<string, unknown>>`pragma ${sql.raw(name)}`.execute(db.kysely);
  return rows[0]?.[name];
}

test("a commit reaches the disk before it returns, unless the connection asks for less", async (t) => {
  const full = 2;
  const normal = 1;
  assert.equal(await pragma(await openFresh(t), "synchronous"), full);
  assert.equal(await pragma(await openFresh(t, { synchronous: "normal" }), "synchronous"), normal);
});

test("the file is in write-ahead mode and holds to foreign keys", async (t) => {
  const db = await openFresh(t);
  assert.equal(await pragma(db, "journal_mode"), "wal");
  assert.equal(await pragma(db, "foreign_keys"), 1);
});

test("a statement waits for another process's lock without holding up the event loop", async (t) => {
  const db = await openFresh(t);
  const other = new DatabaseSync(db.describe);
  t.after(() => other.close());
  other.exec("begin immediate");
  const waiting = db.kysely.insertInto("instance").values({ name: "waited", value: "" }).execute();
  // Only a loop that turns while the statement waits can take these turns and then give the lock up.
  for (let turn = 0; turn < 20; turn++) await nextTurn();
  other.exec("commit");
  await waiting;
  assert.equal((await db.kysely.selectFrom("instance").selectAll().where("name", "=", "waited").execute()).length, 1);
});

test("a transaction that reads first can still write after another connection wrote", async (t) => {
  const db = await openFresh(t);
  const second = await openDatabase({ url: `sqlite:${db.describe}`, home: "/nonexistent" });
  t.after(() => second.close());
  const write = (target: Db, name: string): Promise<void> =>
    target.kysely.transaction().execute(async (trx) => {
      await trx.selectFrom("instance").selectAll().execute();
      await trx.insertInto("instance").values({ name, value: "" }).execute();
    });
  await Promise.all([write(db, "a"), write(second, "b"), write(db, "c"), write(second, "d")]);
  const rows = await db.kysely.selectFrom("instance").selectAll().where("value", "=", "").execute();
  assert.equal(rows.length, 4);
});

test("a full disk is unavailable, undoes the transaction, and is over once there is room", async (t) => {
  const db = await openFresh(t);
  await sql`pragma max_page_count = 1`.execute(db.kysely); // SQLite raises it to what is used already: no room for more
  const fill = db.kysely.transaction().execute(async (trx) => {
    await trx
      .insertInto("users")
      .values({ id: "user_1", name: "x".repeat(1_000_000), role: "", created_at: 1 })
      .execute();
  });
  await assert.rejects(fill, (error) => error instanceof AppError && error.code === "database_unavailable");
  assert.deepEqual(await db.kysely.selectFrom("users").selectAll().execute(), []);
  await sql`pragma max_page_count = 1000000`.execute(db.kysely);
  await db.kysely.insertInto("users").values({ id: "user_1", name: "ada", role: "", created_at: 1 }).execute();
});

test("a file damaged while it is open is unreadable, not a wrong answer", async (t) => {
  const db = await openFresh(t);
  await sql`pragma wal_checkpoint(truncate)`.execute(db.kysely);
  const { rows } = await sql<{ rootpage: number }>`select rootpage from sqlite_schema where name = 'users'`.execute(
    db.kysely,
  );
  const file = openSync(db.describe, "r+");
  writeSync(file, Buffer.alloc(4096, 0xff), 0, 4096, ((rows[0]?.rootpage ?? 0) - 1) * 4096);
  closeSync(file);
  await sql`pragma shrink_memory`.execute(db.kysely);
  const reading = db.kysely.selectFrom("users").selectAll().execute();
  await assert.rejects(reading, (error) => error instanceof AppError && error.code === "database_unreadable");
});

test("more different statements than are kept prepared all work, and again", async (t) => {
  const { kysely } = await openFresh(t);
  for (const round of [1, 2]) {
    for (let number = 0; number < 600; number++) {
      const { rows } = await sql`select ${sql.lit(number)} + ${round} as sum`.execute(kysely);
      assert.deepEqual(rows, [{ sum: number + round }]);
    }
  }
});

test("a streamed query is refused, and the connection is free again", async (t) => {
  const { kysely } = await openFresh(t);
  await assert.rejects(async () => {
    for await (const row of kysely.selectFrom("instance").selectAll().stream()) assert.fail(`got ${row.name}`);
  }, /read in pages/);
  assert.equal((await kysely.selectFrom("instance").selectAll().execute()).length, 2);
});

test("closing waits for the transaction under way", async (t) => {
  const home = mkdtempSync(join(tmpdir(), "portcullis-sqlite-"));
  t.after(() => rmSync(home, { recursive: true }));
  const db = await openDatabase({ url: "sqlite:", home });
  await migrate(db);
  const inside = Promise.withResolvers<void>();
  const transaction = db.kysely.transaction().execute(async (trx) => {
    inside.resolve();
    for (const name of ["a", "b", "c"]) await trx.insertInto("instance").values({ name, value: "kept" }).execute();
  });
  await inside.promise;
  await db.close();
  await transaction;
  const reopened = await openDatabase({ url: "sqlite:", home });
  t.after(() => reopened.close());
  assert.equal(
    (await reopened.kysely.selectFrom("instance").selectAll().where("value", "=", "kept").execute()).length,
    3,
  );
});
