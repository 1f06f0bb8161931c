import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import type { Db } from "../db/index.ts";
import { openHome, type Home } from "../home/index.ts";
import { createVault, type RecordRef, type Vault } from "./index.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-vault-"));
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

const origin = "https://api.example.com:443";
const otherOrigin = "https://evil.example:443";
const one: RecordRef = { type: "credential", id: "cred_1", field: "value" };
const two: RecordRef = { type: "credential", id: "cred_2", field: "value" };
const value = new Secret("sk-canary-0123456789");
const auto = { unlocker: "auto" } as const;
const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

async function started(db: Db, cacheMs?: number): Promise<{ vault: Vault; clock: ReturnType<typeof fakeClock> }> {
  const clock = fakeClock();
  const vault = createVault({ db, home: freshHome(), clock, options: { unlocker: "auto", cacheMs } });
  await vault.start();
  return { vault, clock };
}

for (const database of databases) {
  describe(`the vault on ${database.name}`, { skip: database.skip }, () => {
    test("what is put is got again, by another instance with the same key too", async () => {
      const db = await database.open();
      const home = freshHome();
      const first = createVault({ db, home, clock: fakeClock(), options: auto });
      await first.start();
      await first.put(one, value, [origin]);
      assert.equal((await first.get(one, origin)).reveal(), value.reveal());
      const second = createVault({ db, home, clock: fakeClock(), options: auto });
      assert.equal((await second.start()).how, "key-file");
      assert.equal((await second.get(one, origin)).reveal(), value.reveal());
      await second.put(one, new Secret("sk-second"), [origin]);
      assert.equal((await first.get(one)).reveal(), "sk-second");
    });

    test("its status counts slots, terms, records and open values", async () => {
      const db = await database.open();
      const clock = fakeClock();
      const vault = createVault({ db, home: freshHome(), clock, options: auto });
      const none = { rotation: null, staged_slots: null };
      const nothing = { state: "sealed", slots: [], kek_term: null, records: 0, cached: 0, ...none };
      assert.deepEqual(await vault.status(), nothing);
      assert.equal((await vault.start()).created, true);
      await vault.put(one, value, [origin]);
      await vault.put(two, value, []);
      await vault.get(one);
      const { slots, ...rest } = await vault.status();
      assert.deepEqual(rest, { state: "unsealed", kek_term: 1, records: 2, cached: 1, ...none });
      const [slot, ...others] = slots;
      assert.match(slot?.id ?? "", /^slot_[0-9a-z]{26}$/);
      assert.deepEqual(
        [slot?.kind, slot?.label, slot?.created_at, others.length],
        ["key-file", "auto", "2026-01-01T00:00:00.000Z", 0],
      );
      assert.deepEqual(await vault.slots.list(), slots);
    });

    test("sealed, it gives nothing that needs a key, until it is opened again", async () => {
      const { vault } = await started(await database.open());
      await vault.put(one, value, [origin]);
      await vault.get(one);
      const before = vault.namedKey("token").key;
      vault.seal();
      vault.seal();
      assert.equal(vault.sealed, true);
      assert.equal(vault.cached(one, origin), undefined);
      assert.throws(() => vault.namedKey("token").key, withCode("vault_sealed"));
      await assert.rejects(vault.get(one), withCode("vault_sealed"));
      await assert.rejects(vault.put(two, value, []), withCode("vault_sealed"));
      await assert.rejects(vault.slots.add("key-file", {}), withCode("vault_sealed"));
      await assert.rejects(vault.slots.remove("slot_x"), withCode("vault_sealed"));
      assert.equal((await vault.status()).records, 1);
      await vault.start();
      assert.equal((await vault.get(one)).reveal(), value.reveal());
      assert.deepEqual(vault.namedKey("token").key, before);
    });

    test("sealed while a value is being read, it does not give it, nor keep it", async () => {
      const { vault } = await started(await database.open());
      await vault.put(one, value, [origin]);
      const reading = vault.get(one);
      vault.seal();
      await assert.rejects(reading, withCode("vault_sealed"));
      const writing = vault.start().then(async () => {
        const put = vault.put(two, value, []);
        vault.seal();
        await assert.rejects(put, withCode("vault_sealed"));
      });
      await writing;
      assert.equal((await vault.status()).records, 1);
    });

    test("it tells of each change between sealed and unsealed, once", async () => {
      const vault = createVault({ db: await database.open(), home: freshHome(), clock: fakeClock(), options: auto });
      const told: boolean[] = [];
      const stop = vault.onChange((sealed) => told.push(sealed));
      vault.seal();
      await vault.start();
      await vault.start();
      vault.seal();
      stop();
      await vault.start();
      assert.deepEqual(told, [false, true]);
    });

    test("a value is opened for the origins it was sealed to, and for no other", async () => {
      const { vault } = await started(await database.open());
      await vault.put(one, value, [origin]);
      await assert.rejects(vault.get(one, otherOrigin), withCode("vault_origin_refused"));
      await vault.get(one, origin);
      assert.equal(vault.cached(one, otherOrigin), undefined);
      assert.equal(vault.cached(one, origin)?.reveal(), value.reveal());
      await vault.put(two, value, []);
      await assert.rejects(vault.get(two, origin), withCode("vault_origin_refused"));
      await assert.rejects(vault.put(two, value, ["https://api.example.com/v1"]), TypeError);
    });

    test("of several who replace a value at once, every one either replaces it or is told that it did not", async () => {
      const db = await database.open();
      const { vault } = await started(db);
      const names = ["a", "b", "c", "d", "e", "f"];
      let version = 0;
      for (let round = 0; round < 3; round++) {
        const results = await Promise.allSettled(names.map((name) => vault.put(one, new Secret(name), [])));
        const done = names.filter((_, index) => results[index]?.status === "fulfilled");
        for (const result of results) {
          if (result.status === "rejected") assert.ok(withCode("store_conflict")(result.reason), String(result.reason));
        }
        version += done.length;
        assert.ok(done.length > 0);
        assert.ok(done.includes((await vault.get(one)).reveal()));
        const row = await db.kysely.selectFrom("sealed_records").select("version").executeTakeFirstOrThrow();
        assert.equal(row.version, version);
      }
    });

    test("a replacement that fails leaves the old value, and nothing of either in the cache", async () => {
      const db = await database.open();
      const { vault } = await started(db);
      await vault.put(one, value, [origin]);
      await vault.get(one, origin);
      await db.kysely.schema.alterTable("sealed_records").renameTo("elsewhere").execute();
      await assert.rejects(vault.put(one, new Secret("sk-new"), [origin]));
      await assert.rejects(vault.remove(one));
      await db.kysely.schema.alterTable("elsewhere").renameTo("sealed_records").execute();
      assert.equal(vault.cached(one, origin), undefined);
      assert.equal((await vault.get(one, origin)).reveal(), value.reveal());
    });

    test("what is removed is gone, and says so", async () => {
      const { vault } = await started(await database.open());
      await vault.put(one, value, [origin]);
      await vault.get(one);
      await vault.remove(one);
      assert.equal(vault.cached(one, origin), undefined);
      for (const action of [vault.get(one), vault.remove(one)]) await assert.rejects(action, withCode("not_found"));
      await vault.put(one, value, [origin]);
      assert.equal((await vault.get(one)).reveal(), value.reveal());
    });

    test("an opened value stays at hand for five minutes, and not a moment after it was revoked", async () => {
      const { vault, clock } = await started(await database.open());
      await vault.put(one, value, [origin]);
      assert.equal(vault.cached(one, origin), undefined);
      await vault.get(one, origin);
      clock.advance(299_999);
      assert.equal(vault.cached(one, origin)?.reveal(), value.reveal());
      clock.advance(1);
      assert.equal(vault.cached(one, origin), undefined);
      await vault.get(one, origin);
      vault.forget(one);
      assert.equal(vault.cached(one, origin), undefined);
      await vault.get(one, origin);
      await vault.put(one, new Secret("sk-rotated"), [origin]);
      assert.equal(vault.cached(one, origin), undefined);
      const reading = vault.get(one, origin);
      vault.forget(one);
      await reading;
      assert.equal(
        vault.cached(one, origin),
        undefined,
        "a read that began before the revocation does not bring it back",
      );
    });

    test("a cache time of nothing keeps nothing", async () => {
      const { vault } = await started(await database.open(), 0);
      await vault.put(one, value, [origin]);
      await vault.get(one, origin);
      assert.equal(vault.cached(one, origin), undefined);
    });

    test("the subkeys of another vault, and of another purpose, are others", async () => {
      const [a, b] = [await started(await database.open()), await started(await database.open())];
      const keys = [
        a.vault.namedKey("token").key,
        a.vault.namedKey("audit").key,
        a.vault.namedKey("sign").key,
        b.vault.namedKey("token").key,
      ];
      assert.equal(new Set(keys.map((key) => key.toString("hex"))).size, 4);
      a.vault.namedKey("token").key.fill(0);
      assert.deepEqual(a.vault.namedKey("token").key, keys[0], "what is given away is a copy");
    });

    test("nothing that was put is in the database in any readable form", async () => {
      const db = await database.open();
      const { vault } = await started(db);
      await vault.put(one, value, [origin]);
      const rows = [
        await db.kysely.selectFrom("vault_slots").selectAll().execute(),
        await db.kysely.selectFrom("vault_terms").selectAll().execute(),
        await db.kysely.selectFrom("sealed_records").selectAll().execute(),
      ];
      const cells = rows.flat().flatMap((row) => Object.values<string | number | Uint8Array>(row));
      const bytes = Buffer.concat(
        cells.map((cell) => (typeof cell === "number" ? Buffer.alloc(0) : Buffer.from(cell))),
      );
      const plain = Buffer.from(value.reveal());
      for (const encoding of ["utf8", "hex", "base64", "base64url", "utf16le"] as const) {
        assert.ok(
          !bytes.includes(encoding === "utf16le" ? Buffer.from(value.reveal(), encoding) : plain.toString(encoding)),
          encoding,
        );
      }
    });
  });

  describe(`whoever can write the vault's tables on ${database.name}`, { skip: database.skip }, () => {
    /** Two sealed credentials and a way to change the row of the first behind the vault's back. */
    async function victim() {
      const db = await database.open();
      const { vault } = await started(db);
      await vault.put(one, new Secret("sk-old"), [origin]);
      await vault.put(one, value, [origin]);
      await vault.put(two, new Secret("sk-two"), [otherOrigin]);
      const row = (ref: RecordRef) =>
        db.kysely.selectFrom("sealed_records").selectAll().where("id", "=", ref.id).executeTakeFirstOrThrow();
      const edit = async (change: Partial<Awaited<ReturnType<typeof row>>>): Promise<void> => {
        await db.kysely.updateTable("sealed_records").set(change).where("id", "=", one.id).execute();
      };
      return { db, vault, row, edit };
    }

    /** That the record does not open, and that nothing tells why. */
    async function isUnreadable(vault: Vault, ref: RecordRef, what: string): Promise<void> {
      for (const asked of [undefined, origin, otherOrigin]) {
        await assert.rejects(vault.get(ref, asked), (error) => {
          assert.ok(error instanceof AppError, what);
          assert.equal(error.code, "vault_record_unreadable", what);
          assert.equal(error.message, `the sealed record ${ref.type}/${ref.id}/${ref.field} cannot be opened`);
          assert.deepEqual([error.detail, error.cause], [undefined, undefined]);
          return true;
        });
      }
      assert.equal(vault.cached(ref, otherOrigin), undefined);
    }

    test("cannot send a key to an origin of their own", async () => {
      const { vault, edit } = await victim();
      const lists = [[otherOrigin], [origin, otherOrigin], [], [origin, origin], [`${origin} `]];
      for (const origins of [...lists.map((list) => JSON.stringify(list)), "", "null", "{}", "[1]", `"${origin}"`]) {
        await edit({ origins });
        await isUnreadable(vault, one, origins);
      }
      await edit({ origins: JSON.stringify([origin]) });
      assert.equal((await vault.get(one, origin)).reveal(), value.reveal());
    });

    test("cannot move a sealed value to another row, object, field or type", async () => {
      const { vault, row, edit } = await victim();
      const [mine, other] = [await row(one), await row(two)];
      await edit({ sealed: other.sealed });
      await isUnreadable(vault, one, "the bytes of another row");
      const { version, kek_term, sealed, origins } = other;
      await edit({ version, kek_term, sealed, origins });
      await isUnreadable(vault, one, "all but the name of another row");
      await edit({ ...mine, id: "cred_9" });
      await isUnreadable(vault, { ...one, id: "cred_9" }, "another id");
    });

    test("cannot pass a credential for a secret, or one field for another", async () => {
      const { db, vault } = await victim();
      const update = () => db.kysely.updateTable("sealed_records").where("id", "=", one.id);
      await update().set({ type: "secret" }).execute();
      await isUnreadable(vault, { ...one, type: "secret" }, "another type");
      await update().set({ type: one.type, field: "other" }).execute();
      await isUnreadable(vault, { ...one, field: "other" }, "another field");
    });

    test("cannot pass an old version for the present one, or change version or term", async () => {
      const { db, vault, row, edit } = await victim();
      const present = await row(one);
      await edit({ version: present.version - 1 });
      await isUnreadable(vault, one, "an older number");
      await edit({ version: present.version + 1 });
      await isUnreadable(vault, one, "a newer number");
      await edit({ version: present.version, kek_term: 2 });
      await isUnreadable(vault, one, "a term that is not there");
      const [term] = await db.kysely.selectFrom("vault_terms").selectAll().execute();
      assert.ok(term);
      await db.kysely
        .insertInto("vault_terms")
        .values({ ...term, term: 2 })
        .execute();
      vault.seal();
      await assert.rejects(vault.start(), withCode("vault_key_missing"), "a KEK does not open under another number");
    });

    test("can put a whole older row back, which the format cannot know of", async () => {
      const { vault, row, edit } = await victim();
      const older = await row(one);
      await vault.put(one, new Secret("sk-newest"), [origin]);
      await edit(older);
      assert.equal((await vault.get(one, origin)).reveal(), value.reveal());
    });

    test("cannot change a single bit of it unnoticed", async () => {
      const { vault, row, edit } = await victim();
      const { sealed } = await row(one);
      for (const offset of [0, 5, 9, 30, 60, 90, 110, 140, 150, sealed.length - 1]) {
        await edit({ sealed: Buffer.from(sealed.with(offset, (sealed[offset] ?? 0) ^ 0x80)) });
        await isUnreadable(vault, one, `byte ${offset}`);
      }
      for (const length of [0, 6, 101, 146, sealed.length - 1]) {
        await edit({ sealed: Buffer.from(sealed.subarray(0, length)) });
        await isUnreadable(vault, one, `length ${length}`);
      }
    });
  });
}
