import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { sql } from "kysely";
import { databases } from "../../test/support/databases.ts";
import { migrateWithin, openDatabase, rowInserter, type Value } from "../db/index.ts";
import { createVault, openVaultStore } from "../vault/index.ts";
import { wrapNewTerm } from "../vault/keyring.ts";
import { createBackups, restoreTarget, type BackupParts } from "./index.ts";
import { clock, collect, freshHome, freshPath, furnish, recipient, restore, secrets } from "./test-parts.ts";

// Where a backup comes from: a vault in a file, a database of an earlier version.

for (const database of databases) {
  const { name, skip } = database;

  test(`a vault that lies in a file is in the backup, and is restored into the database (${name})`, {
    skip,
  }, async (t) => {
    const url = await database.create("migrated");
    const db = await openDatabase({ url, home: "/nonexistent" });
    t.after(() => db.close());
    const home = freshHome();
    const vault = await furnish(db, home);
    const opened = await openVaultStore({ db, home, clock, wanted: "database" });
    assert.equal(await opened.move("file"), secrets.length);
    assert.deepEqual(await db.kysely.selectFrom("sealed_records").select("id").execute(), []);

    const file = await written({ url, vault, vaultFile: () => (opened.kind() === "file" ? opened.store : undefined) });
    const other = freshHome();
    const report = await restore(file, other);
    assert.deepEqual([report.vault.opened, report.vault.unreadable], [secrets.length, []]);
    const restored = await openDatabase({ url: "sqlite:", home: other.path });
    t.after(() => restored.close());
    const store = await openVaultStore({ db: restored, home: other, clock, wanted: "file" });
    assert.equal(store.kind(), "database");
    const reopened = createVault({ db: restored, home: other, clock, options: { unlocker: "key-file" } });
    await reopened.start();
    for (const { ref, value } of secrets) assert.equal((await reopened.get(ref)).reveal(), value.reveal());
  });

  test(`a backup of the first schema is restored as what it was, and upgraded in the same step (${name})`, {
    skip,
  }, async (t) => {
    const url = await database.create("empty");
    const db = await openDatabase({ url, home: "/nonexistent" });
    t.after(() => db.close());
    const rootKey = Buffer.alloc(32, 9);
    await db.kysely.transaction().execute(async (transaction) => {
      await migrateWithin(transaction, { engine: db.engine, nowMs: 1_000, upTo: 1 });
      const inside = transaction.withTables<never>();
      const { term, wrapped } = wrapNewTerm(rootKey, 1);
      await rowInserter(inside, "vault_terms", ["term", "wrapped", "created_at"])([[term, wrapped, 1]]);
      const request = requestOf("req_1");
      await rowInserter(
        inside,
        "requests",
        Object.keys(request),
      )([Object.values(request), Object.values(requestOf("req_2"))]);
    });
    const file = await written({ url, vault: { lendRootKey: (use) => use(Buffer.from(rootKey)) } });

    const home = freshHome();
    const targetUrl = name === "SQLite" ? "sqlite:" : await database.create("empty");
    const report = await restore(file, home, restoreTarget(targetUrl, home));
    assert.deepEqual([report.header.schema, report.rows["requests"], report.newSlot], [1, 2, "key-file"]);
    const restored = await openDatabase({ url: targetUrl, home: home.path });
    t.after(() => restored.close());
    const { rows } = await sql`select rows, since from requests_kept`.execute(restored.kysely);
    assert.deepEqual(rows, [{ rows: 2, since: 0 }]);
    const hours = await restored.kysely.selectFrom("usage_hourly").select(["requests", "cost_micros"]).execute();
    assert.deepEqual(hours, [{ requests: 2, cost_micros: 14 }]);
    const instance = await restored.kysely.selectFrom("instance").selectAll().orderBy("name").execute();
    assert.deepEqual(instance, await db.kysely.selectFrom("instance").selectAll().orderBy("name").execute());
  });
}

async function written(
  given: Pick<BackupParts, "vault"> & Partial<BackupParts> & { readonly url: string },
): Promise<string> {
  const make = createBackups({
    openDatabase: () => openDatabase({ url: given.url, home: "/nonexistent" }),
    vaultFile: () => undefined,
    settle: () => Promise.resolve(),
    clock,
    product: "1.0.0",
    ...given,
  });
  const file = freshPath();
  writeFileSync(file, await collect(await make({ recipients: [recipient] })));
  return file;
}

/** As the first schema kept it. */
function requestOf(id: string): Readonly<Record<string, Value>> {
  const counts =
    "input_tokens output_tokens cache_read_tokens cache_write_tokens cache_write_1h_tokens reasoning_tokens";
  return {
    request_id: id,
    started_at: 1_767_225_600_000,
    route: "/v1/messages",
    dialect: "anthropic-messages",
    stream: 0,
    outcome: "ok",
    usage_source: "reported",
    ...Object.fromEntries(counts.split(" ").map((column) => [column, 1])),
    cost_micros: 7,
    request_bytes: 1,
    response_bytes: 1,
    attempts: 1,
  };
}
