import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { AppError } from "../kernel/errors.ts";
import { createRecordStore, type RecordRef, type StoredRecord } from "./records.ts";

const ref: RecordRef = { type: "secret", id: "a", field: "value" };
const record = (version: number): StoredRecord => ({
  version,
  term: 1,
  origins: ["o"],
  sealed: Buffer.from([version]),
});
const isConflict = (error: unknown): boolean => error instanceof AppError && error.code === "store_conflict";

for (const database of databases) {
  describe(`the store of records on ${database.name}`, { skip: database.skip }, () => {
    test("takes each version after the one before, and no other", async () => {
      const store = createRecordStore(await database.open());
      assert.deepEqual([await store.version(ref), await store.find(ref)], [0, undefined]);
      await assert.rejects(store.put(ref, record(2), 1), isConflict);
      await store.put(ref, record(1), 1);
      for (const version of [1, 3]) await assert.rejects(store.put(ref, record(version), 2), isConflict);
      await store.put(ref, record(2), 3);
      assert.equal(await store.version(ref), 2);
      const stored = await store.find(ref);
      assert.deepEqual({ ...stored, sealed: Buffer.from(stored?.sealed ?? []) }, record(2));
      assert.equal(await store.remove(ref), true);
      assert.equal(await store.remove(ref), false);
      await assert.rejects(store.put(ref, record(3), 4), isConflict);
    });

    test("keeps types, ids and fields apart", async () => {
      const store = createRecordStore(await database.open());
      const others: readonly RecordRef[] = [
        { ...ref, type: "credential" },
        { ...ref, id: "b" },
        { ...ref, field: "other" },
      ];
      for (const each of [ref, ...others]) await store.put(each, record(1), 1);
      await store.put(ref, record(2), 2);
      for (const each of others) assert.equal(await store.version(each), 1);
      await store.remove(ref);
      assert.equal(await store.count(), 3);
    });
  });
}
