import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { Secret } from "../kernel/secret.ts";
import { openDatabase, tableRows, tableShapes, type Db } from "../db/index.ts";
import type { Home } from "../home/index.ts";
import { createVault } from "../vault/index.ts";
import { encrypt } from "./age-file.ts";
import { demandEmptyHome, rehearsalTarget, restoreBackup, restoreTarget } from "./index.ts";
import {
  again,
  backUp,
  clock,
  collect,
  freshHome,
  freshPath,
  furnish,
  identity,
  recipient,
  restore,
  secrets,
  withCode,
} from "./test-parts.ts";
import { writeLines, type TableToWrite } from "./writer.ts";

const sqlite = databases.filter(({ name }) => name === "SQLite");

async function source(): Promise<{ readonly db: Db; readonly file: string }> {
  const url = (await sqlite[0]?.create("migrated")) ?? "";
  const db = await openDatabase({ url, home: "/nonexistent" });
  const vault = await furnish(db, freshHome());
  return { db, file: await backUp(again(db, url), vault, { recipients: [recipient] }) };
}

const { db: original, file: backup } = await source();
test.after(() => original.close());

/** What lies in a home, but for the lock. */
function namesIn(home: Home): readonly string[] {
  return readdirSync(home.path).filter((name) => !["lock", "pid"].includes(name));
}

test("a backup is restored into an empty place only", async () => {
  for (const name of ["portcullis.db", "portcullis.db-wal", "portcullis.db-journal"]) {
    const home = freshHome();
    writeFileSync(home.file(name), "something", { mode: 0o600 });
    await assert.rejects(restore(backup, home), withCode("restore_target_used"));
    assert.equal(readFileSync(home.file(name), "utf8"), "something");
    assert.deepEqual(namesIn(home), [name]);
  }
  for (const path of ["vault.json", join("journal", "01jc5x8m3k2v7n4q9w1z6y0abc.log")]) {
    const home = freshHome();
    mkdirSync(join(home.path, "journal"));
    demandEmptyHome(home);
    writeFileSync(join(home.path, path), "");
    assert.throws(() => demandEmptyHome(home), withCode("restore_target_used"));
  }
});

for (const database of databases.filter(({ name }) => name === "PostgreSQL")) {
  test("a PostgreSQL database that holds any table is refused", { skip: database.skip }, async () => {
    const home = freshHome();
    const target = restoreTarget(await database.create("migrated"), home);
    await assert.rejects(restore(backup, home, target), withCode("restore_target_used"));
  });
}

test("a backup that is cut off or damaged leaves nothing behind, not even a key", async () => {
  const bytes = readFileSync(backup);
  const home = freshHome();
  const file = freshPath();
  for (const share of [0.01, 0.2, 0.5, 0.8, 0.95, 0.999]) {
    const place = Math.floor(bytes.length * share);
    const changed = Buffer.from(bytes);
    changed[place] = (changed[place] ?? 0) ^ 1;
    for (const broken of [changed, bytes.subarray(0, place)]) {
      writeFileSync(file, broken);
      await assert.rejects(restore(file, home), withCode("backup_unreadable"));
      assert.deepEqual(namesIn(home), [], String(share));
    }
  }
  await restore(backup, home);
  assert.deepEqual(namesIn(home).toSorted(), ["portcullis.db", "root.key"]);
});

test("what an attempt that was killed has left is removed by the next one, and nothing else", async () => {
  const home = freshHome();
  const left = ".portcullis.db.0b2c7f3e-6b0a-4a53-9b36-0f0a6a2f7d11.tmp";
  for (const name of [left, `${left}-wal`, `${left}-shm`, `${left}-journal`, ".portcullis.db.other"])
    writeFileSync(home.file(name), "x");
  await restore(backup, home);
  assert.deepEqual(namesIn(home).toSorted(), [".portcullis.db.other", "portcullis.db", "root.key"]);
});

test("a rehearsal says what a restore would, and leaves nothing", async () => {
  const [home, directory] = [freshHome(), freshHome().path];
  const report = await restoreBackup({
    file: backup,
    target: rehearsalTarget(directory),
    opener: () => Promise.resolve({ identities: [new Secret(identity)] }),
    opening: { unlocker: "key-file", keyFile: home.file("root.key") },
    dryRun: true,
    clock,
  });
  assert.deepEqual([report.vault.opened, report.newSlot], [secrets.length, undefined]);
  assert.equal(existsSync(home.file("root.key")), false);
  assert.deepEqual(
    readdirSync(directory).filter((name) => !["lock", "pid"].includes(name)),
    [],
  );
});

test("a record that was damaged before the backup comes along, is named, and harms no other", async (t) => {
  const url = (await sqlite[0]?.create("migrated")) ?? "";
  const db = await openDatabase({ url, home: "/nonexistent" });
  t.after(() => db.close());
  const vault = await furnish(db, freshHome());
  await db.kysely.updateTable("sealed_records").set({ origins: "[]" }).where("id", "=", "cred_3").execute();
  await db.kysely.updateTable("sealed_records").set({ origins: "{" }).where("id", "=", "cred_4").execute();
  await db.kysely
    .updateTable("sealed_records")
    .set({ sealed: Buffer.alloc(9) })
    .where("id", "=", "cred_5")
    .execute();
  await db.kysely.updateTable("sealed_records").set({ kek_term: 99 }).where("id", "=", "cred_6").execute();
  const report = await restore(await backUp(again(db, url), vault, { recipients: [recipient] }), freshHome());
  assert.deepEqual(
    report.vault.unreadable,
    [3, 4, 5, 6].map((index) => `credential/cred_${index}/value`),
  );
  assert.equal(report.vault.opened, secrets.length - 4);
});

test("a passphrase slot that came along opens the vault, and one for this machine is made only if none does", async (t) => {
  const home = freshHome();
  const passphrase = new Secret("a passphrase of the office");
  const withOpening = (target: Home, opening: object) =>
    restoreBackup({
      file: backup,
      target: restoreTarget("sqlite:", target),
      opener: () => Promise.resolve({ identities: [new Secret(identity)] }),
      opening: { unlocker: "auto", keyFile: target.file("root.key"), ...opening },
      dryRun: false,
      clock,
    });
  assert.equal((await withOpening(home, { unlocker: "passphrase" })).newSlot, undefined);
  assert.deepEqual(namesIn(home), ["portcullis.db"]);
  const restored = await openDatabase({ url: "sqlite:", home: home.path });
  t.after(() => restored.close());
  const vault = createVault({ db: restored, home, clock, options: { unlocker: "passphrase" } });
  await vault.unseal({ passphrase });
  const [first] = secrets;
  assert.ok(first);
  assert.equal((await vault.get(first.ref)).reveal(), first.value.reveal());
  assert.equal((await withOpening(freshHome(), { passphrase })).newSlot, undefined);
  const other = new Secret("a passphrase of another office");
  assert.equal((await withOpening(freshHome(), { passphrase: other })).newSlot, "passphrase");
});

// What no gateway writes, in a file that is whole.

interface Change {
  readonly header?: object;
  readonly rootKey?: Buffer;
  readonly tables?: (tables: TableToWrite[]) => TableToWrite[];
}

async function forged({ header = {}, rootKey = Buffer.alloc(32), tables = (all) => all }: Change): Promise<string> {
  const kysely = original.kysely.withTables<never>();
  const shapes = (await tableShapes(kysely, "sqlite")).filter(({ name }) => name !== "migrations");
  const order = ["vault_slots", "vault_terms", "vault_named_keys", "vault_state"];
  const all = shapes
    .map((shape) => ({ ...shape, rows: tableRows(kysely, shape) }))
    .toSorted((one, other) => Number(order.includes(other.name)) - Number(order.includes(one.name)));
  const base = {
    format: "portcullis-backup",
    version: 1,
    made_at: "",
    product: "",
    schema: 6,
    engine: "sqlite",
  } as const;
  async function* changed(): AsyncGenerator<TableToWrite> {
    for (const table of tables(all)) yield await Promise.resolve(table);
  }
  const lines = writeLines({ ...base, ...header }, Buffer.from(rootKey.toString("base64")), changed());
  const file = freshPath();
  writeFileSync(file, await collect(await encrypt(ReadableStream.from(lines), { recipients: [recipient] })));
  return file;
}

async function* rowsOf(...rows: readonly (string | number | null)[][]): TableToWrite["rows"] {
  yield await Promise.resolve(rows);
}

test("a whole file with a foreign root key, table, column or value is refused, and leaves nothing", async () => {
  const home = freshHome();
  const users = ["id", "name", "role", "created_at"];
  const instead = (columns: readonly string[], ...rows: (string | number | null)[][]): Change => ({
    tables: (all) => [
      ...all.filter(({ name }) => !["users", "sealed_records"].includes(name)),
      { name: "users", columns, rows: rowsOf(...rows) },
    ],
  });
  const changes: readonly Change[] = [
    {},
    { tables: (all) => all.filter(({ name }) => name !== "users") },
    { tables: (all) => [...all, { name: "sqlite_schema", columns: ["sql"], rows: rowsOf(["x"]) }] },
    { tables: (all) => [...all, { name: 'users" (id) values (1); --', columns: ["id"], rows: rowsOf(["x"]) }] },
    { tables: (all) => all.toReversed() },
    instead([...users, "more"], ["a", "b", "c", 1, 2]),
    instead(["id", "name", "role", 'created_at") values (1); --'], ["a", "b", "c", 1]),
    instead(users, ["a", "b", "c", "not a number"]),
    instead(users, ["a", null, "c", 1]),
    instead(users, ["a", "b", "c", 1], ["a", "b", "c", 1]),
  ];
  for (const [index, change] of changes.entries()) {
    await assert.rejects(restore(await forged(change), home), withCode("backup_unreadable"), String(index));
    assert.deepEqual(namesIn(home), []);
  }
});

test("a backup of a schema that this version does not know is refused as newer", async () => {
  const home = freshHome();
  await assert.rejects(restore(await forged({ header: { schema: 9_999 } }), home), withCode("database_newer"));
  assert.deepEqual(namesIn(home), []);
});
