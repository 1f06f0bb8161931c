import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { databases } from "../../../test/support/databases.ts";
import type { Db } from "../../db/index.ts";
import type { Vault } from "../index.ts";
import { assertAllOpen, faultyStore, fill, freshHome, termsOf, vaultIn, type FaultMode } from "./test-parts.ts";

const records = 30;

interface Left {
  readonly db: Db;
  /** Another instance that was started over what was left. */
  readonly restarted: Vault;
  /** Whether there was such a call. */
  readonly failed: boolean;
  readonly what: string;
}

/** Runs `change` with the n-th call of the store failing, for every n that there is, and hands over what that left. */
async function atEveryCall(
  database: (typeof databases)[number],
  change: (vault: Vault) => Promise<unknown>,
  check: (left: Left) => Promise<void>,
): Promise<void> {
  for (const mode of ["before", "after"] as const) {
    for (let n = 1; ; n++) {
      const result = await runWithFault(database, change, n, mode);
      await check(result);
      if (!result.failed) break;
      assert.ok(n < 60, "there are not that many calls");
    }
  }
}

async function runWithFault(
  database: (typeof databases)[number],
  change: (vault: Vault) => Promise<unknown>,
  n: number,
  mode: FaultMode,
): Promise<Left> {
  const db = await database.open();
  const home = freshHome();
  const { store, calls, failAt } = faultyStore(db);
  const vault = vaultIn(db, home, {}, store);
  await vault.start();
  await fill(vault, records);
  const before = calls.length;
  failAt(n, mode);
  await change(vault).catch(() => undefined);
  await vault.rewrapped();
  const failed = calls.length - before >= n;
  await assertAllOpen(vault, records);
  vault.seal();
  const restarted = vaultIn(db, home);
  await restarted.start();
  await restarted.rewrapped();
  await assertAllOpen(restarted, records);
  return { db, restarted, failed, what: `${mode} call ${n}` };
}

for (const database of databases) {
  describe(`with a failure of the store at any call on ${database.name}`, { skip: database.skip }, () => {
    test("a new term leaves everything readable, and is completed after a restart", async () => {
      await atEveryCall(
        database,
        (vault) => vault.rotateKek(),
        async ({ db, what }) => {
          const { terms, used } = await termsOf(db);
          assert.deepEqual(used, terms, what);
        },
      );
    });

    test("a new root key leaves everything readable, and the one or the other is in force", async () => {
      await atEveryCall(
        database,
        async (vault) => {
          await vault.stageRoot();
          await vault.confirmRoot();
        },
        async ({ restarted, what }) => {
          const isStaged = (await restarted.status()).staged_slots !== null;
          if (isStaged) await restarted.confirmRoot();
          await restarted.stageRoot();
          await restarted.confirmRoot();
          await restarted.rotateKek();
          await restarted.rewrapped();
          await assertAllOpen(restarted, records);
          assert.equal((await restarted.status()).slots.length, 1, what);
        },
      );
    });

    test("a new version of a named key is there whole or not at all, and the old one stays what it was", async () => {
      const pepper = new Map<Vault, string>();
      await atEveryCall(
        database,
        async (vault) => {
          pepper.set(vault, vault.namedKey("token").key.toString("hex"));
          await vault.rotateNamedKey("token");
        },
        ({ restarted, what }) => {
          const first = restarted.namedKeyOf("token", 0)?.toString("hex");
          assert.equal(first, [...pepper.values()].at(-1), what);
          const { version } = restarted.namedKey("token");
          assert.ok(version <= 1 && restarted.namedVersions("token").length === version + 1, what);
          return Promise.resolve();
        },
      );
    });
  });
}
