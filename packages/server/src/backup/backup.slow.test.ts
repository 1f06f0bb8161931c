import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { openDatabase } from "../db/index.ts";
import { createVault } from "../vault/index.ts";
import { restoreTarget } from "./index.ts";
import { again, backUp, clock, contentOf, freshHome, furnish, recipient, restore, secrets } from "./test-parts.ts";

/** The record of what was done here; and of where the vault lies and what opens it, which is another on this machine. */
const changed: readonly string[] = ["migrations", "vault_slots", "vault_state"];

for (const from of databases) {
  for (const to of databases) {
    const skip = from.skip ?? to.skip;
    test(`what was backed up on ${from.name} is the same on ${to.name}, row by row, and every secret opens`, {
      skip,
    }, async (t) => {
      const url = await from.create("migrated");
      const db = await openDatabase({ url, home: "/nonexistent" });
      t.after(() => db.close());
      const vault = await furnish(db, freshHome());
      const file = await backUp(again(db, url), vault, { recipients: [recipient] });

      const home = freshHome();
      const targetUrl = to.name === "SQLite" ? "sqlite:" : await to.create("empty");
      const report = await restore(file, home, restoreTarget(targetUrl, home));
      assert.equal(report.vault.opened, secrets.length);
      assert.deepEqual(report.vault.unreadable, []);
      assert.deepEqual([report.vault.keptSlots, report.vault.droppedSlots], [["passphrase"], ["key-file"]]);
      assert.equal(report.newSlot, "key-file");
      assert.equal(report.rows["keys"], 300);

      const restored = await openDatabase({ url: targetUrl, home: home.path });
      t.after(() => restored.close());
      const [before, after] = [await contentOf(db), await contentOf(restored)];
      for (const table of Object.keys(before).filter((name) => !changed.includes(name))) {
        assert.deepEqual(after[table], before[table], table);
      }
      const reopened = createVault({ db: restored, home, clock, options: { unlocker: "key-file" } });
      await reopened.start();
      for (const { ref, value, origins } of secrets) {
        assert.equal((await reopened.get(ref, origins[0])).reveal(), value.reveal());
      }
    });
  }
}
