import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { link, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { sql } from "kysely";
import { AppError, describe } from "../kernel/errors.ts";
import { openDatabase, tableShapes, type Db } from "../db/index.ts";
import type { HomePath } from "../home/index.ts";

/*
 * Where a backup is restored to: a database that is not there yet, or is empty.
 *
 *   SQLite       is filled in a file beside its place, and gets its name once it is whole and on the disk. The name is
 *                given in a way that never takes one that is there.
 *   PostgreSQL   is filled in one transaction, and must hold no table.
 *
 * Killed at any instant, the place is as it was, or restored. A file that was left over is removed by the next attempt.
 */

export interface Target {
  readonly describe: string;
  /** Throws `restore_target_used`. */
  open(): Promise<Db>;
  /** Puts what was filled in place, and closes. */
  keep(): Promise<void>;
  /** Closes, and leaves nothing. */
  discard(): Promise<void>;
}

/** Whatever the address of the database says. Throws what `openDatabase` throws for it. */
export function restoreTarget(url: string, home: HomePath): Target {
  if (!url.startsWith("sqlite:")) return postgresTarget(url, home);
  const path = url === "sqlite:" ? home.file("portcullis.db") : url.slice("sqlite:".length);
  return sqliteTarget(path);
}

/** A place that is gone after the rehearsal. `directory` is for temporary files. */
export function rehearsalTarget(directory: string = tmpdir()): Target {
  let own: string | undefined;
  let inner: Target | undefined;
  const remove = async (): Promise<void> => {
    await inner?.discard();
    if (own !== undefined) await rm(own, { recursive: true, force: true });
  };
  return {
    describe: "nowhere: this was a rehearsal",
    async open() {
      own = await mkdtemp(join(directory, "portcullis-rehearsal-"));
      inner = sqliteTarget(join(own, "portcullis.db"));
      return inner.open();
    },
    keep: remove,
    discard: remove,
  };
}

/** Throws `restore_target_used` if an instance has left anything in the home that would mix with what is restored. */
export function demandEmptyHome(home: HomePath): void {
  const journal = home.file("journal");
  const waiting = existsSync(journal) ? readdirSync(journal).filter((name) => name.endsWith(".log")) : [];
  const advice = "name another home with --home, or move what lies there away";
  if (waiting.length > 0) throw new AppError("restore_target_used", { where: journal, advice });
  const vaultFile = home.file("vault.json");
  if (existsSync(vaultFile)) throw new AppError("restore_target_used", { where: vaultFile, advice });
}

function sqliteTarget(path: string): Target {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  let db: Db | undefined;
  const close = async (): Promise<void> => {
    await db?.close();
    db = undefined;
  };
  const removeFiles = async (): Promise<void> => {
    for (const suffix of suffixes) await rm(temporary + suffix, { force: true });
  };
  return {
    describe: path,
    async open() {
      for (const suffix of suffixes) {
        const advice = "name another database in `storage.url`, another home with --home, or move it away";
        if (existsSync(path + suffix)) throw new AppError("restore_target_used", { where: path + suffix, advice });
      }
      await removeLeftovers(path);
      db = await openDatabase({ url: `sqlite:${temporary}`, home: dirname(path), synchronous: "normal" });
      return db;
    },
    async keep() {
      if (db !== undefined) await sql`pragma wal_checkpoint(truncate)`.execute(db.kysely);
      await close();
      await flush(temporary);
      await link(temporary, path).catch((error: unknown) => {
        throw new AppError("file_failed", { path, verb: "put in place", problem: describe(error) }, { cause: error });
      });
      await removeFiles();
      await flushDirectory(dirname(path));
    },
    async discard() {
      await close();
      await removeFiles();
    },
  };
}

/** What SQLite keeps beside a database while it is used. */
const suffixes = ["", "-wal", "-shm", "-journal"] as const;

/** What an attempt that was killed has left. Nobody else restores here: the home is held. */
async function removeLeftovers(path: string): Promise<void> {
  const directory = dirname(path);
  const names = existsSync(directory) ? await readdir(directory) : [];
  for (const name of names) {
    if (!name.startsWith(`.${basename(path)}.`)) continue;
    if (/\.[0-9a-f-]{36}\.tmp(-wal|-shm|-journal)?$/.test(name)) await rm(join(directory, name), { force: true });
  }
}

function postgresTarget(url: string, home: HomePath): Target {
  let db: Db | undefined;
  const close = async (): Promise<void> => {
    await db?.close();
    db = undefined;
  };
  return {
    describe: "the PostgreSQL database",
    async open() {
      db = await openDatabase({ url, home: home.path });
      const [table] = await tableShapes(db.kysely.withTables<never>(), db.engine);
      if (table === undefined) return db;
      const advice = "create an empty database and name it in `storage.url`";
      throw new AppError("restore_target_used", { where: db.describe, advice });
    },
    keep: close,
    discard: close,
  };
}

async function flush(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the new name durable; Windows cannot open a directory. */
async function flushDirectory(path: string): Promise<void> {
  if (process.platform !== "win32") await flush(path);
}
