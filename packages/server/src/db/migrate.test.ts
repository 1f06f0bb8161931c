import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { sql } from "kysely";
import { databases } from "../../test/support/databases.ts";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { migrate, migrationStatus, openDatabase, type Db } from "./index.ts";
import { migrations } from "./migrations/index.ts";
import type { Migration } from "./migrations/migration.ts";

const known = migrations.length;
const names = migrations.map(({ number, name }) => `${String(number).padStart(4, "0")}-${name}`);

/** `count` migrations that each add a row to a table made by the first, so that one run twice would show. */
function rowMigrations(count: number): Migration[] {
  return Array.from({ length: count }, (_, index) => ({
    number: index + 1,
    name: `step-${index + 1}`,
    async up(transaction) {
      if (index === 0) await sql`create table steps (number integer not null)`.execute(transaction);
      await sql`insert into steps (number) values (${index + 1})`.execute(transaction);
    },
  }));
}

async function steps(db: Db): Promise<readonly number[]> {
  const { rows } = await sql<{ number: number }>`select number from steps order by number`.execute(db.kysely);
  return rows.map(({ number }) => number);
}

test("migrations are numbered from 1 without a gap", () => {
  assert.deepEqual(
    migrations.map(({ number }) => number),
    Array.from({ length: known }, (_, index) => index + 1),
  );
});

for (const database of databases) {
  const options = { skip: database.skip };

  test(`an empty database is brought up to date, once (${database.name})`, options, async (t) => {
    const db = await openDatabase({ url: await database.create("empty"), home: "/nonexistent" });
    t.after(() => db.close());
    const clock = fakeClock();
    assert.deepEqual(await migrationStatus(db), { current: 0, known, pending: names });
    assert.deepEqual(await migrate(db, { clock }), { from: 0, to: known, applied: names });
    assert.deepEqual(await migrate(db, { clock }), { from: known, to: known, applied: [] });
    assert.deepEqual(await migrationStatus(db), { current: known, known, pending: [] });

    const facts = await db.kysely.selectFrom("instance").selectAll().orderBy("name").execute();
    assert.deepEqual(facts[0], { name: "created_at", value: String(clock.now()) });
    assert.match(facts[1]?.value ?? "", /^ins_[0-9a-z]{26}$/);
    assert.deepEqual(
      facts.map(({ name }) => name),
      ["created_at", "instance_id"],
    );
  });

  test(`processes that start at once on an empty database migrate it once (${database.name})`, options, async (t) => {
    const url = await database.create("empty");
    const script = `
      import { migrate, openDatabase } from ${JSON.stringify(import.meta.resolve("./index.ts"))};
      const db = await openDatabase({ url: process.argv[1], home: "/nonexistent" });
      console.log(JSON.stringify((await migrate(db)).applied));
      await db.close();`;
    const run = () => promisify(execFile)(process.execPath, ["--input-type=module-typescript", "--eval", script, url]);
    const outputs = await Promise.all([run(), run(), run()]);
    // They take turns step by step, so any of them may have taken any step.
    const applied = outputs.flatMap(({ stdout }): string[] => JSON.parse(stdout));
    assert.deepEqual(applied.toSorted(), names);
    const db = await openDatabase({ url, home: "/nonexistent" });
    t.after(() => db.close());
    assert.equal((await db.kysely.selectFrom("instance").selectAll().execute()).length, 2);
  });

  test(
    `connections that migrate at once run each migration once and in order (${database.name})`,
    options,
    async (t) => {
      const url = await database.create("empty");
      const dbs = await Promise.all([1, 2, 3].map(() => openDatabase({ url, home: "/nonexistent" })));
      t.after(() => Promise.all(dbs.map((db) => db.close())));
      const results = await Promise.all(dbs.map((db) => migrate(db, { migrations: rowMigrations(6) })));
      assert.deepEqual(
        results.flatMap(({ applied }) => applied).toSorted(),
        [1, 2, 3, 4, 5, 6].map((number) => `000${number}-step-${number}`),
      );
      for (const db of dbs) assert.deepEqual(await steps(db), [1, 2, 3, 4, 5, 6]);
    },
  );

  test(`a migration that fails leaves nothing behind, and can be run again (${database.name})`, options, async (t) => {
    const db = await openDatabase({ url: await database.create("empty"), home: "/nonexistent" });
    t.after(() => db.close());
    const good = rowMigrations(3);
    const broken = good.with(1, {
      number: 2,
      name: "step-2",
      async up(transaction) {
        await sql`insert into steps (number) values (2)`.execute(transaction);
        await sql`create table half_done (number integer)`.execute(transaction);
        throw new Error("broken half way");
      },
    });
    await assert.rejects(migrate(db, { migrations: broken }), /broken half way/);
    assert.deepEqual(await steps(db), [1]);
    assert.deepEqual(await migrationStatus(db, good), {
      current: 1,
      known: 3,
      pending: ["0002-step-2", "0003-step-3"],
    });
    await assert.rejects(sql`select * from half_done`.execute(db.kysely), /half_done/);
    assert.deepEqual(await migrate(db, { migrations: good }), {
      from: 1,
      to: 3,
      applied: ["0002-step-2", "0003-step-3"],
    });
  });

  test(`a database of a newer version is refused and left as it is (${database.name})`, options, async () => {
    const db = await database.open();
    const record = sql`insert into migrations (number, name, applied_at) values (${known + 1}, 'from-the-future', 0)`;
    await record.execute(db.kysely);
    await assert.rejects(migrate(db), (error) => {
      assert(error instanceof AppError);
      assert.equal(error.code, "database_newer");
      assert.match(error.message, new RegExp(`schema ${known + 1}, this one knows ${known}\\b`));
      return true;
    });
    assert.deepEqual(await migrationStatus(db), { current: known + 1, known, pending: [] });
  });
}
