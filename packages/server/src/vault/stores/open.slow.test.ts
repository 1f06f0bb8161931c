import assert from "node:assert/strict";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { KyselyPlugin } from "kysely";
import { databases } from "../../../test/support/databases.ts";
import { mountSmallDisk } from "../../../test/support/small-disk.ts";
import type { Db } from "../../db/index.ts";
import { homePath } from "../../home/index.ts";
import { fakeClock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import type { VaultStore } from "../store.ts";
import { everything, namedKey, plain, record, ref, slot, term, withCode } from "./test-parts.ts";
import { openVaultStore, type OpenedVaultStore, type StoreKind } from "./open.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-vault-place-"));
after(() => rmSync(base, { recursive: true, force: true }));
const freshHome = (): string => mkdtempSync(join(base, "home-"));
const vaultFile = (home: string): string => join(home, "vault.json");
const open = (db: Db, home: string, wanted: StoreKind): Promise<OpenedVaultStore> =>
  openVaultStore({ db, home: homePath(home), clock: fakeClock(), wanted });

async function fill(store: VaultStore, count = 4): Promise<void> {
  await store.createFirst(slot("slot_1"), term(1));
  await store.addSlot(slot("slot_2", 2), 1);
  await store.addTerm(term(2), 1, 5);
  await store.addNamedKey(namedKey(1), 1);
  await store.stageRoot({ slots: [slot("slot_9")], terms: [term(1, "new"), term(2, "new")], keys: [namedKey(1)] }, 1);
  await store.confirmRoot(1);
  await store.stageRoot({ slots: [slot("slot_8")], terms: [term(1)], keys: [] }, 2);
  await store.put({ ...ref("a"), type: "credential" }, record(1), 3);
  for (let index = 0; index < count; index++) await store.put(ref(`id ${index}`), record(1, 2), index);
}
const contents = async (store: VaultStore): Promise<unknown> => [
  plain(await store.loadKeys()),
  await everything(store),
];
const other = (kind: StoreKind): StoreKind => (kind === "file" ? "database" : "file");

/** The database, failing at the n-th statement from now on and at all after it, until it is told to work. */
function failing(db: Db): { db: Db; failFrom(statement: number): void; sent(): number; work(): void } {
  let sent = 0;
  let from = Infinity;
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (++sent >= from) throw new AppError("database_unavailable");
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  return {
    db: { ...db, kysely: db.kysely.withPlugin(plugin) },
    failFrom: (statement) => ([sent, from] = [0, statement]),
    sent: () => sent,
    work: () => (from = Infinity),
  };
}

for (const database of databases) {
  describe(`where the vault lies, recorded in ${database.name}`, { skip: database.skip }, () => {
    test("a new vault lies where it is wanted, and stays there whatever is wanted later", async () => {
      for (const wanted of ["database", "file"] as const) {
        const [db, home] = [await database.open(), freshHome()];
        const { store, kind } = await open(db, home, wanted);
        assert.equal(kind(), wanted);
        await fill(store);
        const later = await open(db, home, other(wanted));
        assert.equal(later.kind(), wanted);
        assert.deepEqual(await contents(later.store), await contents(store));
        assert.equal(existsSync(vaultFile(home)), wanted === "file");
      }
    });

    test("a first start in a file that got no further than the file is finished by the next", async () => {
      const [db, home] = [await database.open(), freshHome()];
      await open(db, home, "file");
      await db.kysely.deleteFrom("vault_state").where("name", "=", "store").execute();
      const file = readFileSync(vaultFile(home), "utf8");
      assert.equal((await open(db, home, "database")).kind(), "database", "an empty file is no vault");
      const { store, kind } = await open(db, home, "file");
      assert.equal(kind(), "file");
      assert.equal(readFileSync(vaultFile(home), "utf8"), file);
      await fill(store);
    });

    test("a file with a vault is taken for the vault if the database has none, and never hidden by a new one", async () => {
      const home = freshHome();
      const before = await open(await database.open(), home, "file");
      await fill(before.store);
      const db = await database.open();
      const { store, kind } = await open(db, home, "database");
      assert.equal(kind(), "file");
      assert.deepEqual(await contents(store), await contents(before.store));
      writeFileSync(vaultFile(home), "{");
      await assert.rejects(open(await database.open(), home, "database"), withCode("file_unsafe"));
    });

    test("a file of another vault, or none, in the place of the right one is refused", async () => {
      const [home, elsewhere] = [freshHome(), freshHome()];
      const db = await database.open();
      await fill((await open(db, home, "file")).store);
      await fill((await open(await database.open(), elsewhere, "file")).store);
      copyFileSync(vaultFile(elsewhere), vaultFile(home));
      await assert.rejects((await open(db, home, "file")).store.loadKeys(), withCode("vault_key_missing"));
      rmSync(vaultFile(home));
      const { store } = await open(db, home, "database");
      await assert.rejects(store.loadKeys(), withCode("vault_key_missing"));
      await assert.rejects(store.createFirst(slot("slot_1"), term(1)), withCode("vault_key_missing"));
      assert.equal(existsSync(vaultFile(home)), false);
    });

    test("a record of where it lies that cannot be read is not guessed at", async () => {
      const [db, home] = [await database.open(), freshHome()];
      await fill((await open(db, home, "database")).store);
      for (const value of ["", "file:", "file:../x", "elsewhere"]) {
        await db.kysely.updateTable("vault_state").set({ value }).where("name", "=", "store").execute();
        await assert.rejects(open(db, home, "database"), withCode("vault_key_missing"), value);
      }
    });

    test("of several that make a new vault at once, in places of their own choice, one does", async () => {
      const db = await database.open();
      const homes = [freshHome(), freshHome(), freshHome(), freshHome()];
      const made = await Promise.allSettled(
        homes.map(async (home, index) => {
          const { store } = await open(db, home, index % 2 === 0 ? "file" : "database");
          return store.createFirst(slot(`slot_${index}`), term(1));
        }),
      );
      const created = made.filter((result) => result.status === "fulfilled" && result.value);
      assert.equal(created.length, 1);
      for (const result of made) {
        if (result.status === "rejected") {
          const code = (result.reason as AppError).code;
          assert.ok(["vault_moved", "vault_key_missing"].includes(code), String(result.reason));
        }
      }
    });
  });

  describe(`moving the vault, with ${database.name}`, { skip: database.skip }, () => {
    const started = async (
      from: StoreKind,
      count?: number,
    ): Promise<{ db: Db; home: string; opened: OpenedVaultStore }> => {
      const [db, home] = [await database.open(), freshHome()];
      const opened = await open(db, home, from);
      await fill(opened.store, count);
      return { db, home, opened };
    };

    for (const from of ["database", "file"] as const) {
      const to = other(from);
      test(`from ${from} to ${to} and back takes everything along, and leaves nothing behind`, async () => {
        const { db, home, opened } = await started(from, 120);
        const before = await contents(opened.store);
        assert.deepEqual([await opened.move(to), opened.kind()], [121, to]);
        assert.deepEqual(await contents(opened.store), before);
        assert.equal(existsSync(vaultFile(home)), to === "file");
        const inTables = await Promise.all([
          db.kysely.selectFrom("vault_slots").select("id").execute(),
          db.kysely.selectFrom("vault_terms").select("term").execute(),
          db.kysely.selectFrom("vault_named_keys").select("version").execute(),
          db.kysely.selectFrom("sealed_records").select("id").execute(),
        ]);
        assert.equal(inTables.flat().length > 0, to === "database");
        const restarted = await open(db, home, from);
        assert.equal(restarted.kind(), to);
        assert.deepEqual(await contents(restarted.store), before);
        assert.equal(await restarted.move(to), 0);
        assert.equal(await restarted.move(from), 121);
        assert.deepEqual(await contents((await open(db, home, to)).store), before);
      });

      test(`from ${from} to ${to} waits for what is under way, and what comes meanwhile waits for it`, async () => {
        const { opened } = await started(from);
        const { store } = opened;
        const during: Promise<unknown>[] = [];
        for (let index = 0; index < 10; index++) during.push(store.put(ref(`early ${index}`), record(1, 2), 1));
        const moves = [opened.move(to), opened.move(from), opened.move(to)];
        for (let index = 0; index < 10; index++) during.push(store.put(ref(`late ${index}`), record(1, 2), 1));
        await Promise.all([...during, ...moves]);
        assert.deepEqual([opened.kind(), await store.count()], [to, 25]);
      });

      test(`from ${from} to ${to} with the database failing at any statement: one store is whole and in force`, async () => {
        let statements = 0;
        for (let statement = 1; ; statement++) {
          const { db, home } = await started(from);
          const faults = failing(db);
          const opened = await open(faults.db, home, from);
          const before = await contents(opened.store);
          faults.failFrom(statement);
          const moved = await opened.move(to).catch((error: unknown) => error);
          const failed = faults.sent() >= statement;
          if (moved instanceof AppError) await assert.rejects(opened.store.count(), withCode("database_unavailable"));
          faults.work();
          assert.deepEqual(await contents(opened.store), before, `statement ${statement}`);
          await opened.store.put(ref("more"), record(1, 2), 1);
          const restarted = await open(db, home, from);
          assert.deepEqual([restarted.kind(), await restarted.store.count()], [opened.kind(), 6]);
          assert.equal(existsSync(vaultFile(home)), opened.kind() === "file", `statement ${statement}`);
          assert.equal(await restarted.move(other(restarted.kind())), 6);
          if (!failed) break;
          statements += 1;
        }
        assert.ok(statements > 20, `${statements} statements`);
      });
    }

    test("keeps another instance from writing to the tables it has left", async () => {
      const { db, home, opened } = await started("database");
      const elsewhere = await open(db, freshHome(), "database");
      await opened.move("file");
      await assert.rejects(elsewhere.store.put(ref("a"), record(1), 1), withCode("vault_moved"));
      await assert.rejects(elsewhere.store.createFirst(slot("slot_1"), term(1)), withCode("vault_moved"));
      await assert.rejects((await open(db, freshHome(), "database")).store.loadKeys(), withCode("vault_key_missing"));
      await (await open(db, home, "file")).move("database");
      await elsewhere.store.put(ref("a"), record(1), 1);
    });

    test("does not overwrite a file that lies in the way, and goes on without having moved", async () => {
      const { db, home, opened } = await started("database");
      writeFileSync(vaultFile(home), "mine", { mode: 0o600 });
      const before = await contents(opened.store);
      await assert.rejects(opened.move("file"), withCode("file_unsafe"));
      assert.equal(readFileSync(vaultFile(home), "utf8"), "mine");
      rmSync(vaultFile(home));
      assert.deepEqual(await contents((await open(db, home, "database")).store), before);
      await opened.store.put(ref("more"), record(1, 2), 1);
    });

    test("to a disk that is full leaves the vault where it was", async (t) => {
      const disk = mountSmallDisk(t, 256);
      if (disk === undefined) return;
      const db = await database.open();
      const opened = await open(db, disk.path, "database");
      await fill(opened.store, 120);
      const before = await contents(opened.store);
      for (const leaveKilobytes of [0, 4, 12]) {
        disk.fill(leaveKilobytes);
        await assert.rejects(opened.move("file"), withCode("file_failed"));
        assert.deepEqual([opened.kind(), existsSync(vaultFile(disk.path))], ["database", false]);
        assert.deepEqual(await contents(opened.store), before);
        disk.free();
      }
      assert.equal(await opened.move("file"), 121);
    });
  });
}
