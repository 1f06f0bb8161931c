import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { SegmentState } from "./journal.ts";

/**
 * Brings journal files to the disk itself, for a power cut: a killed process loses nothing without it. Only what has
 * grown since the last call, and the directory when there is a new file. Rejects with the file system's error.
 *
 * Done once a second, it bounds what a power cut takes to the last second; ends are safe sooner, as soon as the
 * database has committed them.
 */
export function createSync(directory: string): (states: readonly SegmentState[]) => Promise<void> {
  let syncedBytes = new Map<string, number>();
  return async (states) => {
    const before = syncedBytes;
    const isNew = states.some(({ name }) => !before.has(name));
    for (const { name, usedBytes } of states) {
      if (usedBytes > (before.get(name) ?? 0)) await syncFile(join(directory, name));
    }
    if (isNew && process.platform !== "win32") await syncFile(directory, constants.O_RDONLY);
    syncedBytes = new Map(states.map(({ name, usedBytes }) => [name, usedBytes]));
  };
}

async function syncFile(path: string, flags: number = constants.O_RDWR): Promise<void> {
  const file = await open(path, flags).catch(ignoreDeleted);
  try {
    await file?.datasync();
  } finally {
    await file?.close();
  }
}

/** A file that was settled and deleted in the meantime is in the database, which has synced it. */
function ignoreDeleted(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
