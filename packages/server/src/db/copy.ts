import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { sql } from "kysely";
import { AppError } from "../kernel/errors.ts";
import type { Db } from "./connect.ts";

/**
 * Writes a consistent copy of an SQLite database to the file `path` (mode 0600), also while a gateway uses the database.
 * The file is there once it is whole and on the disk, and not before.
 *
 * Throws `wrong_usage` if the file exists, or on PostgreSQL, which has its own tools for this; else what SQLite or the
 * file system says.
 */
export async function copyDatabase(db: Db, path: string): Promise<void> {
  if (db.engine === "postgres") {
    const advice = "use pg_dump, which knows how to copy a running server";
    throw new AppError("wrong_usage", { problem: "only an SQLite database is backed up here", advice });
  }
  if (existsSync(path))
    throw new AppError("wrong_usage", { problem: `${path} exists already`, advice: "name a new file" });
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    await (await open(temporary, "wx", 0o600)).close(); // SQLite fills an empty file, and leaves its mode as it is
    await sql`vacuum into ${temporary}`.execute(db.kysely);
    await flush(temporary);
    await rename(temporary, path);
    if (process.platform !== "win32") await flush(dirname(path)); // Windows cannot open a directory
  } finally {
    await rm(temporary, { force: true });
  }
}

async function flush(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
