import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { sql } from "kysely";
import { databases } from "../../test/support/databases.ts";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { silentLog, type Log } from "../kernel/log.ts";
import { migrationStatus, openDatabase, upgrade, type Db } from "./index.ts";
import { migrations } from "./migrations/index.ts";
import type { Migration } from "./migrations/migration.ts";

const root = mkdtempSync(join(tmpdir(), "portcullis-upgrade-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;

/** The first migration as it is, and one after it that makes what was there unrecognisable. */
const [first] = migrations as [Migration, ...Migration[]];
const next: Migration = {
  number: 2,
  name: "drops-a-table",
  async up(transaction) {
    await sql`drop table users`.execute(transaction);
  },
};

async function openOld(t: {
  after(done: () => Promise<void>): void;
}): Promise<{ db: Db; home: string; backups: string }> {
  const home = join(root, String(count++));
  mkdirSync(home, { mode: 0o700 });
  const db = await openDatabase({ url: "sqlite:", home });
  t.after(() => db.close());
  const backups = join(home, "backups");
  await upgrade(db, { backups, keep: 5, log: silentLog, migrations: [first] });
  await sql`insert into users (id, name, role, created_at) values ('u', 'ada', 'owner', 1)`.execute(db.kysely);
  return { db, home, backups };
}

function recordingLog(): { readonly log: Log; readonly lines: { readonly [name: string]: unknown }[] } {
  const lines: { readonly [name: string]: unknown }[] = [];
  const keep = (fields: object, message: string): void => void lines.push({ ...fields, message });
  return { lines, log: { debug: keep, info: keep, warn: keep, error: keep } };
}

test("a database that holds something is copied before it is migrated; the copy has the old schema and every row", async (t) => {
  const { db, backups } = await openOld(t);
  assert.equal(existsSync(backups), false, "the first start had nothing to copy");
  const { log, lines } = recordingLog();
  const clock = fakeClock();
  const done = await upgrade(db, { backups, keep: 5, log, clock, migrations: [first, next] });
  const copy = join(backups, "portcullis-0001-20260101T000000000Z.db");
  assert.deepEqual(done, { from: 1, to: 2, applied: ["0002-drops-a-table"], backup: copy });
  assert.deepEqual(lines[0], { path: copy, schema: 1, message: "the database was copied before its upgrade" });
  assert.deepEqual(readdirSync(backups), ["portcullis-0001-20260101T000000000Z.db"]);
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  assert.equal(statSync(backups).mode & 0o777, 0o700);
  await assert.rejects(sql`select * from users`.execute(db.kysely));

  const old = await openDatabase({ url: `sqlite:${copy}`, home: "/nonexistent" });
  t.after(() => old.close());
  assert.deepEqual(await migrationStatus(old, [first, next]), {
    current: 1,
    known: 2,
    pending: ["0002-drops-a-table"],
  });
  assert.deepEqual((await sql`select name from users`.execute(old.kysely)).rows, [{ name: "ada" }]);
  assert.deepEqual((await sql`pragma integrity_check`.execute(old.kysely)).rows, [{ integrity_check: "ok" }]);
});

test("nothing is copied where nothing is migrated", async (t) => {
  const { db, backups } = await openOld(t);
  const done = await upgrade(db, { backups, keep: 5, log: silentLog, migrations: [first] });
  assert.deepEqual(done, { from: 1, to: 1, applied: [], backup: undefined });
  assert.equal(existsSync(backups), false);
});

test("without its copy the database is not migrated, and the error says why", async (t) => {
  const { db, home, backups } = await openOld(t);
  writeFileSync(backups, "a file where the directory should be");
  const options = { backups, keep: 5, log: silentLog, migrations: [first, next] };
  await assert.rejects(upgrade(db, options), (error) => {
    assert(error instanceof AppError);
    assert.equal(error.code, "backup_failed");
    assert.match(
      error.message,
      /could not be copied to \S+backups\/portcullis-0001-\S+, so it was not upgraded: .*EEXIST/,
    );
    return true;
  });
  assert.equal((await migrationStatus(db, options.migrations)).current, 1);
  rmSync(backups);
  assert.ok((await upgrade(db, options)).backup?.startsWith(home));
});

test("the newest copies are kept, and what broken-off copying left is cleared away", async (t) => {
  const { db, backups } = await openOld(t);
  mkdirSync(backups);
  const older = ["0001-20250101T000000000Z", "0004-20240101T000000000Z", "0002-20250301T000000000Z"];
  for (const name of older) writeFileSync(join(backups, `portcullis-${name}.db`), name);
  writeFileSync(join(backups, ".portcullis-0001-20250101T000000000Z.db.x.tmp"), "half");
  writeFileSync(join(backups, "my-own.db"), "not ours to delete");
  await upgrade(db, { backups, keep: 2, log: silentLog, clock: fakeClock(), migrations: [first, next] });
  assert.deepEqual(readdirSync(backups).toSorted(), [
    "my-own.db",
    "portcullis-0001-20260101T000000000Z.db",
    "portcullis-0002-20250301T000000000Z.db",
  ]);
});

test("a copy put back in the place of the database is the database as it was", async (t) => {
  const { db, home, backups } = await openOld(t);
  const { backup = "" } = await upgrade(db, { backups, keep: 5, log: silentLog, migrations: [first, next] });
  await db.close();
  for (const suffix of ["", "-wal", "-shm"]) rmSync(join(home, `portcullis.db${suffix}`), { force: true });
  execFileSync("cp", ["-p", backup, join(home, "portcullis.db")]);
  const restored = await openDatabase({ url: "sqlite:", home });
  t.after(() => restored.close());
  assert.equal((await migrationStatus(restored, [first])).current, 1);
  assert.deepEqual((await sql`select name from users`.execute(restored.kysely)).rows, [{ name: "ada" }]);
  assert.ok(readFileSync(backup).length > 0, "the copy itself is still there");
});

const postgres = databases.find(({ name }) => name === "PostgreSQL");
test("PostgreSQL is not copied: the log has the command that does it, without the password", {
  skip: postgres === undefined ? "no such database" : postgres.skip,
}, async (t) => {
  const db = await openDatabase({ url: (await postgres?.create("empty")) ?? "", home: "/nonexistent" });
  t.after(() => db.close());
  const backups = join(root, "postgres");
  const { log, lines } = recordingLog();
  await upgrade(db, { backups, keep: 5, log, migrations: [first] });
  const noted = lines.length;
  const done = await upgrade(db, { backups, keep: 5, log, migrations: [first, next] });
  assert.equal(done.backup, undefined);
  assert.match(
    String(lines[noted]?.["command"]),
    /^pg_dump --format=custom --file=portcullis-0001-\S+\.dump 'postgres:\/\/[^:']*'$/,
  );
  assert.equal(existsSync(backups), false);
});
