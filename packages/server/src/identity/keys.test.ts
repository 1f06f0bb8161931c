import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { fakeClock } from "../kernel/clock.ts";
import { databases } from "../../test/support/databases.ts";
import { createKeyRecords } from "./key-records.ts";
import { Keys, type NewKey } from "./keys.ts";
import { mintKey } from "./token.ts";

/** A vault as far as keys need one: a pepper that is there or not. */
function pepperVault() {
  const listeners: ((sealed: boolean) => void)[] = [];
  let sealed = false;
  return {
    subkey(): Buffer {
      if (sealed) throw new AppError("vault_sealed");
      return Buffer.alloc(32, 7);
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
      const records = createKeyRecords(await database.open());
      const keys = new Keys({ records, vault, clock });
      await keys.load();
      const again = async (): Promise<Keys> => {
        const other = new Keys({ records, vault, clock });
        await other.load();
        return other;
      };
      const create = (input: Partial<NewKey> = {}) => keys.create({ kind: "caller", ...input }, "test");
      return { clock, vault, keys, create, again };
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
  });
}
