import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import type { Db } from "../db/index.ts";
import { openHome, type Home } from "../home/index.ts";
import { createVault, type Vault, type VaultOptions } from "./index.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-opening-"));
const homes: Home[] = [];
after(() => {
  for (const home of homes) home.release();
  rmSync(base, { recursive: true, force: true });
});
function freshHome(): Home {
  const home = openHome(join(base, String(homes.length)));
  homes.push(home);
  return home;
}

const newKey = (): Secret => new Secret(randomBytes(32).toString("base64"));
const environmentKey = newKey();
const passphrase = new Secret("correct horse battery staple");
const wrongPassphrase = new Secret("incorrect horse battery staple");
const record = { type: "secret", id: "huggingface_token", field: "value" } as const;
const value = new Secret("hf-value");
const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

function vaultOf(db: Db, home: Home, options: Partial<VaultOptions> = {}): Vault {
  return createVault({ db, home, clock: fakeClock(), options: { unlocker: "auto", ...options } });
}

/** Everything a vault has in the database, to see that a failed start leaves it as it was. */
async function contents({ kysely }: Db): Promise<unknown> {
  return [
    await kysely.selectFrom("vault_slots").selectAll().orderBy("id").execute(),
    await kysely.selectFrom("vault_terms").selectAll().orderBy("term").execute(),
    await kysely.selectFrom("sealed_records").selectAll().execute(),
  ];
}

/** A failed start: its code, and that it changed nothing and left the vault sealed. */
async function refusal(db: Db, home: Home, options: Partial<VaultOptions> = {}): Promise<AppError> {
  const before = await contents(db);
  const vault = vaultOf(db, home, options);
  const error = await vault.start().then(
    () => assert.fail("it started"),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof AppError, String(error));
  assert.equal(vault.sealed, true);
  assert.deepEqual(await contents(db), before);
  return error;
}

for (const database of databases) {
  const open = (): Promise<Db> => database.open();

  describe(`a first start on ${database.name}`, { skip: database.skip }, () => {
    const cases: readonly [string, Partial<VaultOptions>, string, RegExp][] = [
      ["nothing given makes a key file", {}, "key-file", /^the key ring cannot be used: no key ring is looked for$/],
      ["the environment's key is preferred", { environmentKey, passphrase }, "environment", /^PORTCULLIS_ROOT_KEY is/],
      ["a passphrase comes before a key file", { passphrase }, "passphrase", /^PORTCULLIS_PASSPHRASE is set$/],
      [
        "a stated unlocker is used whatever else is given",
        { unlocker: "key-file", environmentKey, passphrase },
        "key-file",
        /^`vault\.unlocker` says so$/,
      ],
    ];
    for (const [promise, options, how, reason] of cases) {
      test(promise, async () => {
        const [db, home] = [await open(), freshHome()];
        const first = vaultOf(db, home, options);
        const { why, ...started } = await first.start();
        assert.deepEqual(started, { how, created: true });
        assert.match(why, reason);
        await first.put(record, value, []);
        assert.equal(existsSync(home.file("root.key")), how === "key-file");
        const second = vaultOf(db, home, options);
        const again = await second.start();
        assert.deepEqual([again.how, again.created], [how, false]);
        assert.match(again.why, / opened it/);
        assert.equal((await second.get(record)).reveal(), value.reveal());
      });
    }

    test("a key file that is there already is used, and stays as it is", async () => {
      const [db, home] = [await open(), freshHome()];
      const keyFile = home.file("provided.key");
      writeFileSync(keyFile, randomBytes(32), { mode: 0o400 });
      const before = readFileSync(keyFile);
      assert.equal((await vaultOf(db, home, { keyFile }).start()).created, true);
      assert.deepEqual(readFileSync(keyFile), before);
      assert.equal(existsSync(home.file("root.key")), false);
    });

    test("a stated unlocker without its secret, or one that is not fit, is refused, and nothing is made", async () => {
      const [db, home] = [await open(), freshHome()];
      const refused: readonly [Partial<VaultOptions>, string][] = [
        [{ unlocker: "environment" }, "config_invalid"],
        [{ unlocker: "passphrase" }, "config_invalid"],
        [{ environmentKey: new Secret("not a key") }, "config_invalid"],
        [{ passphrase: new Secret("too short") }, "invalid_request"],
        [{ keyFile: join(base, "nowhere", "root.key") }, "file_failed"],
      ];
      for (const [options, code] of refused) assert.equal((await refusal(db, home, options)).code, code, code);
      writeFileSync(home.file("root.key"), randomBytes(32), { mode: 0o644 });
      assert.equal((await refusal(db, home)).hint, `chmod 600 ${home.file("root.key")}`);
      assert.equal(existsSync(home.file("root.key")), true);
    });
  });

  describe(`a later start on ${database.name}`, { skip: database.skip }, () => {
    test("with a missing or foreign key file is refused, and opens again once the file is back", async () => {
      const [db, home] = [await open(), freshHome()];
      const first = vaultOf(db, home);
      await first.start();
      await first.put(record, value, []);
      const path = home.file("root.key");
      renameSync(path, `${path}.away`);
      for (const options of [{}, { unlocker: "key-file" }] as const) {
        const missing = await refusal(db, home, options);
        assert.equal(missing.code, "vault_key_missing");
        assert.match(missing.message, /its key file \S+root\.key is missing/);
        assert.equal(existsSync(path), false, "no new key file is made");
      }
      writeFileSync(path, randomBytes(32), { mode: 0o600 });
      assert.match((await refusal(db, home)).message, /is not the one it was sealed with/);
      assert.match((await refusal(db, home, { passphrase })).message, /is not the one it was sealed with/);
      renameSync(`${path}.away`, path);
      chmodSync(path, 0o640);
      assert.equal((await refusal(db, home)).hint, `chmod 600 ${path}`);
      chmodSync(path, 0o600);
      const second = vaultOf(db, home);
      await second.start();
      assert.equal((await second.get(record)).reveal(), value.reveal());
    });

    test("with another key in the environment, none, or a malformed one is refused", async () => {
      const [db, home] = [await open(), freshHome()];
      await vaultOf(db, home, { environmentKey }).start();
      assert.equal((await refusal(db, home, { environmentKey: newKey() })).code, "vault_key_missing");
      assert.match((await refusal(db, home)).message, /PORTCULLIS_ROOT_KEY is not set/);
      assert.equal((await refusal(db, home, { environmentKey: new Secret("x") })).code, "config_invalid");
      assert.equal((await refusal(db, home, { unlocker: "key-file" })).code, "vault_no_slot");
      assert.equal(existsSync(home.file("root.key")), false);
    });

    test("with a passphrase alone waits sealed when none is given, and is opened by hand", async () => {
      const [db, home] = [await open(), freshHome()];
      await vaultOf(db, home, { passphrase }).start();
      assert.equal((await refusal(db, home, { passphrase: wrongPassphrase })).code, "vault_cannot_open");
      const waiting = vaultOf(db, home);
      assert.deepEqual(await waiting.start(), { how: null, created: false, why: "it waits for a passphrase" });
      assert.equal(waiting.sealed, true);
      assert.equal(existsSync(home.file("root.key")), false);
      await assert.rejects(waiting.unseal({ passphrase: wrongPassphrase }), withCode("vault_cannot_open"));
      assert.equal(waiting.sealed, true);
      await waiting.unseal({ passphrase });
      assert.equal(waiting.sealed, false);
      await assert.rejects(waiting.unseal({ rootKey: environmentKey }), withCode("vault_no_slot"));
    });

    test("of a vault that lost its slots or terms but not its records never makes a new root key", async () => {
      const losses: readonly (readonly ("vault_slots" | "vault_terms")[])[] = [
        ["vault_slots"],
        ["vault_terms"],
        ["vault_slots", "vault_terms"],
      ];
      for (const tables of losses) {
        const [db, home] = [await open(), freshHome()];
        const vault = vaultOf(db, home);
        await vault.start();
        await vault.put(record, value, []);
        for (const table of tables) await db.kysely.deleteFrom(table).execute();
        rmSync(home.file("root.key"));
        assert.equal((await refusal(db, home)).code, "vault_key_missing", tables.join());
        assert.equal(existsSync(home.file("root.key")), false, "nor a new key file");
      }
    });

    test("refuses slots and terms that come from two vaults", async () => {
      const [db, home, other] = [await open(), freshHome(), await open()];
      await vaultOf(db, home).start();
      await vaultOf(other, freshHome()).start();
      const terms = await other.kysely.selectFrom("vault_terms").selectAll().execute();
      await db.kysely.deleteFrom("vault_terms").execute();
      await db.kysely.insertInto("vault_terms").values(terms).execute();
      assert.equal((await refusal(db, home)).code, "vault_key_missing");
    });
  });

  describe(`unlock slots on ${database.name}`, { skip: database.skip }, () => {
    test("any one of them opens; a removed one does not", async () => {
      const [db, home] = [await open(), freshHome()];
      const vault = vaultOf(db, home);
      await vault.start();
      await vault.put(record, value, []);
      const words = await vault.slots.add("passphrase", { passphrase, label: "recovery" });
      await vault.slots.add("environment", { rootKey: environmentKey });
      const slots = (await vault.slots.list()).map(({ kind, label }) => `${kind}: ${label}`);
      assert.deepEqual(slots.sort(), ["environment: environment", "key-file: auto", "passphrase: recovery"]);
      const openings = [
        { passphrase },
        { rootKey: environmentKey },
        { rootKey: new Secret(readFileSync(home.file("root.key"), "base64")) },
      ];
      for (const given of openings) {
        vault.seal();
        await vault.unseal(given);
        assert.equal((await vault.get(record)).reveal(), value.reveal());
      }
      await vault.slots.remove(words.id);
      vault.seal();
      await assert.rejects(vault.unseal({ passphrase }), withCode("vault_no_slot"));
      await assert.rejects(vault.unseal({ rootKey: newKey() }), withCode("vault_cannot_open"));
      await assert.rejects(vault.unseal({ rootKey: new Secret("x") }), withCode("vault_cannot_open"));
      assert.equal((await vaultOf(db, home, { environmentKey }).start()).how, "environment");
    });

    test("a lost key file does not keep a vault shut that has a passphrase slot, and can be replaced", async () => {
      const [db, home] = [await open(), freshHome()];
      const first = vaultOf(db, home);
      await first.start();
      await first.slots.add("passphrase", { passphrase });
      rmSync(home.file("root.key"));
      assert.equal((await refusal(db, home, { unlocker: "key-file" })).code, "vault_key_missing");
      const second = vaultOf(db, home);
      assert.equal((await second.start()).how, null);
      await assert.rejects(second.slots.add("key-file", {}), withCode("vault_sealed"));
      assert.equal(existsSync(home.file("root.key")), false);
      await second.unseal({ passphrase });
      await second.slots.add("key-file", {});
      assert.equal((await vaultOf(db, home).start()).how, "key-file");
    });

    test("one of a kind that a newer version made stays, and opens nothing here", async () => {
      const [db, home] = [await open(), freshHome()];
      await vaultOf(db, home).start();
      const newer = { id: "slot_newer", kind: "threshold", label: "tomorrow's", params: "{}", created_at: 1 };
      await db.kysely
        .insertInto("vault_slots")
        .values({ ...newer, wrapped: new Uint8Array(98) })
        .execute();
      const vault = vaultOf(db, home);
      assert.equal((await vault.start()).how, "key-file");
      const [slot] = await vault.slots.list();
      assert.ok(slot !== undefined);
      await vault.slots.add("passphrase", { passphrase });
      await vault.slots.remove(slot.id);
      const kinds = await db.kysely.selectFrom("vault_slots").select("kind").orderBy("kind").execute();
      assert.deepEqual(
        kinds.map(({ kind }) => kind),
        ["passphrase", "threshold"],
      );
    });

    test("the last one stays, also when all are removed at once", async () => {
      const db = await open();
      const vault = vaultOf(db, freshHome());
      await vault.start();
      await assert.rejects(vault.slots.remove("slot_none"), withCode("not_found"));
      for (let count = 1; count < 4; count++) await vault.slots.add("environment", { rootKey: newKey() });
      const slots = await vault.slots.list();
      const results = await Promise.allSettled(slots.map(({ id }) => vault.slots.remove(id)));
      const reasons = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
      assert.equal((await vault.slots.list()).length, 1);
      assert.equal(reasons.length, 1);
      assert.ok(withCode("vault_last_slot")(reasons[0]), String(reasons[0]));
    });

    test("a slot is not added without a secret that is fit for it", async () => {
      const vault = vaultOf(await open(), freshHome());
      await vault.start();
      await assert.rejects(vault.slots.add("passphrase", {}), withCode("missing_field"));
      await assert.rejects(
        vault.slots.add("passphrase", { passphrase: new Secret("short") }),
        withCode("invalid_request"),
      );
      await assert.rejects(vault.slots.add("environment", {}), withCode("missing_field"));
      await assert.rejects(vault.slots.add("environment", { rootKey: passphrase }), withCode("invalid_request"));
      assert.equal((await vault.slots.list()).length, 1);
    });
  });
}
