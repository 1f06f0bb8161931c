import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { migrate, openDatabase } from "../db/index.ts";
import { systemClock } from "../kernel/clock.ts";
import { listRequests } from "./queries.ts";
import { ById, endOf, keptLog, startOf, temporaryDirectory } from "./test-parts.ts";
import { openUsage } from "./usage.ts";

/** A file system of its own with a size of its own; or why there can be none here. */
function mountSmallDisk(t: TestContext, sizeKilobytes: number): string | Error {
  const path = mkdtempSync(join(tmpdir(), "portcullis-disk-"));
  const { status, stderr, error } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${sizeKilobytes}k`, "tmpfs", path]);
  t.after(() => {
    if (status === 0) spawnSync("umount", ["--lazy", path]);
    rmdirSync(path);
  });
  return status === 0 ? path : (error ?? new Error(stderr.toString().trim()));
}

/** Takes all that is left, to the last byte. */
function fill(path: string): void {
  const descriptor = openSync(path, "a");
  const block = Buffer.alloc(4_096, 1);
  try {
    for (;;) writeSync(descriptor, block);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
  } finally {
    closeSync(descriptor);
  }
}

function startMany(requests: ById, prefix: string, count: number): string[] {
  const admitted: string[] = [];
  for (let index = 0; index < count; index++) {
    try {
      requests.start(startOf(`${prefix}${index}`));
      admitted.push(`${prefix}${index}`);
    } catch (error) {
      assert.equal((error as { code?: unknown }).code, "journal_unavailable");
    }
  }
  return admitted;
}

const skipped = (error: Error): string =>
  `NOT TESTED: a small file system cannot be mounted (${error.message}); run the tests as root, or in a container with CAP_SYS_ADMIN`;

test("a full disk refuses new requests, loses none that were let in, and is got over without help", async (t) => {
  const disk = mountSmallDisk(t, 1_280);
  if (disk instanceof Error) return t.skip(skipped(disk));
  const database = { url: "sqlite:", home: temporaryDirectory(t) };
  const db = await openDatabase(database);
  t.after(() => db.close());
  await migrate(db);
  const log = keptLog();
  const usage = await openUsage({ directory: join(disk, "journal"), database, clock: systemClock, log });
  t.after(() => usage.close());
  const requests = new ById(usage);

  const before = startMany(requests, "before-", 40);
  fill(join(disk, "other"));
  const during = startMany(requests, "during-", 1_000);
  assert.ok(during.length < 1_000, "the disk is not full");
  assert.equal(usage.health().ok, false);
  for (const id of [...before, ...during]) requests.end(endOf(id));
  assert.equal(usage.health().lag_rows <= before.length + during.length, true);
  await usage.flush();
  assert.equal((await listRequests(db, { limit: 5_000 })).data.length, before.length + during.length);

  rmSync(join(disk, "other"));
  assert.equal(usage.health().ok, true);
  const after = startMany(requests, "after-", 500);
  assert.equal(after.length, 500);
  for (const id of after) requests.end(endOf(id));
  await usage.flush();
  const { data } = await listRequests(db, { limit: 5_000 });
  assert.deepEqual(data.map((row) => row.request_id).sort(), [...before, ...during, ...after].sort());
  assert.ok(data.every((row) => row.outcome === "ok"));
  assert.equal(log.lines.at(-1)?.message, "usage can be recorded again");
});

test("a disk that is full for journal and database alike loses nothing either", async (t) => {
  const disk = mountSmallDisk(t, 2_048);
  if (disk instanceof Error) return t.skip(skipped(disk));
  const database = { url: "sqlite:", home: disk };
  const db = await openDatabase(database);
  t.after(() => db.close());
  await migrate(db);
  const usage = await openUsage({ directory: join(disk, "journal"), database, clock: systemClock, log: keptLog() });
  t.after(() => usage.close());
  const requests = new ById(usage);
  const admitted = startMany(requests, "a-", 100);
  fill(join(disk, "other"));
  admitted.push(...startMany(requests, "b-", 2_000));
  for (const id of admitted) requests.end(endOf(id));
  await assert.rejects(usage.flush(), { code: "database_unavailable" });
  assert.ok(usage.health().lag_rows > 0);
  assert.match(usage.health().problem ?? "", /database/);

  rmSync(join(disk, "other"));
  await usage.flush();
  assert.deepEqual([usage.health().ok, usage.health().lag_rows, usage.health().problem], [true, 0, undefined]);
  const { data } = await listRequests(db, { limit: 5_000 });
  assert.deepEqual(data.map((row) => row.request_id).sort(), admitted.sort());
});
