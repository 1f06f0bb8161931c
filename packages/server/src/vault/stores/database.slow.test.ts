import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { databases } from "../../../test/support/databases.ts";
import { openDatabase } from "../../db/index.ts";
import { createDatabaseStore } from "./database.ts";
import { namedKey, record, ref, slot, term, withCode } from "./test-parts.ts";

for (const database of databases) {
  describe(`the vault in ${database.name}`, { skip: database.skip }, () => {
    test("two instances that use it at once", async (t) => {
      const url = await database.create("migrated");
      const dbs = await Promise.all([1, 2, 3].map(() => openDatabase({ url, home: "/nonexistent" })));
      const stores = dbs.map((db) => createDatabaseStore(db));
      const [one, two] = [stores[0] ?? assert.fail(), stores[1] ?? assert.fail()];
      const succeeded = async (attempts: readonly Promise<unknown>[]): Promise<number> => {
        const results = await Promise.allSettled(attempts);
        for (const result of results) {
          const error: unknown = result.status === "rejected" ? result.reason : undefined;
          assert.ok(error === undefined || withCode("store_conflict")(error) || withCode("vault_last_slot")(error));
        }
        return results.filter(({ status }) => status === "fulfilled").length;
      };

      await t.test("make one first slot", async () => {
        const made = await Promise.all(stores.map((store, index) => store.createFirst(slot(`slot_${index}`), term(1))));
        assert.equal(made.filter(Boolean).length, 1);
        assert.equal((await one.loadKeys()).slots.length, 1);
      });

      await t.test("never remove the last slot", async () => {
        for (let round = 0; round < 10; round++) {
          for (const index of [0, 1]) await one.addSlot(slot(`slot_${round}_${index}`), 1);
          const ids = (await one.loadKeys()).slots.map(({ id }) => id);
          const removed = await succeeded(ids.map((id, index) => (stores[index] ?? one).removeSlot(id)));
          assert.deepEqual([removed, (await one.loadKeys()).slots.length], [2, 1]);
        }
      });

      await t.test("put each version once", async () => {
        for (let version = 1; version <= 10; version++) {
          assert.equal(await succeeded(stores.map((store) => store.put(ref("a"), record(version), 1))), 1);
        }
        await one.remove(ref("a"));
      });

      await t.test("confirm one root key, and add nothing that the other one wraps", async () => {
        for (let epoch = 1; epoch <= 10; epoch++) {
          const { terms, keys } = await one.loadKeys();
          await one.stageRoot({ slots: [slot("slot_s")], terms, keys }, epoch);
          const additions = [two.addSlot(slot(`slot_e${epoch}`), epoch), two.addNamedKey(namedKey(epoch), epoch)];
          await succeeded([one.confirmRoot(epoch), ...additions]);
          const now = await one.loadKeys();
          if (now.epoch === epoch) {
            await one.stageRoot({ slots: [slot("slot_s")], terms: now.terms, keys: now.keys }, epoch);
            await one.confirmRoot(epoch);
          }
          const after = await one.loadKeys();
          assert.deepEqual(
            [after.epoch, after.slots.map(({ id }) => id), after.staged],
            [epoch + 1, ["slot_s"], undefined],
          );
        }
      });

      await t.test("leave no record under a term that is gone", async () => {
        const { epoch } = await one.loadKeys();
        for (let round = 0; round < 20; round++) {
          const newest = round + 2;
          await one.addTerm(term(newest), epoch, 1);
          await succeeded([
            two.put(ref(`r ${round}`), record(1, newest - 1), 1),
            one.removeUnusedTerms(newest),
            stores[2]?.put(ref(`s ${round}`), record(1, newest - 1), 1) ?? assert.fail(),
          ]);
          const terms = new Set((await one.loadKeys()).terms.map((each) => each.term));
          for (const listed of await one.list("secret")) assert.ok(terms.has(listed.term), `round ${round}`);
          for (const listed of await one.list("secret")) await one.remove(listed);
          await one.removeUnusedTerms(newest);
        }
      });

      await Promise.all(dbs.map((db) => db.close()));
    });
  });
}
