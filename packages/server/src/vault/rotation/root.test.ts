import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, test } from "node:test";
import { databases } from "../../../test/support/databases.ts";
import { Secret } from "../../kernel/secret.ts";
import { assertAllOpen, fill, freshHome, refOf, valueOf, vaultIn, withCode } from "./test-parts.ts";

const newKey = (): Secret => new Secret(randomBytes(32).toString("base64"));
const purposes = ["token", "audit", "sign"] as const;

for (const database of databases) {
  describe(`a new root key on ${database.name}`, { skip: database.skip }, () => {
    const opened = async (count = 10) => {
      const db = await database.open();
      const home = freshHome();
      const vault = vaultIn(db, home);
      await vault.start();
      await fill(vault, count);
      const rootKeyOf = (): Promise<string> => vault.lendRootKey((key) => Promise.resolve(key.toString("hex")));
      return { db, home, vault, rootKeyOf };
    };

    test("is in force once it is confirmed and not before; values, terms and named keys stay", async () => {
      const { db, home, vault, rootKeyOf } = await opened();
      const keys = purposes.map((purpose) => vault.namedKey(purpose).key.toString("hex"));
      const before = await rootKeyOf();
      const { slots } = await vault.status();
      const staged = await vault.stageRoot();
      assert.deepEqual((await vault.status()).staged_slots, staged);
      assert.equal(await rootKeyOf(), before);
      assert.deepEqual((await vault.status()).slots, slots);
      const meanwhile = vaultIn(db, home);
      await meanwhile.start();
      await assertAllOpen(meanwhile, 10);
      await vault.confirmRoot();
      assert.notEqual(await rootKeyOf(), before);
      const status = await vault.status();
      assert.deepEqual([status.slots, status.staged_slots], [staged, null]);
      assert.notEqual(staged[0]?.id, slots[0]?.id);
      for (const vaultNow of [vault, vaultIn(db, home)]) {
        if (vaultNow.sealed) await vaultNow.start();
        await assertAllOpen(vaultNow, 10);
        assert.deepEqual(
          purposes.map((purpose) => vaultNow.namedKey(purpose).key.toString("hex")),
          keys,
        );
      }
      const rows = await db.kysely.selectFrom("vault_slots").selectAll().execute();
      assert.equal(rows.length, 1);
    });

    test("opens no more with what the old one was wrapped in", async () => {
      const { db, vault } = await opened();
      const old = await db.kysely.selectFrom("vault_slots").selectAll().execute();
      await vault.stageRoot();
      await vault.confirmRoot();
      await db.kysely.deleteFrom("vault_slots").execute();
      await db.kysely.insertInto("vault_slots").values(old).execute();
      vault.seal();
      await assert.rejects(vault.start(), withCode("vault_key_missing"));
    });

    test("can be given up, as often as one likes, and replaces one that was staged before", async () => {
      const { db, home, vault, rootKeyOf } = await opened();
      const before = await rootKeyOf();
      await vault.cancelRoot();
      await assert.rejects(vault.confirmRoot(), withCode("vault_root_not_staged"));
      await vault.stageRoot();
      await assert.rejects(vault.stageRoot(), withCode("vault_root_staged"));
      await vault.cancelRoot();
      assert.equal((await vault.status()).staged_slots, null);
      await assert.rejects(vault.confirmRoot(), withCode("vault_root_not_staged"));
      assert.equal(await rootKeyOf(), before);
      await vault.stageRoot();
      const other = vaultIn(db, home); // another process confirms what this one has staged
      await other.start();
      await other.confirmRoot();
      await assertAllOpen(other, 10);
      await assertAllOpen(vault, 10);
    });

    test("keeps slots of every kind open to the secret they had, and asks for a passphrase it does not know", async () => {
      const { db, home, vault } = await opened();
      const [given, phrase] = [newKey(), new Secret("correct horse battery")];
      await vault.slots.add("environment", { rootKey: given, label: "deploy" });
      const { id } = await vault.slots.add("passphrase", { passphrase: phrase, label: "for people" });
      const environment = { environmentKey: given };
      const again = vaultIn(db, home, environment);
      await again.start();
      await assert.rejects(again.stageRoot(), (error: Error) => {
        assert.ok(withCode("vault_slots_left")(error));
        assert.match(error.message, new RegExp(`${id} \\(passphrase, for people\\)$`));
        return true;
      });
      const wrong = { secrets: { [id]: { passphrase: new Secret("incorrect horse battery") } } };
      await assert.rejects(again.stageRoot(wrong), withCode("vault_slots_left"));
      await assert.rejects(again.stageRoot({ drop: ["slot_x"] }), withCode("not_found"));
      assert.equal((await again.status()).staged_slots, null);
      const staged = await again.stageRoot({ secrets: { [id]: { passphrase: phrase } } });
      assert.deepEqual(staged.map(({ label }) => label).toSorted(), ["auto", "deploy", "for people"]);
      await again.confirmRoot();
      const ways = [
        (each: typeof vault) => each.start(),
        (each: typeof vault) => each.unseal({ rootKey: given }),
        (each: typeof vault) => each.unseal({ passphrase: phrase }),
      ];
      for (const way of ways) {
        const each = vaultIn(db, home);
        await way(each);
        await assertAllOpen(each, 10);
      }
    });

    test("leaves out the slots that were named, but never all of them", async () => {
      const { db, home, vault } = await opened();
      const lost = newKey();
      const { id } = await vault.slots.add("environment", { rootKey: lost });
      const ids = (await vault.status()).slots.map((slot) => slot.id);
      await assert.rejects(vault.stageRoot({ drop: ids }), withCode("vault_last_slot"));
      await vault.stageRoot({ drop: [id] });
      await vault.confirmRoot();
      assert.equal((await vault.status()).slots.length, 1);
      const stranger = vaultIn(db, home);
      await assert.rejects(stranger.unseal({ rootKey: lost }), withCode("vault_cannot_open"));
    });

    test("is not confirmed if what was staged does not open, or leads to other keys", async () => {
      const { db, vault, rootKeyOf } = await opened();
      const before = await rootKeyOf();
      const tamper = async (edit: (staged: StagedJson, other: StagedJson) => void): Promise<void> => {
        await vault.stageRoot();
        const other = await stagedIn(db);
        await vault.cancelRoot();
        await vault.stageRoot();
        const staged = await stagedIn(db);
        edit(staged, other);
        const value = JSON.stringify(staged);
        await db.kysely.updateTable("vault_state").set({ value }).where("name", "=", "staged_root").execute();
        await assert.rejects(vault.confirmRoot());
        await vault.cancelRoot();
      };
      await tamper((staged, other) => (staged.slots = other.slots));
      await tamper((staged, other) => (staged.terms = other.terms));
      await tamper((staged, other) => (staged.keys = other.keys));
      await tamper((staged) => (staged.terms = []));
      await tamper((staged) => staged.keys.pop());
      await tamper((staged) => (staged.slots = []));
      assert.equal(await rootKeyOf(), before);
      vault.seal();
      await vault.start();
      await assertAllOpen(vault, 10);
    });

    test("while it is staged, slots, terms and named keys stay as they are", async () => {
      const { vault } = await opened();
      const { id } = await vault.slots.add("environment", { rootKey: newKey() });
      await vault.stageRoot({ drop: [id] });
      const attempts = [
        () => vault.slots.add("environment", { rootKey: newKey() }),
        () => vault.slots.remove(id),
        () => vault.rotateKek(),
        () => vault.rotateNamedKey("token"),
      ];
      for (const attempt of attempts) await assert.rejects(attempt(), withCode("vault_root_staged"));
      await vault.cancelRoot();
      await vault.slots.remove(id);
    });

    test("lets other instances go on, and they follow it by themselves when they add to the keys", async () => {
      const { db, home, vault, rootKeyOf } = await opened();
      const other = vaultIn(db, home);
      await other.start();
      await vault.stageRoot();
      await vault.confirmRoot();
      await assertAllOpen(other, 10);
      await fill(other, 12);
      await other.rotateKek();
      await other.rewrapped();
      assert.equal(await other.lendRootKey((key) => Promise.resolve(key.toString("hex"))), await rootKeyOf());
      for (const each of [vault, other]) await assertAllOpen(each, 12);
    });

    test("tells an instance that cannot follow what to do, and costs it no value", async () => {
      const { db, home, vault } = await opened();
      const given = newKey();
      await vault.slots.add("environment", { rootKey: given });
      const elsewhere = { keyFile: `${freshHome().path}/none.key`, unlocker: "environment" } as const;
      const other = vaultIn(db, home, elsewhere);
      await other.unseal({ rootKey: given });
      const whole = vaultIn(db, home, { environmentKey: given });
      await whole.start();
      await whole.stageRoot();
      await whole.confirmRoot();
      await assert.rejects(other.rotateKek(), withCode("vault_root_replaced"));
      await assert.rejects(other.rotateNamedKey("audit"), withCode("vault_root_replaced"));
      await assert.rejects(other.slots.add("environment", { rootKey: newKey() }), withCode("vault_root_replaced"));
      await assertAllOpen(other, 10);
      await fill(other, 3);
      await whole.rotateKek();
      await whole.rewrapped();
      await assert.rejects(other.get(refOf(1)), withCode("vault_root_replaced"));
      await other.unseal({ rootKey: given });
      assert.equal((await other.get(refOf(1))).reveal(), valueOf(1));
    });
  });

  describe(`named keys on ${database.name}`, { skip: database.skip }, () => {
    test("get new versions, and each version stays what it was, over a new root key and a restart", async () => {
      const db = await database.open();
      const home = freshHome();
      const vault = vaultIn(db, home);
      await vault.start();
      const seen = [vault.namedKey("token").key.toString("hex")];
      for (const version of [1, 2]) {
        assert.equal(await vault.rotateNamedKey("token"), version);
        seen.push(vault.namedKey("token").key.toString("hex"));
      }
      assert.equal(new Set(seen).size, 3);
      await vault.stageRoot();
      await vault.confirmRoot();
      const restarted = vaultIn(db, home);
      await restarted.start();
      for (const each of [vault, restarted]) {
        assert.deepEqual(
          [0, 1, 2].map((version) => each.namedKeyOf("token", version)?.toString("hex")),
          seen,
        );
        assert.deepEqual([each.namedVersions("token"), each.namedVersions("audit")], [[0, 1, 2], [0]]);
      }
    });

    test("go when they are dropped, all but the newest, and a dropped one does not come back", async () => {
      const db = await database.open();
      const home = freshHome();
      const vault = vaultIn(db, home);
      await vault.start();
      await assert.rejects(vault.dropNamedKey("token", 0), withCode("invalid_request"));
      await vault.rotateNamedKey("token");
      await vault.dropNamedKey("token", 0);
      await vault.dropNamedKey("token", 0);
      await assert.rejects(vault.dropNamedKey("token", 1), withCode("invalid_request"));
      await vault.stageRoot();
      await vault.confirmRoot();
      const restarted = vaultIn(db, home);
      await restarted.start();
      for (const each of [vault, restarted]) {
        assert.equal(each.namedKeyOf("token", 0), undefined);
        assert.deepEqual(each.namedVersions("token"), [1]);
      }
    });
  });
}

interface StagedJson {
  slots: unknown[];
  terms: unknown[];
  keys: unknown[];
}

async function stagedIn(db: Awaited<ReturnType<(typeof databases)[number]["open"]>>): Promise<StagedJson> {
  const row = db.kysely.selectFrom("vault_state").select("value").where("name", "=", "staged_root");
  return JSON.parse((await row.executeTakeFirstOrThrow()).value) as StagedJson;
}
