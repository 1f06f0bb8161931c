import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { DatabaseCommands, Place } from "./cli/index.ts";
import { copyDatabase, migrate, migrationStatus, openDatabase, type Db } from "./db/index.ts";
import { load } from "./settings.ts";

/** The `db` commands, on the database that the configuration names, whether or not a gateway runs on it. */
export function databaseCommands(place: Place): DatabaseCommands {
  async function using<Result>(act: (db: Db) => Promise<Result>): Promise<Result> {
    const { config, home } = load(place);
    const db = await openDatabase({ url: config.storage.url.reveal(), home });
    try {
      return await act(db);
    } finally {
      await db.close();
    }
  }

  return {
    status: () => using(async (db) => ({ engine: db.engine, ...(await migrationStatus(db)) })),
    migrate: () => using((db) => migrate(db)),
    backup: (file) =>
      using(async (db) => {
        const path = resolve(file);
        await copyDatabase(db, path);
        return { file: path, bytes: (await stat(path)).size };
      }),
  };
}
