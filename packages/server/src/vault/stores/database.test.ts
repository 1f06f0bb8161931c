import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { databases } from "../../../test/support/databases.ts";
import { storeConformance } from "./conformance.ts";
import { createDatabaseStore } from "./database.ts";
import { plain, slot, term, withCode } from "./test-parts.ts";

for (const database of databases) {
  storeConformance({
    name: database.name,
    skip: database.skip,
    async open() {
      const db = await database.open();
      return { store: createDatabaseStore(db), reopen: () => Promise.resolve(createDatabaseStore(db)) };
    },
  });

  describe(`the vault in ${database.name}`, { skip: database.skip }, () => {
    test("takes no first slot where there is a slot, a term of any number, or a record", async () => {
      const row = { type: "secret", id: "a", field: "value", version: 1, kek_term: 1, origins: "[]", updated_at: 1 };
      const occupied = [await database.open(), await database.open(), await database.open()] as const;
      await createDatabaseStore(occupied[0]).addSlot(slot("slot_1"), 1);
      await createDatabaseStore(occupied[1]).addTerm(term(2), 1, 1);
      const sealed = Buffer.from("x");
      await occupied[2].kysely
        .insertInto("sealed_records")
        .values({ ...row, sealed })
        .execute();
      for (const db of occupied) {
        const store = createDatabaseStore(db);
        const before = plain(await store.loadKeys());
        assert.equal(await store.createFirst(slot("slot_2"), term(1)), false);
        assert.deepEqual(plain(await store.loadKeys()), before);
      }
    });

    test("does not use a slot of a kind from a later version, and does not lose it either", async () => {
      const db = await database.open();
      const store = createDatabaseStore(db);
      await store.addSlot(slot("slot_1"), 1);
      await db.kysely.updateTable("vault_slots").set({ kind: "of-a-later-version" }).execute();
      assert.deepEqual((await store.loadKeys()).slots, []);
      await assert.rejects(store.removeSlot("slot_1"), withCode("vault_last_slot"));
    });

    test("takes a staged root key that was edited for none, and goes on", async () => {
      const db = await database.open();
      const store = createDatabaseStore(db);
      await store.createFirst(slot("slot_1"), term(1));
      const staged = { slots: [slot("slot_2")], terms: [term(1, "new")], keys: [] };
      await store.stageRoot(staged, 1);
      const query = db.kysely.selectFrom("vault_state").select("value").where("name", "=", "staged_root");
      const { value } = await query.executeTakeFirstOrThrow();
      for (const edited of [
        value.slice(1),
        value.replace('"slots"', '"slot"'),
        value.replace("c2xv", "c?xv"),
        "null",
      ]) {
        await db.kysely.updateTable("vault_state").set({ value: edited }).where("name", "=", "staged_root").execute();
        assert.equal((await store.loadKeys()).staged, undefined);
        await assert.rejects(store.confirmRoot(1), withCode("store_conflict"));
      }
      await store.stageRoot(staged, 1);
      await store.confirmRoot(1);
      assert.equal((await store.loadKeys()).slots[0]?.id, "slot_2");
    });
  });
}
