import { chmodSync, lstatSync, mkdirSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { AppError } from "../kernel/errors.ts";
import { takeLock } from "./lock.ts";
import { errorCode, fileFailed, foreignOwner, quoted } from "./ownership.ts";
import { isTemporaryName } from "./private-file.ts";

/** The state directory seen from outside: where files would be. Nothing is created, checked or locked. */
export interface HomePath {
  /** Absolute. */
  readonly path: string;
  /** The path of a direct member; a name that would lead elsewhere is a `TypeError`. */
  file(name: string): string;
}

/** The state directory, held by this process alone until `release()` or the end of the process. */
export interface Home extends HomePath {
  release(): void;
}

export function homePath(path: string): HomePath {
  const absolute = resolve(path);
  return {
    path: absolute,
    file(name) {
      if (!/^[\w.-]+$/.test(name) || name === "." || name === "..") throw new TypeError(`not a file name: ${name}`);
      return join(absolute, name);
    },
  };
}

/**
 * Opens the state directory, creating it (0700, whatever the umask) if it is absent.
 *
 * Errors: `file_unsafe` if it is a symbolic link, no directory, somebody else's, or open to others (nothing is repaired
 * silently: what lay open may have been read); `home_in_use` if another process holds it; `file_failed` if the file
 * system refuses.
 */
export function openHome(path: string): Home {
  const home = homePath(path);
  createDirectory(home.path);
  checkDirectory(home.path);
  const release = takeLock(home);
  removeTemporaries(home.path);
  return { ...home, release };
}

function createDirectory(path: string): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    makeDirectory(path);
  } catch (error) {
    throw fileFailed(path, "created", error);
  }
}

/**
 * Only a directory made here is given its mode: what someone else put there meanwhile is for the check to judge. Not
 * recursive, because that says of a read-only file system that there is no such directory.
 */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errorCode(error) === "EEXIST") return;
    throw error;
  }
  chmodSync(path, 0o700);
}

function checkDirectory(path: string): void {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) {
    const fix = `name the directory itself: --home ${quoted(linkTarget(path))}`;
    throw new AppError("file_unsafe", { path, problem: "is a symbolic link", fix });
  }
  if (!stat.isDirectory()) {
    throw new AppError("file_unsafe", { path, problem: "is not a directory", fix: "choose another with --home" });
  }
  const owner = foreignOwner(stat.uid);
  if (owner !== undefined) {
    throw new AppError("file_unsafe", {
      path,
      problem: owner.problem,
      fix: `sudo chown -R ${owner.wanted} ${quoted(path)}`,
    });
  }
  const mode = stat.mode & 0o777;
  if (mode !== 0o700 && process.platform !== "win32") {
    const problem =
      (mode & 0o077) === 0 ? "is not fully accessible to its owner" : "is open to other users of this machine";
    throw new AppError("file_unsafe", { path, problem, fix: `chmod 700 ${quoted(path)}` });
  }
}

function linkTarget(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return "PATH"; // a dangling link: there is nothing to name
  }
}

/** A process killed in the middle of a replacement leaves its temporary file; holding the lock, we know nobody is at it. */
function removeTemporaries(path: string): void {
  for (const name of readdirSync(path)) {
    if (isTemporaryName(name)) rmSync(join(path, name), { force: true });
  }
}
