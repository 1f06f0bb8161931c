import { randomUUID } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { link, open, rename, rm, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../kernel/errors.ts";
import { errorCode, fileFailed, foreignOwner, quoted } from "./ownership.ts";

/*
 * Files that hold keys and tokens. They are read only if they are plain files of our own with mode 0600 or 0400 (or a
 * credential that systemd lays out for the service), and they come into being whole: written to a temporary file in the
 * same directory, flushed, and put in place in one step. A crash at any instant leaves the old content, or the new, or
 * none; never a part. A failed flush is an error, because the data may be gone while the file looks well.
 */

/** More than any key or token has. */
const usualLimitBytes = 64 * 1024;

/**
 * Reads a private file. `undefined` means that there is none; a file that is there but must not be trusted is
 * `file_unsafe`, with the command that mends it. The bytes lie outside Node's shared pool and the collected heap: the caller may wipe them.
 */
export async function readPrivateFile(path: string, limitBytes = usualLimitBytes): Promise<Buffer | undefined> {
  const file = await openForReading(path);
  if (file === undefined) return undefined;
  try {
    const sizeBytes = await checkFile(file, path, limitBytes);
    const bytes = Buffer.from(new ArrayBuffer(sizeBytes));
    let filled = 0;
    while (filled < sizeBytes) {
      const { bytesRead } = await file.read(bytes, filled, sizeBytes - filled, filled);
      if (bytesRead === 0) throw new AppError("file_failed", { path, verb: "read", problem: "it changed meanwhile" });
      filled += bytesRead;
    }
    return bytes;
  } catch (error) {
    throw error instanceof AppError ? error : fileFailed(path, "read", error);
  } finally {
    await file.close();
  }
}

/** Replaces the content of a private file, or creates it, in one step. */
export async function writePrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  await place(path, bytes, (temporary) => rename(temporary, path));
}

/** Creates a private file that is not there yet. One that is there stays as it is: `file_unsafe`. */
export async function createPrivateFile(path: string, bytes: Uint8Array): Promise<void> {
  await place(path, bytes, async (temporary) => {
    await link(temporary, path); // unlike rename, this never replaces
    await rm(temporary);
  });
}

/** Whether a directory entry is a temporary file of this module. */
export function isTemporaryName(name: string): boolean {
  return /^\..+\.[0-9a-f-]{36}\.tmp$/.test(name);
}

async function place(path: string, bytes: Uint8Array, putInPlace: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await writeNew(temporary, bytes);
    await putInPlace(temporary);
    await flushDirectory(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined); // the first failure is the one to report
    if (errorCode(error) === "EEXIST") {
      const fix = "move it away first; it is never overwritten";
      throw new AppError("file_unsafe", { path, problem: "exists already", fix }, { cause: error });
    }
    throw fileFailed(path, "written", error);
  }
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.chmod(0o600); // a umask may have taken more than we asked for
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a new name durable. Windows cannot open a directory; there the file system's journal does this. */
async function flushDirectory(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const directory = await open(path, constants.O_RDONLY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function openForReading(path: string): Promise<FileHandle | undefined> {
  try {
    // O_NONBLOCK: a pipe put there instead of a file must not hang the start.
    return await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    if (errorCode(error) === "ELOOP") {
      throw new AppError("file_unsafe", {
        path,
        problem: "is a symbolic link",
        fix: "put the file itself in its place",
      });
    }
    throw fileFailed(path, "read", error);
  }
}

/** Judges the open file, not its name, so that nothing can be exchanged in between. Returns its size. */
async function checkFile(file: FileHandle, path: string, limitBytes: number): Promise<number> {
  const stat = await file.stat();
  if (!stat.isFile()) {
    throw new AppError("file_unsafe", { path, problem: "is not a plain file", fix: "put a plain file in its place" });
  }
  if (!isSystemdCredential(stat)) checkAccess(stat, path);
  if (stat.size > limitBytes) {
    const problem = `is larger than ${limitBytes} bytes`;
    throw new AppError("file_unsafe", { path, problem, fix: "put the right file in its place" });
  }
  return stat.size;
}

function checkAccess(stat: Stats, path: string): void {
  const owner = foreignOwner(stat.uid);
  if (owner !== undefined) {
    const fix = `sudo chown ${owner.wanted} ${quoted(path)}`;
    throw new AppError("file_unsafe", { path, problem: owner.problem, fix });
  }
  const mode = stat.mode & 0o777;
  if (mode !== 0o600 && mode !== 0o400 && process.platform !== "win32") {
    const problem = `has mode 0${mode.toString(8).padStart(3, "0")} instead of 0600`;
    throw new AppError("file_unsafe", { path, problem, fix: `chmod 600 ${quoted(path)}` });
  }
}

/**
 * systemd's LoadCredential= lays a file out as root's, read-only, and lets the service's user read it by an access list,
 * whose mask shows as the group's bits (systemd.exec(5), "Credentials"). Nobody but root can have made such a file.
 */
function isSystemdCredential(stat: Stats): boolean {
  return stat.uid === 0 && stat.gid === 0 && (stat.mode & 0o777) === 0o440;
}
