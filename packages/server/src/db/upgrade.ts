import { mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { isoTime, systemClock, type Clock } from "../kernel/clock.ts";
import { AppError, describe } from "../kernel/errors.ts";
import type { Log } from "../kernel/log.ts";
import type { Db } from "./connect.ts";
import { copyDatabase } from "./copy.ts";
import { migrate, migrationStatus, type MigrationResult } from "./migrate.ts";
import type { Migration } from "./migrations/migration.ts";

interface UpgradeOptions {
  /** Where copies are put; made (0700) when the first is. */
  readonly backups: string;
  /** How many copies stay there, the newest. */
  readonly keep: number;
  readonly log: Log;
  readonly clock?: Clock;
  readonly migrations?: readonly Migration[];
}

interface UpgradeResult extends MigrationResult {
  /** The copy that was made first; `undefined` if nothing was to be done, the database was empty, or it is PostgreSQL. */
  readonly backup: string | undefined;
}

/**
 * Migrates a database that is kept: there is no way back from a migration but a copy made before it, so an SQLite database
 * that holds anything is copied first, to `portcullis-<schema>-<time>.db`.
 *
 * Throws `backup_failed` if it cannot be; nothing is migrated then. And what `migrate` throws.
 */
export async function upgrade(db: Db, options: UpgradeOptions): Promise<UpgradeResult> {
  const { backups, keep, log, clock = systemClock, migrations } = options;
  const { current, pending } = await migrationStatus(db, migrations);
  let backup: string | undefined;
  if (current > 0 && pending.length > 0) backup = await backUp(db, current, { backups, log, clock });
  const done = await migrate(db, migrations === undefined ? { clock } : { clock, migrations });
  if (done.applied.length > 0) log.info({ from: done.from, to: done.to }, "the database schema is up to date");
  if (backup !== undefined) await prune(backups, keep);
  return { ...done, backup };
}

async function backUp(
  db: Db,
  schema: number,
  { backups, log, clock }: { readonly backups: string; readonly log: Log; readonly clock: Clock },
): Promise<string | undefined> {
  const name = `portcullis-${String(schema).padStart(4, "0")}-${compactTime(clock.now())}`;
  if (db.engine === "postgres") {
    const command = `pg_dump --format=custom --file=${name}.dump '${db.describe}'`;
    log.warn({ command }, "a PostgreSQL database is upgraded without a copy; this command makes one beforehand");
    return undefined;
  }
  const path = join(backups, `${name}.db`);
  try {
    await mkdir(backups, { recursive: true, mode: 0o700 });
    await copyDatabase(db, path);
  } catch (error) {
    throw new AppError("backup_failed", { path, problem: describe(error) }, { cause: error });
  }
  log.info({ path, schema }, "the database was copied before its upgrade");
  return path;
}

/** `20260131T080000001Z`: sorts by time, and stands in file names everywhere. */
function compactTime(ms: number): string {
  return isoTime(ms).replaceAll(/[-:.]/g, "");
}

const copyName = /^portcullis-\d{4,}-(\d{8}T\d{9}Z)\.db$/;
const unfinishedName = /^\.portcullis-.*\.tmp$/;

/** Removes what is older than the newest `keep` copies, and what copying that was broken off has left. */
async function prune(directory: string, keep: number): Promise<void> {
  const names = await readdir(directory);
  const timeOf = (name: string): string => copyName.exec(name)?.[1] ?? "";
  const copies = names
    .filter((name) => copyName.test(name))
    .toSorted((one, other) => (timeOf(one) < timeOf(other) ? 1 : -1));
  for (const name of [...copies.slice(keep), ...names.filter((each) => unfinishedName.test(each))]) {
    await rm(join(directory, name), { force: true });
  }
}
