import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { databases } from "../../../test/support/databases.ts";
import { Secret } from "../../kernel/secret.ts";
import { assertAllOpen, fill, freshHome, origin, refOf, termsOf, vaultIn, valueOf } from "./test-parts.ts";

for (const database of databases) {
  describe(`a new key term on ${database.name}`, { skip: database.skip }, () => {
    const opened = async (count: number) => {
      const db = await database.open();
      const home = freshHome();
      const vault = vaultIn(db, home);
      await vault.start();
      await fill(vault, count);
      return { db, home, vault };
    };

    test("takes every record over, and the old term is destroyed", async () => {
      const { db, home, vault } = await opened(60);
      assert.deepEqual(await vault.rotateKek(), { term: 2 });
      const { rotation } = await vault.status();
      assert.ok(rotation === null || rotation.kind === "kek");
      await vault.rewrapped();
      assert.deepEqual(await termsOf(db), { terms: [2], used: [2] });
      assert.equal((await vault.status()).rotation, null);
      await assertAllOpen(vault, 60);
      const restarted = vaultIn(db, home);
      await restarted.start();
      await assertAllOpen(restarted, 60);
    });

    test("does not fail a single read, write or removal while it comes, several times in a row", async () => {
      const { db, vault } = await opened(80);
      let busy = true;
      let count = 0;
      const traffic = async (): Promise<void> => {
        for (; busy; count++) {
          const index = count % 80;
          vault.forget(refOf(index));
          assert.equal((await vault.get(refOf(index), origin)).reveal(), valueOf(index));
          if (count % 3 === 0) await vault.put(refOf(index), new Secret(valueOf(index)), [origin]);
          if (count % 7 === 0) {
            const passing = { ...refOf(index), id: `passing_${count}` };
            await vault.put(passing, new Secret("sk-passing"), []);
            await vault.remove(passing);
          }
          await pause(0);
        }
      };
      const ended = traffic();
      for (const term of [2, 3, 4]) {
        const before = count;
        assert.deepEqual(await vault.rotateKek(), { term });
        while (count < before + 5) await pause(1);
      }
      await vault.rewrapped();
      busy = false;
      await ended;
      await assertAllOpen(vault, 80);
      assert.deepEqual(await termsOf(db), { terms: [4], used: [4] });
    });

    test("goes on after a seal and after a restart in the middle", async () => {
      const { db, home, vault } = await opened(60);
      await vault.rotateKek();
      vault.seal();
      await vault.rewrapped();
      assert.deepEqual((await termsOf(db)).terms, [1, 2]);
      await vault.start();
      vault.seal();
      const restarted = vaultIn(db, home);
      await restarted.start();
      await restarted.rewrapped();
      assert.deepEqual(await termsOf(db), { terms: [2], used: [2] });
      await assertAllOpen(restarted, 60);
    });

    test("leaves a record that does not open as it is, says which, and takes all others over", async () => {
      const { db, home, vault } = await opened(40);
      const damaged = db.kysely.updateTable("sealed_records").where("id", "=", "cred_7");
      const row = await db.kysely
        .selectFrom("sealed_records")
        .selectAll()
        .where("id", "=", "cred_7")
        .executeTakeFirstOrThrow();
      await damaged.set({ sealed: Buffer.from(row.sealed.with(70, (row.sealed[70] ?? 0) ^ 1)) }).execute();
      await vault.rotateKek();
      await vault.rewrapped();
      assert.deepEqual(await termsOf(db), { terms: [1, 2], used: [1, 2] });
      const { rotation } = await vault.status();
      assert.match(rotation?.problem ?? "", /^credential\/cred_7\/value cannot be opened/);
      await damaged.set({ sealed: row.sealed }).execute(); // put back from a backup
      assert.equal((await vault.get(refOf(7))).reveal(), valueOf(7));
      const restarted = vaultIn(db, home);
      await restarted.start();
      await restarted.rewrapped();
      assert.deepEqual(await termsOf(db), { terms: [2], used: [2] });
      await assertAllOpen(restarted, 40);
    });

    test("is found by another instance when it meets a record under it, and when its own term is gone", async () => {
      const { db, home, vault } = await opened(20);
      const other = vaultIn(db, home);
      await other.start();
      await vault.rotateKek();
      await vault.rewrapped();
      await assertAllOpen(other, 20);
      const third = vaultIn(db, home);
      await third.start();
      await vault.rotateKek();
      await vault.rewrapped();
      assert.deepEqual(await termsOf(db), { terms: [3], used: [3] });
      await fill(third, 25, 0); // replaces and adds, under a term that it does not know yet
      assert.deepEqual(await termsOf(db), { terms: [3], used: [3] });
      for (const each of [vault, other, third]) await assertAllOpen(each, 25);
    });

    test("begun by two at once is one new term or two, and nothing is lost", async () => {
      const { db, home, vault } = await opened(30);
      const other = vaultIn(db, home);
      await other.start();
      const results = await Promise.allSettled([vault.rotateKek(), other.rotateKek()]);
      assert.ok(results.some(({ status }) => status === "fulfilled"));
      await Promise.all([vault.rewrapped(), other.rewrapped()]);
      await vault.rotateKek();
      await vault.rewrapped();
      for (const each of [vault, other]) await assertAllOpen(each, 30);
      assert.equal((await termsOf(db)).terms.length, 1);
    });
  });
}
