import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, ftruncateSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A file system of its own, in memory, that a test can fill up or make read-only. */
export interface SmallDisk {
  /** Where it is mounted. */
  readonly path: string;
  /** Takes all that is left, to the last byte, or to the last but so many kilobytes. May be repeated. */
  fill(leaveKilobytes?: number): void;
  /** Gives back what `fill` has taken. */
  free(): void;
  makeReadOnly(): void;
}

/** Mounts a disk until the end of the test, or skips the test and says so. */
export function mountSmallDisk(t: TestContext, sizeKilobytes: number): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), "portcullis-disk-"));
  const problem = mount(["-t", "tmpfs", "-o", `size=${sizeKilobytes}k,mode=700`, "tmpfs", path]);
  if (problem !== undefined) {
    rmdirSync(path);
    t.skip(`NOT TESTED: no file system can be mounted here (${problem}); run the tests as root, or with CAP_SYS_ADMIN`);
    return undefined;
  }
  t.after(() => {
    spawnSync("umount", ["--lazy", path]);
    rmdirSync(path);
  });
  const filling = join(path, "filling");
  return {
    path,
    fill: (leaveKilobytes = 0) => fill(filling, leaveKilobytes * 1_024),
    free: () => rmSync(filling),
    makeReadOnly: () => assert.equal(mount(["-o", "remount,ro", path]), undefined),
  };
}

function mount(args: readonly string[]): string | undefined {
  const { status, stderr, error } = spawnSync("mount", args);
  return status === 0 ? undefined : (error?.message ?? stderr.toString().trim());
}

function fill(path: string, leaveBytes: number): void {
  const descriptor = openSync(path, "a");
  const block = Buffer.alloc(4_096, 1);
  try {
    for (;;) writeSync(descriptor, block);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, "ENOSPC");
    ftruncateSync(descriptor, Math.max(0, fstatSync(descriptor).size - leaveBytes));
  } finally {
    closeSync(descriptor);
  }
}
