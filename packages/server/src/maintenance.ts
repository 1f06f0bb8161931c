import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { DatabaseCommands, Place } from "./cli/index.ts";
import { copyDatabase, migrationStatus, openDatabase, upgrade, type Db } from "./db/index.ts";
import type { LoadedConfig } from "./config/index.ts";
import { homePath } from "./home/index.ts";
import { openLog } from "./operator-log.ts";
import { load } from "./settings.ts";

/** The `db` commands, on the database that the configuration names, whether or not a gateway runs on it. */
export function databaseCommands(place: Place): DatabaseCommands {
  async function using<Result>(act: (db: Db, loaded: LoadedConfig) => Promise<Result>): Promise<Result> {
    const loaded = load(place);
    const db = await openDatabase({ url: loaded.config.storage.url.reveal(), home: loaded.home });
    try {
      return await act(db, loaded);
    } finally {
      await db.close();
    }
  }

  return {
    status: () => using(async (db) => ({ engine: db.engine, ...(await migrationStatus(db)) })),
    migrate: () =>
      using((db, { config, home }) => {
        const backups = homePath(home).file("backups");
        return upgrade(db, { backups, keep: config.storage.backups, log: openLog(config) });
      }),
    backup: (file) =>
      using(async (db) => {
        const path = resolve(file);
        await copyDatabase(db, path);
        return { file: path, bytes: (await stat(path)).size };
      }),
  };
}
