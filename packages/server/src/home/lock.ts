import { chmodSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { AppError } from "../kernel/errors.ts";
import type { HomePath } from "./directory.ts";
import { fileFailed } from "./ownership.ts";

/*
 * One process per home. The lock is the operating system's advisory file lock, reached through SQLite's write lock on
 * an empty database named `lock`. So it ends with its process, however that ends: there is no stale lock to recognise,
 * no question whether a pid was given to another program meanwhile, and no moment at which two starters could both
 * take over a dead one's lock.
 *
 * The file `pid` beside it names the holder for the error message and decides nothing. It is a file of its own because
 * on POSIX a process that opens and closes a file loses its locks on it: nothing but SQLite may ever open `lock`.
 */

const sqliteBusy = 5;

/** Takes the lock or throws `home_in_use`; returns its release, which may be called twice. */
export function takeLock(home: HomePath): () => void {
  const path = home.file("lock");
  const database = openLockFile(path, home);
  try {
    chmodSync(path, 0o600);
    const temporary = home.file("pid.tmp");
    writeFileSync(temporary, `${process.pid}\n`, { mode: 0o600 });
    renameSync(temporary, home.file("pid"));
  } catch (error) {
    database.close();
    throw fileFailed(home.path, "written", error);
  }
  return () => {
    if (!database.isOpen) return;
    rmSync(home.file("pid"), { force: true });
    database.close();
  };
}

function openLockFile(path: string, home: HomePath): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: 0 });
    // The write lock alone: the exclusive one is taken in steps, at which two starters can turn each other away. And no
    // journal file, which a killed process would leave for the next one to play back under that exclusive lock.
    database.exec("PRAGMA journal_mode = MEMORY; BEGIN IMMEDIATE");
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof Error && "errcode" in error && error.errcode === sqliteBusy) {
      throw new AppError("home_in_use", { home: home.path, pid: holder(home) });
    }
    const problem = error instanceof Error ? error.message : String(error);
    throw new AppError("file_failed", { path, verb: "locked", problem }, { cause: error });
  }
}

/** The holder has the lock an instant before its name is written: then there is no name to give. */
function holder(home: HomePath): string {
  try {
    return /^\d+$/.exec(readFileSync(home.file("pid"), "utf8").trim())?.[0] ?? "unknown";
  } catch {
    return "unknown";
  }
}
