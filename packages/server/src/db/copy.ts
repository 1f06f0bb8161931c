import { existsSync } from "node:fs";
import { sql } from "kysely";
import { AppError } from "../kernel/errors.ts";
import type { Db } from "./connect.ts";

/**
 * Writes a consistent copy of an SQLite database to the file `path`, also while a gateway uses the database. Throws
 * `wrong_usage` if the file exists, or on PostgreSQL, which has its own tools for this.
 */
export async function copyDatabase(db: Db, path: string): Promise<void> {
  if (db.engine === "postgres") {
    const advice = "use pg_dump, which knows how to copy a running server";
    throw new AppError("wrong_usage", { problem: "only an SQLite database is backed up here", advice });
  }
  if (existsSync(path))
    throw new AppError("wrong_usage", { problem: `${path} exists already`, advice: "name a new file" });
  await sql`vacuum into ${path}`.execute(db.kysely);
}
