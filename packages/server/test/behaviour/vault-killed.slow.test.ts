import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/kernel/clock.ts";
import { Secret } from "../../src/kernel/secret.ts";
import { migrate, openDatabase, type Db } from "../../src/db/index.ts";
import { openHome } from "../../src/home/index.ts";
import { createVault, type Vault } from "../../src/vault/index.ts";
import type { VaultChildOptions } from "../support/vault-child.ts";

/*
 * kill -9 at every step of every change of the vault: in place of each call that the vault makes of its store. Whatever is
 * left opens to every value, and what had begun is completed or can be done again.
 */

const child = fileURLToPath(new URL("../support/vault-child.ts", import.meta.url));
const base = mkdtempSync(join(tmpdir(), "portcullis-killed-"));
after(() => rmSync(base, { recursive: true, force: true }));

const count = 60;
const refOf = (index: number) => ({ type: "credential", id: `cred_${index}`, field: "value" }) as const;

/** Opens what lies in the home, does something with the vault, and closes it all. */
async function within<Result>(path: string, run: (vault: Vault, db: Db) => Promise<Result>): Promise<Result> {
  const home = openHome(path);
  const db = await openDatabase({ url: `sqlite:${join(path, "portcullis.db")}`, home: path, synchronous: "normal" });
  const vault = createVault({ db, home, clock: systemClock, options: { unlocker: "auto" } });
  try {
    await migrate(db);
    await vault.start();
    return await run(vault, db);
  } finally {
    vault.seal();
    await vault.rewrapped();
    await db.close();
    home.release();
  }
}

async function assertAllOpen(vault: Vault): Promise<void> {
  for (let index = 0; index < count; index++) assert.equal((await vault.get(refOf(index))).reveal(), `sk-${index}`);
}

async function fresh(name: string): Promise<string> {
  const path = join(base, name);
  mkdirSync(path, { mode: 0o700 });
  await within(path, async (vault) => {
    for (let index = 0; index < count; index++) await vault.put(refOf(index), new Secret(`sk-${index}`), []);
  });
  return path;
}

function runChild(options: VaultChildOptions): "killed" | "done" {
  const { signal, stdout, stderr } = spawnSync(process.execPath, [child, JSON.stringify(options)], {
    encoding: "utf8",
  });
  if (signal === "SIGKILL") return "killed";
  assert.equal(stdout, "done\n", stderr);
  return "done";
}

const changes = ["put", "slot", "kek", "root", "cancel", "pepper"] as const;

describe("killed at any step, the vault is left readable and what had begun can be completed", () => {
  for (const change of changes) {
    test(`of the change: ${change}`, async (t) => {
      let steps = 0;
      for (let outcome = "killed"; outcome === "killed"; ) {
        steps++;
        const path = await fresh(`${change}-${steps}`);
        outcome = runChild({ url: `sqlite:${join(path, "portcullis.db")}`, home: path, change, killAt: steps });
        await within(path, async (vault, db) => {
          await assertAllOpen(vault);
          await vault.rewrapped();
          await assertAllOpen(vault);
          const terms = await db.kysely.selectFrom("vault_terms").select("term").execute();
          assert.equal(terms.length, 1, "the new term was completed, or not begun");
          const { staged_slots: staged, rotation, slots } = await vault.status();
          assert.equal(rotation, null);
          assert.ok(slots.length >= 1);
          if (staged !== null) await vault.confirmRoot();
          await vault.stageRoot({
            drop: slots.filter(({ kind }) => kind === "environment" && staged === null).map(({ id }) => id),
          });
          await vault.confirmRoot();
          await vault.rotateKek();
          await vault.rewrapped();
          await assertAllOpen(vault);
        });
        await within(path, assertAllOpen);
        assert.ok(steps < 60, "there are not that many steps");
      }
      t.diagnostic(`${change}: killed at each of ${steps - 1} steps`);
      assert.ok(steps > 2);
    });
  }
});
