import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { databases } from "../../test/support/databases.ts";
import { mountSmallDisk } from "../../test/support/small-disk.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { openDatabase } from "../db/index.ts";
import { openHome } from "../home/index.ts";
import { restoreBackup, restoreTarget } from "./index.ts";
import {
  again,
  assertRestored,
  backUp,
  clock,
  freshHome,
  furnish,
  identity,
  recipient,
  restore,
  withCode,
} from "./test-parts.ts";

/*
 * Whatever goes wrong in a restore, and whenever: the place is as it was, or restored whole, and the next attempt succeeds.
 * What happens at each single step of it is in `steps.slow.test.ts` and `killed.slow.test.ts`.
 */

const [sqlite] = databases.filter(({ name }) => name === "SQLite");
const sourceUrl = (await sqlite?.create("migrated")) ?? "";
const original = await openDatabase({ url: sourceUrl, home: "/nonexistent" });
test.after(() => original.close());
const vault = await furnish(original, freshHome());
const backup = await backUp(again(original, sourceUrl), vault, { recipients: [recipient] });

test("a disk that fills up at any step leaves the place as it was, and with room the restore succeeds", async (t) => {
  const disk = mountSmallDisk(t, 4_096);
  if (disk === undefined) return;
  const home = openHome(join(disk.path, "home"));
  const needed = await roomFor();
  t.diagnostic(`a restore needs about ${needed} KiB`);
  let failures = 0;
  for (let left = 0; left < needed; left += Math.ceil(needed / 25)) {
    disk.fill(left);
    const outcome: unknown = await restore(backup, home).catch((error: unknown) => error);
    disk.free();
    if (!(outcome instanceof Error)) {
      await assertRestored(original, "sqlite:", home.path);
      break;
    }
    assert.ok(outcome instanceof AppError && outcome.code === "file_failed", String(outcome));
    assert.match(outcome.message, /full|space|I\/O/);
    failures += 1;
    const names = readdirSync(home.path).filter((name) => !["lock", "pid", "root.key"].includes(name));
    assert.deepEqual(names, []);
  }
  assert.ok(failures > 10, `${failures} failures`);
  if (!existsSync(home.file("portcullis.db"))) await restore(backup, home);
  await assertRestored(original, "sqlite:", home.path);
  home.release();
});

/** Twice what remains: a database and its log. */
async function roomFor(): Promise<number> {
  const home = freshHome();
  await restore(backup, home);
  return Math.ceil((statSync(home.file("portcullis.db")).size * 2) / 1_024);
}

for (const database of databases) {
  const kills = database.name === "SQLite" ? 8 : 4; // at any instant, also within a step
  test(`${kills} times kill -9 during a restore: ${database.name} is as it was or restored, and the next attempt succeeds`, {
    skip: database.skip,
  }, async (t) => {
    const path = freshHome().path;
    let [cut, whole] = [0, 0];
    const aloneMs = await wholeRestoreMs(
      join(path, "whole"),
      database.name === "SQLite" ? "sqlite:" : await database.create("empty"),
    );
    for (let kill = 0; kill < kills; kill++) {
      const home = join(path, `home-${kill}`);
      const url = database.name === "SQLite" ? "sqlite:" : await database.create("empty");
      if ((await killedAfter(home, url, (kill / kills) * aloneMs * 1.2)) === "restored") whole += 1;
      else cut += 1;
      const held = openHome(home);
      await restore(backup, held, restoreTarget(url, held)).catch((error: unknown) => {
        if (!withCode("restore_target_used")(error)) throw error; // the killed one had finished
      });
      held.release();
      await assertRestored(original, url, home);
      assert.deepEqual(
        readdirSync(home).filter((name) => name.includes(".tmp")),
        [],
      );
    }
    t.diagnostic(`${cut} cut short, ${whole} finished`);
    assert.ok(cut > 0);
  });
}

async function wholeRestoreMs(home: string, url: string): Promise<number> {
  const child = restoring(home, url);
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  const begun = performance.now();
  assert.deepEqual(await ended, [0, null]);
  return performance.now() - begun;
}

/** Restores in a process of its own, which is killed so long after it began. */
async function killedAfter(home: string, url: string, delayMs: number): Promise<"restored" | "killed"> {
  const child = restoring(home, url);
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  const ended = once(child, "exit");
  await once(child.stdout, "data");
  await pause(delayMs);
  child.kill("SIGKILL");
  await ended;
  return said.includes("restored") ? "restored" : "killed";
}

/** Says `begun` once it holds the home, and `restored` at the end. */
function restoring(home: string, url: string) {
  const modules = ["./index.ts", "../home/index.ts", "../kernel/secret.ts", "../kernel/clock.ts"];
  const [index, homes, secret, clocks] = modules.map((name) => new URL(name, import.meta.url).href);
  const script = join(freshHome().path, "restore.mts");
  writeFileSync(
    script,
    `import { restoreBackup, restoreTarget } from ${JSON.stringify(index)};
     import { openHome } from ${JSON.stringify(homes)};
     import { Secret } from ${JSON.stringify(secret)};
     import { systemClock } from ${JSON.stringify(clocks)};
     const [homeDirectory, url, file, identity] = process.argv.slice(2);
     const home = openHome(homeDirectory);
     console.log("begun");
     await restoreBackup({
       file,
       target: restoreTarget(url, home),
       opener: async () => ({ identities: [new Secret(identity)] }),
       opening: { unlocker: "key-file", keyFile: home.file("root.key") },
       dryRun: false,
       clock: systemClock,
     });
     console.log("restored");`,
  );
  return spawn(process.execPath, [script, home, url, backup, identity], { stdio: ["ignore", "pipe", "inherit"] });
}

test("a wrong identity and a file that is none are told in one clear way, and nothing is made", async () => {
  const home = freshHome();
  const other = new Secret(`AGE-SECRET-KEY-1${"Q".repeat(58)}`);
  const attempt = (file: string) =>
    restoreBackup({
      file,
      target: restoreTarget("sqlite:", home),
      opener: () => Promise.resolve({ identities: [other] }),
      opening: { unlocker: "key-file", keyFile: home.file("root.key") },
      dryRun: false,
      clock,
    });
  await assert.rejects(attempt(backup), withCode("wrong_usage"));
  await assert.rejects(attempt(join(home.path, "none.age")), withCode("file_failed"));
  assert.deepEqual(
    readdirSync(home.path).filter((name) => !["lock", "pid"].includes(name)),
    [],
  );
});
