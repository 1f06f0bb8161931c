import assert from "node:assert/strict";
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { fail, interruptAt, watched, type Interruption } from "../../test/support/write-steps.ts";
import { openDatabase } from "../db/index.ts";
import type { Home } from "../home/index.ts";
import { AppError } from "../kernel/errors.ts";
import { restoreTarget, saveBackup } from "./index.ts";
import {
  again,
  assertRestored,
  backUp,
  freshHome,
  furnish,
  recipient,
  restore,
  tableCount,
  withCode,
} from "./test-parts.ts";

/*
 * Each single step of writing a backup's file, and of a restore, fails: every operation on a file and every statement of
 * the database, before it is done, when half of it is, and when it is done but the answer does not come.
 */

const [sqlite] = databases.filter(({ name }) => name === "SQLite");
const sourceUrl = (await sqlite?.create("migrated")) ?? "";
const original = await openDatabase({ url: sourceUrl, home: "/nonexistent" });
test.after(() => original.close());
const vault = await furnish(original, freshHome());
const backup = await backUp(again(original, sourceUrl), vault, { recipients: [recipient] });
const bytes = readFileSync(backup);

interface Way {
  readonly done: Interruption["done"];
  readonly code: "ENOSPC" | "EIO";
}

const ways: readonly Way[] = (["nothing", "half", "all"] as const).flatMap((done) => [
  { done, code: "ENOSPC" },
  { done, code: "EIO" },
]);

/** Runs something whose n-th step fails; the steps that were taken, and what became of it. */
async function failingAt<Result>(n: number, { done, code }: Way, run: () => Promise<Result>) {
  const { watch, steps } = interruptAt(n, (step) => ({
    done: step === "close" ? "all" : done, // a file that is not closed would stay open
    end: (subject) => fail(step, code, subject),
  }));
  const [outcome] = await Promise.allSettled([watched(watch, run)]);
  const error: unknown = outcome.status === "rejected" ? outcome.reason : undefined;
  return { steps, error, isOver: steps.length < n, step: steps[n - 1] ?? "" };
}

const save = (file: string, replace: boolean) =>
  saveBackup(createReadStream(backup, { highWaterMark: 16_384 }), file, { replace });

/** Of a directory with one backup in it, or none, after a failure; whether the new backup is there. */
function isSaved(directory: string, replace: boolean): boolean {
  const file = join(directory, "nightly.age");
  const found = existsSync(file) ? readFileSync(file) : undefined;
  if (found?.equals(bytes) === true) return true;
  assert.equal(found?.toString(), replace ? "the one before" : undefined);
  return false;
}

for (const replace of [true, false]) {
  const before = replace ? "the one before" : "no file";
  test(`whichever step of writing a backup fails, there is ${before} or it is whole, and the next one is made`, async (t) => {
    const counts = { steps: 0, failures: 0, whole: 0 };
    for (const way of ways) {
      for (let [n, isOver] = [1, false]; !isOver; n++) {
        const directory = mkdtempSync(join(freshHome().path, "backups-"));
        const file = join(directory, "nightly.age");
        if (replace) writeFileSync(file, "the one before");
        const failed = await failingAt(n, way, () => save(file, replace));
        ({ isOver } = failed);
        const wasSaved = isSaved(directory, replace);
        const what = `${way.done} ${way.code} at step ${n}, ${failed.step}`;
        const hasLeft = readdirSync(directory).some((name) => name !== "nightly.age");
        if (failed.error === undefined) assert.ok(wasSaved && (isOver || failed.step === "rm"), what);
        else assert.ok(withCode("file_failed")(failed.error), `${what}: ${String(failed.error)}`);
        if (failed.step !== "rm") assert.equal(hasLeft, false, what);
        await save(file, replace || wasSaved);
        assert.equal(isSaved(directory, replace), true, what);
        counts.steps = Math.max(counts.steps, failed.steps.length);
        if (!isOver) counts.failures += 1;
        if (!isOver && wasSaved) counts.whole += 1;
      }
    }
    const { steps, failures, whole } = counts;
    t.diagnostic(
      `${failures} failures at each of ${steps} steps: ${failures - whole} left ${before}, ${whole} the new one`,
    );
    assert.ok(steps > 15 && failures === ways.length * steps, JSON.stringify(counts));
  });
}

const restoreTo = (url: string, home: Home) => restore(backup, home, restoreTarget(url, home));

async function isRestored(url: string, home: Home): Promise<boolean> {
  if (url === "sqlite:" && !existsSync(home.file("portcullis.db"))) return false;
  if (url !== "sqlite:" && (await tableCount(url)) === 0) return false;
  await assertRestored(original, url, home.path);
  return true;
}

for (const database of databases) {
  const engine = database.name === "SQLite" ? "sqlite" : "postgres";
  const place = (): Promise<string> => (engine === "sqlite" ? Promise.resolve("sqlite:") : database.create("empty"));
  for (const done of ["nothing", "all"] as const) {
    const when = done === "nothing" ? "fails" : "fails once it is done";
    test(`whichever step of a restore ${when}, ${database.name} is as it was or restored, and can be restored`, {
      skip: database.skip,
    }, async (t) => {
      const counts = { failures: 0, whole: 0 };
      let url = await place();
      for (let [n, isOver] = [1, false]; !isOver; n++) {
        const home = freshHome();
        const code = n % 2 === 0 ? "EIO" : "ENOSPC";
        const failed = await failingAt(n, { done, code }, () => restoreTo(url, home));
        ({ isOver } = failed);
        const what = `step ${n}, ${failed.step}: ${String(failed.error)}`;
        assert.ok(failed.error === undefined || failed.error instanceof AppError, what);
        const whole = await isRestored(url, home);
        if (!isOver) counts.failures += 1;
        if (!isOver && whole) counts.whole += 1;
        assert.ok(whole || !isOver, what);
        // A database takes its time to be made: on PostgreSQL it is mostly the next attempt that finds what this one left.
        const isFollowed = engine === "postgres" && failed.step === "statement";
        if (!whole && isFollowed) continue;
        if (!whole) await restoreTo(url, home);
        assert.ok(await isRestored(url, home), what);
        url = await place();
      }
      const { failures, whole } = counts;
      t.diagnostic(`${failures} steps: ${failures - whole} left it as it was, ${whole} restored`);
      assert.ok(failures > 80 && failures > whole);
    });
  }
}
