import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  createReadStream,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { BackupChildOptions } from "../../test/support/backup-child.ts";
import { databases } from "../../test/support/databases.ts";
import { interruptAt, watched } from "../../test/support/write-steps.ts";
import { openDatabase } from "../db/index.ts";
import { openHome } from "../home/index.ts";
import { restoreTarget, saveBackup } from "./index.ts";
import {
  again,
  assertRestored,
  backUp,
  freshHome,
  furnish,
  identity,
  recipient,
  restore,
  tableCount,
} from "./test-parts.ts";

/*
 * kill -9 at each single step of writing a backup's file, and of a restore: before every operation on a file and every
 * statement of the database, and in the middle of every write.
 */

const child = await bundled(fileURLToPath(new URL("../../test/support/backup-child.ts", import.meta.url)));
const [sqlite] = databases.filter(({ name }) => name === "SQLite");
const sourceUrl = (await sqlite?.create("migrated")) ?? "";
const original = await openDatabase({ url: sourceUrl, home: "/nonexistent" });
test.after(() => original.close());
const vault = await furnish(original, freshHome());
const backup = await backUp(again(original, sourceUrl), vault, { recipients: [recipient] });
const bytes = readFileSync(backup);

interface Kill {
  readonly killAt: number;
  readonly done: "nothing" | "half";
  readonly step: string;
}

/** Every step that `run` takes, to be killed at: before it, and in the middle of it if it is a write. */
async function killsOf(run: () => Promise<unknown>): Promise<readonly Kill[]> {
  const { watch, steps } = interruptAt(0, () => assert.fail());
  await watched(watch, run);
  return steps.flatMap((step, index) => {
    const kill = { killAt: index + 1, done: "nothing", step } as const;
    return step.startsWith("write") ? [kill, { ...kill, done: "half" }] : [kill];
  });
}

async function runAndKill(options: BackupChildOptions): Promise<void> {
  const running = spawn(process.execPath, [child, JSON.stringify(options)], { stdio: ["ignore", "ignore", "inherit"] });
  assert.deepEqual(await once(running, "exit"), [null, "SIGKILL"], JSON.stringify(options));
}

/** As one file: hundreds of processes begin by reading it. */
async function bundled(entry: string): Promise<string> {
  const directory = freshHome().path;
  const dependencies = fileURLToPath(new URL("../../../../node_modules", import.meta.url));
  symlinkSync(dependencies, join(directory, "node_modules"), "junction");
  const outfile = join(directory, "child.mjs");
  await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", packages: "external" });
  return outfile;
}

/** Three at once: a process spends most of its time with its start. */
async function inLanes<Item>(items: readonly Item[], run: (item: Item, lane: number) => Promise<void>): Promise<void> {
  const left = items.values();
  const lane = async (number: number): Promise<void> => {
    for (const item of left) await run(item, number);
  };
  await Promise.all([0, 1, 2].map(lane));
}

const save = (file: string, replace: boolean) =>
  saveBackup(createReadStream(backup, { highWaterMark: 16_384 }), file, { replace });

for (const replace of [true, false]) {
  const before = replace ? "the one before" : "no file";
  test(`killed at any step of writing a backup, there is ${before} or it is whole, and the next one is made`, async (t) => {
    const counts = { before: 0, whole: 0, left: 0 };
    const elsewhere = freshHome().path;
    const kills = await killsOf(() => save(join(elsewhere, "nightly.age"), replace));
    await inLanes(kills, async ({ killAt, done, step }) => {
      const directory = mkdtempSync(join(freshHome().path, "backups-"));
      const file = join(directory, "nightly.age");
      if (replace) writeFileSync(file, "the one before");
      await runAndKill({ action: "save", source: backup, file, replace, killAt, done });
      const found = existsSync(file) ? readFileSync(file) : undefined;
      const isWhole = found?.equals(bytes) === true;
      if (!isWhole)
        assert.equal(found?.toString(), replace ? "the one before" : undefined, `${done} ${killAt} ${step}`);
      counts[isWhole ? "whole" : "before"] += 1;
      const left = readdirSync(directory).filter((name) => name !== "nightly.age");
      assert.ok(left.length <= 1 && left.every((name) => /^\.nightly\.age\.[0-9a-f-]{36}\.tmp$/.test(name)));
      counts.left += left.length;
      await save(file, replace || isWhole);
      assert.ok(readFileSync(file).equals(bytes));
    });
    t.diagnostic(
      `${kills.length} kills: ${counts.before} left ${before}, ${counts.whole} the new one; ${counts.left} a temporary file`,
    );
    assert.ok(counts.before > 10 && counts.whole > 1);
  });
}

for (const database of databases) {
  const isSqlite = database.name === "SQLite";
  const place = (): Promise<string> => (isSqlite ? Promise.resolve("sqlite:") : database.create("empty"));

  test(`killed at any step of a restore, ${database.name} is as it was or restored, and can be restored`, {
    skip: database.skip,
  }, async (t) => {
    const counts = { before: 0, whole: 0 };
    const home = freshHome();
    const target = restoreTarget(await place(), home);
    const all = await killsOf(() => restore(backup, home, target));
    // PostgreSQL sees no more of a kill than the end of a connection, which the tests of failing steps cut at each one.
    const kills = isSqlite ? all : all.filter(({ step }, index) => step !== "statement" || index % 5 === 0);
    const urls = await Promise.all([0, 1, 2].map(place));
    await inLanes(kills, async ({ killAt, done, step }, lane) => {
      const what = `${done} ${killAt} ${step}`;
      const url = urls[lane] ?? assert.fail();
      const path = join(freshHome().path, "restored");
      await runAndKill({ action: "restore", file: backup, identity, url, home: path, killAt, done });
      const isThere = isSqlite ? existsSync(join(path, "portcullis.db")) : (await tableCount(url)) > 0;
      counts[isThere ? "whole" : "before"] += 1;
      const held = openHome(path);
      try {
        if (!isThere) await restore(backup, held, restoreTarget(url, held));
        await assertRestored(original, url, path);
      } finally {
        held.release();
      }
      if (!isThere)
        assert.deepEqual(
          readdirSync(path).filter((name) => name.includes(".tmp")),
          [],
          what,
        );
      urls[lane] = await place();
    });
    t.diagnostic(
      `${kills.length} kills at ${all.length} steps: ${counts.before} left it as it was, ${counts.whole} restored`,
    );
    assert.ok(counts.before > 20);
  });
}
