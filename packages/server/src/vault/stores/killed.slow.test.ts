import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { databases } from "../../../test/support/databases.ts";
import { openDatabase, type Db } from "../../db/index.ts";
import { homePath } from "../../home/index.ts";
import { fakeClock } from "../../kernel/clock.ts";
import type { VaultStore } from "../store.ts";
import { everything, plain, record, ref, slot, term } from "./test-parts.ts";
import { openVaultStore, type OpenedVaultStore, type StoreKind } from "./open.ts";

/* A process that is killed before any of its steps, on the disk or in the database, leaves a vault that is whole. */

const base = mkdtempSync(join(tmpdir(), "portcullis-vault-killed-"));
after(() => rmSync(base, { recursive: true, force: true }));
const open = (db: Db, home: string): Promise<OpenedVaultStore> =>
  openVaultStore({ db, home: homePath(home), clock: fakeClock(), wanted: "database" });
const contents = async (store: VaultStore): Promise<unknown> => [
  plain(await store.loadKeys()),
  await everything(store),
];

/** Opens the vault in a process of its own and does something to it; the process is killed before its n-th step of that. */
async function doAndKill(url: string, home: string, action: string, step: number): Promise<"killed" | "done"> {
  const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `
    import fs from "node:fs/promises";
    import { syncBuiltinESMExports } from "node:module";
    let [steps, counting] = [0, false];
    const take = () => { if (counting && ++steps === ${step}) process.kill(process.pid, "SIGKILL"); };
    const watch = (target, name) => {
      const original = target[name];
      target[name] = function (...given) { take(); return original.apply(this, given); };
    };
    const handle = await fs.open(${JSON.stringify(home)});
    for (const name of ["writeFile", "sync", "read", "chmod"]) watch(Object.getPrototypeOf(handle), name);
    await handle.close();
    for (const name of ["open", "rename", "link", "rm", "stat"]) watch(fs, name);
    syncBuiltinESMExports();
    const { openDatabase } = await import(${module("../../db/index.ts")});
    const { homePath } = await import(${module("../../home/index.ts")});
    const { systemClock: clock } = await import(${module("../../kernel/clock.ts")});
    const { openVaultStore } = await import(${module("./open.ts")});
    const { slot, term, record, ref } = await import(${module("./test-parts.ts")});
    const db = await openDatabase({ url: ${JSON.stringify(url)}, home: "/nonexistent" });
    const watching = {
      transformQuery({ node }) { take(); return node; },
      transformResult: ({ result }) => Promise.resolve(result),
    };
    const counted = { ...db, kysely: db.kysely.withPlugin(watching) };
    const parts = { db: counted, home: homePath(${JSON.stringify(home)}), clock, wanted: "database" };
    const opened = await openVaultStore(parts);
    counting = true;
    ${action};
    counting = false;
    await db.close();`;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", code], { stdio: "inherit" });
  const [exitCode, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.ok(signal === "SIGKILL" || exitCode === 0, `the child ended with ${exitCode}`);
  return signal === "SIGKILL" ? "killed" : "done";
}

const fileChanges = [
  ["a new value", `await opened.store.put(ref("id 1"), record(2), 9)`],
  ["a new root key", "await opened.store.confirmRoot(1)"],
  ["a new slot", `await opened.store.addSlot(slot("slot_2"), 1)`],
] as const;

for (const database of databases) {
  // The steps are the same on both engines, so one of them takes fewer.
  const stride = database.name === "SQLite" ? 1 : 6;

  describe(`killed at any step, with ${database.name}`, { skip: database.skip }, () => {
    const started = async (kind: StoreKind) => {
      const home = mkdtempSync(join(base, "home-"));
      const url = await database.create("migrated");
      const db = await openDatabase({ url, home });
      const { store, move } = await open(db, home);
      await store.createFirst(slot("slot_1"), term(1));
      await store.stageRoot({ slots: [slot("slot_9")], terms: [term(1, "new")], keys: [] }, 1);
      for (let index = 0; index < 3; index++) await store.put(ref(`id ${index}`), record(1), index);
      await move(kind);
      const before = await contents(store);
      await db.close();
      return { url, home, before };
    };

    for (const from of ["database", "file"] as const) {
      const to = from === "file" ? "database" : "file";

      test(`a move from ${from} to ${to} is done or undone by the next start, and can be repeated`, async () => {
        const kinds = new Map<StoreKind, number>();
        for (let step = 1, outcome = "killed"; outcome === "killed"; step += stride) {
          const { url, home, before } = await started(from);
          outcome = await doAndKill(url, home, `await opened.move("${to}")`, step);
          const db = await openDatabase({ url, home });
          const opened = await open(db, home);
          kinds.set(opened.kind(), (kinds.get(opened.kind()) ?? 0) + 1);
          assert.deepEqual(await contents(opened.store), before, `step ${step}`);
          const rows = await db.kysely.selectFrom("sealed_records").select("id").execute();
          assert.deepEqual(
            [rows.length, existsSync(join(home, "vault.json"))],
            opened.kind() === "file" ? [0, true] : [3, false],
          );
          await opened.store.put(ref("more"), record(1), 1);
          assert.equal(await opened.move(opened.kind() === "file" ? "database" : "file"), 4);
          await db.close();
        }
        assert.ok((kinds.get(from) ?? 0) >= 15 / stride && (kinds.get(to) ?? 0) >= 4 / stride, String([...kinds]));
      });
    }

    // What becomes of a file has nothing to do with the engine.
    for (const [name, action] of database.name === "SQLite" ? fileChanges : []) {
      test(`${name} in a file is there whole or not at all`, async () => {
        const seen = new Set<string>();
        for (let step = 1, outcome = "killed"; outcome === "killed"; step++) {
          const { url, home } = await started("file");
          outcome = await doAndKill(url, home, action, step);
          const db = await openDatabase({ url, home });
          const { store } = await open(db, home);
          seen.add(JSON.stringify(await contents(store)));
          await store.put(ref("more"), record(1), 1);
          assert.deepEqual(
            readdirSync(home).filter((each) => !each.startsWith(".")),
            ["vault.json"],
          );
          await db.close();
        }
        assert.equal(seen.size, 2);
      });
    }
  });
}
