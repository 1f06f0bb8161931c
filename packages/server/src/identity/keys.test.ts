import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { fakeClock } from "../kernel/clock.ts";
import { databases } from "../../test/support/databases.ts";
import { createKeyRecords } from "./key-records.ts";
import { Keys, type NewKey } from "./keys.ts";
import { mintKey } from "./token.ts";

/** A vault as far as keys need one: peppers that are there or not. */
function pepperVault() {
  const listeners: ((sealed: boolean) => void)[] = [];
  let sealed = false;
  const versions = [0];
  const key = (version: number): Buffer => {
    if (sealed) throw new AppError("vault_sealed");
    return Buffer.alloc(32, 7 + version);
  };
  return {
    versions,
    namedKey() {
      const version = Math.max(...versions);
      return { version, key: key(version) };
    },
    namedKeyOf: (_purpose: string, version: number) => (versions.includes(version) ? key(version) : undefined),
    namedVersions: () => [...versions],
    rotateNamedKey() {
      versions.push(Math.max(...versions) + 1);
      return Promise.resolve(Math.max(...versions));
    },
    dropNamedKey(_purpose: string, version: number) {
      key(version);
      versions.splice(versions.indexOf(version), 1);
      return Promise.resolve();
    },
    onChange(listener: (sealed: boolean) => void) {
      listeners.push(listener);
      return () => undefined;
    },
    set(value: boolean) {
      sealed = value;
      for (const listener of listeners) listener(value);
    },
  };
}

for (const database of databases) {
  describe(`keys (${database.name})`, { skip: database.skip }, () => {
    async function setUp() {
      const clock = fakeClock();
      const vault = pepperVault();
      const db = await database.open();
      const records = createKeyRecords(db);
      const keys = new Keys({ records, vault, clock });
      await keys.load();
      const again = async (): Promise<Keys> => {
        const other = new Keys({ records, vault, clock });
        await other.load();
        return other;
      };
      const create = (input: Partial<NewKey> = {}) => keys.create({ kind: "caller", ...input }, "test");
      return { clock, db, vault, keys, create, again };
    }

    const refused = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

    test("a created key opens, also after a restart, and the database does not hold it", async () => {
      const { create, keys, again } = await setUp();
      const { text, record } = await create({ user: "ada", models: ["claude-*"], allowIp: ["10.0.0.0/8"] });
      for (const instance of [keys, await again()]) {
        const caller = instance.authenticate(text.reveal(), "10.1.1.1");
        assert.equal(caller.keyId, record.id);
        assert.equal(caller.user, "ada");
        assert.ok(caller.allowsModel("anthropic", "claude-sonnet-5"));
        assert.ok(!caller.allowsModel("claude-like", "gpt-5"));
        const stored = JSON.stringify(instance.list());
        assert.ok(!stored.includes(text.reveal()) && !stored.includes(text.reveal().split("_")[2] ?? ""));
      }
    });

    test("an unknown key, another key's secret and a foreign text get the same answer", async () => {
      const { create, keys } = await setUp();
      const { text } = await create();
      const [prefix, , secret] = text.reveal().split("_");
      const stranger = mintKey("caller");
      for (const attempt of [
        stranger.text.reveal(),
        mintKey("caller", text.reveal().split("_")[1]).text.reveal(),
        `${prefix}_${stranger.id}_${secret}`,
        "sk-ant-xyz",
      ]) {
        assert.throws(() => keys.authenticate(attempt, ""), refused("invalid_key"));
      }
    });

    test("a caller's key is no admin key, whatever its prefix says", async () => {
      const { keys, create } = await setUp();
      const { record } = await create();
      assert.throws(() => keys.authenticate(mintKey("admin", record.id).text.reveal(), ""), refused("invalid_key"));
    });

    test("disabling, enabling and deleting are in force at once, here and after a restart", async () => {
      const { create, keys, again } = await setUp();
      const { text, record } = await create();
      const revoked: string[] = [];
      keys.onRevoked((id) => revoked.push(id));
      await keys.disable(record.id);
      assert.throws(() => keys.authenticate(text.reveal(), ""), refused("key_disabled"));
      const other = await again();
      assert.throws(() => other.authenticate(text.reveal(), ""), refused("key_disabled"));
      await keys.enable(record.id);
      assert.equal(keys.authenticate(text.reveal(), "").keyId, record.id);
      await keys.remove(record.id);
      assert.throws(() => keys.authenticate(text.reveal(), ""), refused("invalid_key"));
      assert.deepEqual(revoked, [record.id, record.id]);
    });

    test("having been used a moment before helps no key past a change", async () => {
      const { create, keys } = await setUp();
      const changes: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
        key_disabled: (id) => keys.disable(id),
        address_not_allowed: (id) => keys.update(id, { allowIp: ["192.0.2.7"] }),
        key_expired: (id) => keys.update(id, { expiresAt: 1 }),
        invalid_key: (id) => keys.rotate(id, 0),
      };
      for (const [code, change] of Object.entries(changes)) {
        const { text, record } = await create();
        for (let time = 0; time < 3; time++) keys.authenticate(text.reveal(), "");
        await change(record.id);
        assert.throws(() => keys.authenticate(text.reveal(), ""), refused(code));
      }
      const { text, record } = await create({ models: ["claude-*"] });
      assert.ok(!keys.authenticate(text.reveal(), "").allowsModel("openai", "gpt-5"));
      await keys.update(record.id, { models: null });
      assert.ok(keys.authenticate(text.reveal(), "").allowsModel("openai", "gpt-5"));
      await keys.remove(record.id);
      assert.throws(() => keys.authenticate(text.reveal(), ""), refused("invalid_key"));
    });

    test("a key expires to the millisecond", async () => {
      const { create, keys, clock } = await setUp();
      const { text } = await create({ expiresAt: clock.now() + 1000 });
      clock.advance(999);
      keys.authenticate(text.reveal(), "");
      clock.advance(1);
      assert.throws(() => keys.authenticate(text.reveal(), ""), refused("key_expired"));
    });

    test("a key is refused from an address that is not on its list", async () => {
      const { create, keys } = await setUp();
      const { text } = await create({ allowIp: ["192.0.2.7", "2001:db8::/32"] });
      keys.authenticate(text.reveal(), "::ffff:192.0.2.7");
      for (const address of ["192.0.2.8", "::1", ""]) {
        assert.throws(() => keys.authenticate(text.reveal(), address), refused("address_not_allowed"));
      }
    });

    test("after a rotation the old secret opens for the overlap and no longer", async () => {
      const { create, keys, clock } = await setUp();
      const { text: old, record } = await create();
      const { text: fresh } = await keys.rotate(record.id, 60_000);
      assert.equal(keys.authenticate(old.reveal(), "").keyId, keys.authenticate(fresh.reveal(), "").keyId);
      clock.advance(60_000);
      assert.throws(() => keys.authenticate(old.reveal(), ""), refused("invalid_key"));
      keys.authenticate(fresh.reveal(), "");
      await keys.rotate(record.id, 0);
      assert.throws(() => keys.authenticate(fresh.reveal(), ""), refused("invalid_key"));
    });

    test("changes made at the same time do not undo each other", async () => {
      const { create, keys, again } = await setUp();
      const disabled = await create();
      await Promise.all([keys.disable(disabled.record.id), keys.rotate(disabled.record.id, 60_000)]);
      const deleted = await create();
      await Promise.allSettled([keys.remove(deleted.record.id), keys.rotate(deleted.record.id, 60_000)]);
      for (const instance of [keys, await again()]) {
        assert.throws(() => instance.authenticate(disabled.text.reveal(), ""), refused("key_disabled"));
        assert.throws(() => instance.authenticate(deleted.text.reveal(), ""), refused("invalid_key"));
      }
    });

    test("a bad address list is refused before anything is stored", async () => {
      const { create, keys } = await setUp();
      await assert.rejects(create({ allowIp: ["nonsense"] }), refused("invalid_request"));
      assert.equal(keys.list().length, 0);
    });

    test("while the vault is sealed no key opens, and all open again afterwards", async () => {
      const { create, keys, vault } = await setUp();
      const { text } = await create();
      keys.authenticate(text.reveal(), "");
      vault.set(true);
      assert.throws(() => keys.authenticate(text.reveal(), ""), refused("vault_sealed"));
      await assert.rejects(create(), refused("vault_sealed"));
      vault.set(false);
      keys.authenticate(text.reveal(), "");
    });

    describe("after the pepper was rotated", () => {
      const settled = async (until: () => boolean): Promise<void> => {
        for (let turn = 0; turn < 2000 && !until(); turn++) await new Promise((resolve) => setTimeout(resolve, 1));
        assert.ok(until(), "it came to that");
      };

      test("every key still opens, is hashed anew once it was used, and the old pepper goes with the last", async () => {
        const { create, keys, vault, again } = await setUp();
        const issued = await Promise.all([create(), create(), create()]);
        assert.equal(await keys.rotatePepper(), 1);
        assert.equal(keys.awaitingPepper, 3);
        for (const [index, { text, record }] of issued.entries()) {
          assert.equal(keys.authenticate(text.reveal(), "").keyId, record.id);
          await settled(() => keys.awaitingPepper === 2 - index);
          assert.equal(keys.get(record.id).pepperVersion, 1);
        }
        await settled(() => vault.versions.length === 1);
        assert.deepEqual(vault.versions, [1]);
        for (const instance of [keys, await again()]) {
          for (const { text, record } of issued) {
            for (let time = 0; time < 2; time++)
              assert.equal(instance.authenticate(text.reveal(), "").keyId, record.id);
          }
        }
      });

      test("a key that was not used keeps its pepper, also over several rotations and a restart", async () => {
        const { create, keys, vault, again } = await setUp();
        const { text, record } = await create();
        await keys.rotatePepper();
        const later = await create();
        await keys.rotatePepper();
        assert.deepEqual([record.pepperVersion, later.record.pepperVersion], [0, 1]);
        const other = await again();
        await settled(() => true);
        assert.deepEqual(vault.versions, [0, 1, 2]);
        for (const issued of [{ text, record }, later]) {
          assert.equal(other.authenticate(issued.text.reveal(), "").keyId, issued.record.id);
        }
        await settled(() => vault.versions.length === 1);
      });

      test("the secret in overlap opens to its last moment, and is hashed anew by itself", async () => {
        const { create, keys, vault, clock, again } = await setUp();
        const { text: old, record } = await create();
        await keys.rotatePepper();
        const { text: fresh } = await keys.rotate(record.id, 60_000);
        assert.deepEqual([keys.get(record.id).pepperVersion, keys.get(record.id).previousPepperVersion], [1, 0]);
        for (let time = 0; time < 3; time++) {
          assert.equal(keys.authenticate(fresh.reveal(), "").keyId, record.id);
          assert.equal(keys.authenticate(old.reveal(), "").keyId, record.id);
        }
        await settled(() => keys.get(record.id).previousPepperVersion === 1);
        await settled(() => vault.versions.length === 1);
        for (const instance of [keys, await again()]) {
          for (const text of [old, fresh]) assert.equal(instance.authenticate(text.reveal(), "").keyId, record.id);
        }
        clock.advance(60_000);
        assert.throws(() => keys.authenticate(old.reveal(), ""), refused("invalid_key"));
        keys.authenticate(fresh.reveal(), "");
      });

      test("a key that was changed while it waited to be hashed anew keeps the change", async () => {
        const { create, keys, again } = await setUp();
        const rotated = await create();
        const disabled = await create();
        const removed = await create();
        await keys.rotatePepper();
        for (const { text } of [rotated, disabled, removed]) keys.authenticate(text.reveal(), "");
        const [{ text: fresh }] = await Promise.all([
          keys.rotate(rotated.record.id, 0),
          keys.disable(disabled.record.id),
          keys.remove(removed.record.id),
        ]);
        await settled(() => keys.awaitingPepper === 0);
        for (const instance of [keys, await again()]) {
          assert.throws(() => instance.authenticate(rotated.text.reveal(), ""), refused("invalid_key"));
          assert.throws(() => instance.authenticate(disabled.text.reveal(), ""), refused("key_disabled"));
          assert.throws(() => instance.authenticate(removed.text.reveal(), ""), refused("invalid_key"));
          assert.equal(instance.authenticate(fresh.reveal(), "").keyId, rotated.record.id);
        }
      });

      test("what another instance changed of the row meanwhile is not undone", async () => {
        const { create, keys, again, db } = await setUp();
        const { text, record } = await create();
        await keys.rotatePepper();
        const elsewhere = await again();
        await elsewhere.update(record.id, { description: "changed elsewhere" });
        keys.authenticate(text.reveal(), "");
        await settled(() => keys.awaitingPepper === 0);
        const row = await db.kysely.selectFrom("keys").selectAll().executeTakeFirstOrThrow();
        assert.deepEqual([row.description, row.pepper_version], ["changed elsewhere", 1]);
        const second = await create();
        await elsewhere.load();
        await keys.rotatePepper();
        await elsewhere.rotate(second.record.id, 0);
        keys.authenticate(second.text.reveal(), ""); // this instance has yet to hear of it
        await new Promise((resolve) => setTimeout(resolve, 50));
        const last = await again();
        assert.throws(
          () => last.authenticate(second.text.reveal(), ""),
          refused("invalid_key"),
          "and no old secret comes back",
        );
      });

      test("a database that fails changes nothing for callers, and hashing anew is tried at the next use", async () => {
        const { create, keys, db } = await setUp();
        const { text, record } = await create();
        await keys.rotatePepper();
        await db.kysely.schema.alterTable("keys").renameTo("elsewhere").execute();
        for (let time = 0; time < 3; time++) {
          assert.equal(keys.authenticate(text.reveal(), "").keyId, record.id);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
        await db.kysely.schema.alterTable("elsewhere").renameTo("keys").execute();
        await settled(() => keys.authenticate(text.reveal(), "").keyId === record.id && keys.awaitingPepper === 0);
      });

      test("a wrong secret opens nothing, whatever its key was hashed with", async () => {
        const { create, keys } = await setUp();
        const { record } = await create();
        await keys.rotatePepper();
        await keys.rotate(record.id, 60_000);
        const wrong = mintKey("caller", record.id).text.reveal();
        assert.throws(() => keys.authenticate(wrong, ""), refused("invalid_key"));
      });
    });
  });
}
