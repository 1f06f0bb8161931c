import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { openDatabase } from "../db/index.ts";
import { openHome } from "../home/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { Secret } from "../kernel/secret.ts";
import { createVault } from "../vault/index.ts";
import { createProviders, predefinedProviders } from "./index.ts";
import { sourcesOf } from "./test-parts.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-rotation-"));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;

const rootKey = Buffer.alloc(32, 7).toString("base64");
const origin = "https://api.groq.com:443";
const oldKey = "sk-canary-old-key-0001";
const newKey = "sk-canary-new-key-0002";

async function open(url: string) {
  const db = await openDatabase({ url, home: "/nonexistent" });
  const home = openHome(join(base, String(count++)));
  const options = { unlocker: "auto", environmentKey: new Secret(rootKey) } as const;
  const vault = createVault({ db, home, clock: systemClock, options });
  await vault.start();
  const declared = { file: "portcullis.yaml", providers: [] };
  const parts = { db, clock: systemClock, vault, predefined: predefinedProviders, declared };
  const providers = await createProviders({ ...parts, environment: new Map(), sources: sourcesOf(new Map()) });
  const close = async (): Promise<void> => {
    vault.seal();
    home.release();
    await db.close();
  };
  return { credentials: providers.credentials, close };
}

/** Does it in a process of its own, which is killed at the n-th statement that it then sends to the database. */
async function doAndKill(url: string, id: string, work: "rotate" | "rollBack", statement: number): Promise<boolean> {
  const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href);
  const call =
    work === "rotate"
      ? `rotate(${JSON.stringify(id)}, new Secret(${JSON.stringify(newKey)}), { overlapMs: 3_600_000 })`
      : `rollBack(${JSON.stringify(id)}, new Secret(${JSON.stringify(newKey)}), async () => undefined)`;
  const code = `
    import { openDatabase } from ${module("../db/index.ts")};
    import { openHome } from ${module("../home/index.ts")};
    import { systemClock } from ${module("../kernel/clock.ts")};
    import { Secret } from ${module("../kernel/secret.ts")};
    import { createVault } from ${module("../vault/index.ts")};
    import { createProviders, predefinedProviders } from ${module("./index.ts")};
    const opened = await openDatabase({ url: ${JSON.stringify(url)}, home: "/nonexistent" });
    let sent = Number.NEGATIVE_INFINITY;
    const killer = {
      transformQuery({ node }) {
        if (++sent === ${statement}) process.kill(process.pid, "SIGKILL");
        return node;
      },
      transformResult: async ({ result }) => result,
    };
    const db = { ...opened, kysely: opened.kysely.withPlugin(killer) };
    const home = openHome(${JSON.stringify(join(base, String(count++)))});
    const options = { unlocker: "auto", environmentKey: new Secret(${JSON.stringify(rootKey)}) };
    const vault = createVault({ db, home, clock: systemClock, options });
    await vault.start();
    const sources = { resolve: async () => new Secret(""), cached: () => undefined, forget: () => undefined };
    const declared = { file: "portcullis.yaml", providers: [] };
    const parts = { db, clock: systemClock, vault, predefined: predefinedProviders, declared };
    const { credentials } = await createProviders({ ...parts, environment: new Map(), sources });
    sent = 0;
    await credentials.${call};
    process.exit(0);`;
  const child = spawn(process.execPath, ["--input-type=module", "--no-warnings", "--eval", code], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [exit, signal] = (await once(child, "exit")) as [number | null, string | null];
  assert.ok(exit === 0 || signal === "SIGKILL", `exit ${exit}, signal ${signal}`);
  return signal === "SIGKILL";
}

for (const database of databases) {
  for (const work of ["rotate", "rollBack"] as const) {
    test(`killed at any statement of ${work === "rotate" ? "a rotation" : "a roll-back"}, one of the keys is in force (${database.name})`, {
      skip: database.skip,
    }, async () => {
      const found: string[] = [];
      for (let statement = 1, killed = true; killed; statement++) {
        const url = await database.create("migrated");
        const before = await open(url);
        const { id } = await before.credentials.add("groq", new Secret(oldKey));
        if (work === "rollBack") await before.credentials.rotate(id, new Secret(newKey), { overlapMs: 3_600_000 });
        await before.close();
        killed = await doAndKill(url, id, work, statement);
        const { credentials, close } = await open(url);
        const record = credentials.choose("groq");
        assert.equal(record?.id, id);
        assert.ok(record);
        const key = (await credentials.open(record, origin)).reveal();
        found.push(key);
        await credentials.loadOverlaps();
        await credentials.rotate(id, new Secret("sk-canary-last-key-0003"), { overlapMs: 3_600_000 });
        assert.equal(credentials.overlapOf(id)?.lastFour, key.slice(-4), "and it can be rotated again");
        await close();
      }
      const [first, last] = work === "rotate" ? [oldKey, newKey] : [newKey, oldKey];
      assert.deepEqual(
        found,
        found.toSorted((one, other) => Number(one !== first) - Number(other !== first)),
      );
      assert.deepEqual([found[0], found.at(-1)], [first, last]);
      console.log(`${work}: killed at ${found.length - 1} statements (${database.name}), 0 keys lost`);
    });
  }
}
