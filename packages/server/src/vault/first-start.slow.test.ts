import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { KyselyPlugin } from "kysely";
import { databases } from "../../test/support/databases.ts";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { openDatabase, type Db } from "../db/index.ts";
import { openHome, type Home } from "../home/index.ts";
import { createVault } from "./index.ts";

/*
 * A database never gets two root keys: not when a first start is killed anywhere and repeated, not when several make
 * their first start on it at once.
 */

const base = mkdtempSync(join(tmpdir(), "portcullis-first-"));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
const freshPath = (): string => join(base, String(count++));

const options = { unlocker: "auto" } as const;
const record = { type: "secret", id: "a", field: "value" } as const;
const start = async (db: Db, home: Home) => {
  const vault = createVault({ db, home, clock: fakeClock(), options });
  return { vault, ...(await vault.start()) };
};

/** The database, refusing the n-th statement from now on, once. */
function failing(db: Db, statement: number): Db {
  let sent = 0;
  const plugin: KyselyPlugin = {
    transformQuery({ node }) {
      if (++sent === statement) throw new AppError("database_unavailable");
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  return { ...db, kysely: db.kysely.withPlugin(plugin) };
}

/** Starts a vault in a process of its own, which is killed at the n-th statement it sends to the database. */
async function startAndKill(url: string, home: string, statement: number): Promise<"killed" | "started"> {
  const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const code = `
    import { openDatabase } from ${module("../db/index.ts")};
    import { openHome } from ${module("../home/index.ts")};
    import { systemClock } from ${module("../kernel/clock.ts")};
    import { createVault } from ${module("./index.ts")};
    const db = await openDatabase({ url: ${JSON.stringify(url)}, home: "/nonexistent" });
    let sent = 0;
    const killer = {
      transformQuery({ node }) {
        if (++sent === ${statement}) process.kill(process.pid, "SIGKILL");
        return node;
      },
      transformResult: ({ result }) => Promise.resolve(result),
    };
    const counted = { ...db, kysely: db.kysely.withPlugin(killer) };
    const home = openHome(${JSON.stringify(home)});
    const vault = createVault({ db: counted, home, clock: systemClock, options: { unlocker: "auto" } });
    await vault.start();
    await db.close();`;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", code], { stdio: "inherit" });
  const [exitCode, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.ok(signal === "SIGKILL" || exitCode === 0, `the child ended with ${exitCode}`);
  return signal === "SIGKILL" ? "killed" : "started";
}

for (const database of databases) {
  describe(`a first start on ${database.name}`, { skip: database.skip }, () => {
    test("killed before any of its statements, it is finished by the next start, with one root key", {
      timeout: 120_000,
    }, async () => {
      let outcome = "killed";
      let kills = 0;
      let createdAfterKill = 0;
      for (let statement = 1; outcome === "killed"; statement++) {
        const [url, homePath] = [await database.create("migrated"), freshPath()];
        outcome = await startAndKill(url, homePath, statement);
        const home = openHome(homePath);
        const key = existsSync(home.file("root.key")) ? readFileSync(home.file("root.key")) : undefined;
        const db = await openDatabase({ url, home: home.path });
        const repeated = await start(db, home);
        if (outcome === "killed") {
          kills++;
          createdAfterKill += repeated.created ? 1 : 0;
        }
        if (key !== undefined) assert.deepEqual(readFileSync(home.file("root.key")), key, "the key file is kept");
        const status = await repeated.vault.status();
        assert.deepEqual([status.state, status.slots.length, status.kek_term], ["unsealed", 1, 1]);
        await repeated.vault.put(record, new Secret("value"), []);
        const again = await start(db, home);
        assert.equal(again.created, false);
        assert.equal((await again.vault.get(record)).reveal(), "value");
        await db.close();
        home.release();
      }
      assert.ok(
        kills >= 8 && createdAfterKill >= 8,
        `${kills} kills, ${createdAfterKill} of them before the vault was there`,
      );
    });

    test("whose statement fails leaves the vault sealed and can be repeated at once, with one root key", async () => {
      let failures = 0;
      for (let statement = 1; ; statement++) {
        const [db, home] = [await database.open(), openHome(freshPath())];
        const vault = createVault({ db: failing(db, statement), home, clock: fakeClock(), options });
        const failed = await vault.start().then(
          () => false,
          (error: unknown) => error instanceof AppError && error.code === "database_unavailable",
        );
        if (!failed) {
          home.release();
          break;
        }
        failures++;
        assert.equal(vault.sealed, true);
        await vault.start();
        const { slots, kek_term } = await vault.status();
        assert.deepEqual([slots.length, kek_term], [1, 1]);
        home.release();
      }
      assert.ok(failures >= 8, `${failures} statements failed`);
    });

    test("made by several at once with the same key, it gives one vault that all of them have open", async () => {
      const url = await database.create("migrated");
      const home = openHome(freshPath());
      const dbs = await Promise.all(Array.from({ length: 4 }, () => openDatabase({ url, home: home.path })));
      await start(await database.open(), home); // makes the key file
      const started = await Promise.all(dbs.map((db) => start(db, home)));
      assert.equal(started.filter(({ created }) => created).length, 1);
      const subkeys = new Set(started.map(({ vault }) => vault.namedKey("token").key.toString("hex")));
      assert.equal(subkeys.size, 1);
      await Promise.all(dbs.map((db) => db.close()));
      home.release();
    });

    test("made by several at once with keys of their own, it gives one vault, and the others are refused", async () => {
      const url = await database.create("migrated");
      const machines = [];
      for (let machine = 0; machine < 3; machine++) {
        const home = openHome(freshPath());
        machines.push({ home, db: await openDatabase({ url, home: home.path }) });
      }
      const results = await Promise.allSettled(machines.map(({ db, home }) => start(db, home)));
      const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
      assert.equal(refused.length, 2);
      for (const error of refused)
        assert.ok(error instanceof AppError && error.code === "vault_key_missing", String(error));
      for (const { db, home } of machines) {
        const { slots, kek_term } = await createVault({ db, home, clock: fakeClock(), options }).status();
        assert.deepEqual([slots.length, kek_term], [1, 1]);
        await db.close();
        home.release();
      }
    });
  });
}
