import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { openDatabase } from "../db/index.ts";
import { AppError } from "../kernel/errors.ts";
import { createSlotStore, type StoredSlot } from "./slots.ts";

const slot = (id: string): StoredSlot => ({
  id,
  kind: "environment",
  label: "label",
  params: "{}",
  wrapped: Buffer.from(id),
  createdAt: 1,
});
const term = { term: 1, wrapped: Buffer.from("wrapped") };

for (const database of databases) {
  describe(`the store of slots on ${database.name}`, { skip: database.skip }, () => {
    test("takes a first slot and term into an empty database, together, and gives them back", async () => {
      const store = createSlotStore(await database.open());
      assert.equal(await store.createFirst(slot("slot_1"), term), true);
      assert.equal(await store.createFirst(slot("slot_2"), term), false);
      const { slots, terms } = await store.load();
      assert.deepEqual(
        slots.map((each) => ({ ...each, wrapped: Buffer.from(each.wrapped) })),
        [slot("slot_1")],
      );
      assert.deepEqual(
        terms.map((each) => ({ ...each, wrapped: Buffer.from(each.wrapped) })),
        [term],
      );
    });

    test("takes no first slot where there is a slot, a term of any number, or a record", async () => {
      const record = { type: "secret", id: "a", field: "value", version: 1, kek_term: 1, origins: "[]", updated_at: 1 };
      const occupied = [await database.open(), await database.open(), await database.open()] as const;
      await createSlotStore(occupied[0]).add(slot("slot_1"));
      await occupied[1].kysely
        .insertInto("vault_terms")
        .values({ ...term, term: 2, created_at: 1 })
        .execute();
      await occupied[2].kysely
        .insertInto("sealed_records")
        .values({ ...record, sealed: Buffer.from("x") })
        .execute();
      for (const db of occupied) {
        const before = await createSlotStore(db).load();
        assert.equal(await createSlotStore(db).createFirst(slot("slot_2"), term), false);
        assert.deepEqual(await createSlotStore(db).load(), before);
      }
    });

    test("keeps one slot when all are removed at once from several connections", async () => {
      const url = await database.create("migrated");
      const dbs = await Promise.all([1, 2, 3].map(() => openDatabase({ url, home: "/nonexistent" })));
      const stores = dbs.map((db) => createSlotStore(db));
      const storeAt = (index: number) => stores[index % stores.length] ?? assert.fail();
      const first = storeAt(0);
      for (let round = 0; round < 10; round++) {
        const ids = [0, 1, 2].map((index) => `slot_${round}_${index}`);
        for (const id of ids) await first.add(slot(id));
        const before = (await first.load()).slots.map(({ id }) => id);
        const removals = before.map((id, index) => storeAt(index).remove(id));
        const results = await Promise.allSettled(removals);
        const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
        assert.equal((await first.load()).slots.length, 1);
        assert.ok(refused.length === 1 && refused[0] instanceof AppError && refused[0].code === "vault_last_slot");
      }
      await Promise.all(dbs.map((db) => db.close()));
    });

    test("does not use a slot of a kind from a later version, and does not lose it either", async () => {
      const db = await database.open();
      const store = createSlotStore(db);
      await store.add(slot("slot_1"));
      await db.kysely.updateTable("vault_slots").set({ kind: "key-ring" }).execute();
      assert.deepEqual((await store.load()).slots, []);
      await assert.rejects(
        store.remove("slot_1"),
        (error) => error instanceof AppError && error.code === "vault_last_slot",
      );
    });
  });
}
