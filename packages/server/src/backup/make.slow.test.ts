import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { test } from "node:test";
import { databases, type TestDatabase } from "../../test/support/databases.ts";
import { AppError } from "../kernel/errors.ts";
import { openDatabase } from "../db/index.ts";
import { createBackups, type BackupParts } from "./index.ts";
import { clock, collect, failingAfter, freshHome, furnish, recipient, restore, withCode } from "./test-parts.ts";

/** A gateway's parts, and how many connections are open for backups. */
async function parts(database: TestDatabase) {
  const url = await database.create("migrated");
  const db = await openDatabase({ url, home: "/nonexistent" });
  const vault = await furnish(db, freshHome());
  const events = new EventEmitter();
  const open = {
    count: 0,
    async allClosed() {
      while (open.count > 0) await once(events, "closed");
    },
  };
  const given: BackupParts = {
    async openDatabase() {
      const opened = await openDatabase({ url, home: "/nonexistent" });
      open.count += 1;
      return {
        ...opened,
        close: () => {
          open.count -= 1;
          events.emit("closed");
          return opened.close();
        },
      };
    },
    vault,
    vaultFile: () => undefined,
    settle: () => Promise.resolve(),
    clock,
    product: "1.0.0",
  };
  return { db, vault, open, given };
}

const holders = { recipients: [recipient] };

for (const database of databases) {
  const { name, skip } = database;

  test(`what is written while a backup is read is not in it, and nobody waits for the reader (${name})`, {
    skip,
  }, async (t) => {
    const { db, given, open } = await parts(database);
    t.after(() => db.close());
    const reader = (await createBackups(given)(holders)).getReader();
    const pieces = [(await reader.read()).value ?? new Uint8Array()];
    await db.kysely.deleteFrom("keys").where("id", "<", "key_0200").execute();
    await db.kysely.updateTable("keys").set({ description: "changed" }).execute();
    await db.kysely.insertInto("users").values({ id: "user_1", name: "late", role: "", created_at: 1 }).execute();
    for (let next = await reader.read(); !next.done; next = await reader.read()) pieces.push(next.value);
    assert.equal(open.count, 0);

    const home = freshHome();
    const report = await restore(await fileOf(Buffer.concat(pieces)), home);
    assert.deepEqual([report.rows["keys"], report.rows["users"]], [300, 0]);
    const restored = await openDatabase({ url: "sqlite:", home: home.path });
    t.after(() => restored.close());
    const changed = await restored.kysely.selectFrom("keys").where("description", "=", "changed").selectAll().execute();
    assert.deepEqual(changed, []);
  });

  test(`a reader who goes away, before the first byte or later, gives the connection back (${name})`, {
    skip,
  }, async (t) => {
    const { db, given, open } = await parts(database);
    t.after(() => db.close());
    for (const reads of [0, 1, 3]) {
      const reader = (await createBackups(given)(holders)).getReader();
      for (let read = 0; read < reads; read++) await reader.read();
      assert.equal(open.count, 1);
      await reader.cancel();
      await open.allClosed(); // which goes on behind the cancelled stream
      assert.equal(open.count, 0, `after ${reads} reads`);
    }
  });

  test(`a sealed vault, and a recipient that is none, make no backup and leave no connection (${name})`, {
    skip,
  }, async (t) => {
    const { db, vault, given, open } = await parts(database);
    t.after(() => db.close());
    await assert.rejects(createBackups(given)({ recipients: ["age1x"] }), withCode("invalid_request"));
    vault.seal();
    await assert.rejects(createBackups(given)(holders), withCode("vault_sealed"));
    assert.equal(open.count, 0);
  });

  test(`a root key that does not open what is stored is never written down (${name})`, { skip }, async (t) => {
    const { db, given, open } = await parts(database);
    t.after(() => db.close());
    const vault: BackupParts["vault"] = { lendRootKey: (use) => use(Buffer.alloc(32, 1)) };
    await assert.rejects(createBackups({ ...given, vault })(holders), withCode("store_conflict"));
    assert.equal(open.count, 0);
  });

  test(`a database that fails on the way fails the backup, at every one of its queries (${name})`, {
    skip,
  }, async (t) => {
    const { db, given, open } = await parts(database);
    t.after(() => db.close());
    let failures = 0;
    for (let allowed = 0; ; allowed++) {
      const failing = { ...given, openDatabase: async () => failingAfter(await given.openDatabase(), allowed) };
      const outcome = await createBackups(failing)(holders)
        .then(collect)
        .then(
          () => "whole",
          (error: unknown) => (error instanceof AppError ? error.code : String(error)),
        );
      assert.equal(open.count, 0);
      if (outcome === "whole") break;
      assert.equal(outcome, "database_unavailable");
      failures += 1;
    }
    assert.ok(failures > 20, `${failures} queries`);
  });
}

let files = 0;
async function fileOf(bytes: Buffer): Promise<string> {
  const { writeFile } = await import("node:fs/promises");
  const path = `${freshHome().path}/${files++}.age`;
  await writeFile(path, bytes);
  return path;
}
