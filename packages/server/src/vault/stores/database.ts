import type { Kysely, Transaction } from "kysely";
import { AppError } from "../../kernel/errors.ts";
import type { Db, SealedRecordsTable, Tables } from "../../db/index.ts";
import type { FullRecord } from "../store.ts";
import { createDatabaseKeys, insertSlots } from "./database-keys.ts";
import { createDatabaseRecords } from "./database-records.ts";
import { rootToJson } from "./key-json.ts";
import type { KeyImage, MovableStore } from "./movable.ts";
import { firstEpoch, locked, removeState, writeState } from "./vault-state.ts";

/** The vault in the database's own tables. */
export function createDatabaseStore(db: Db): MovableStore {
  return {
    ...createDatabaseKeys(db),
    ...createDatabaseRecords(db),

    fill(moveId, keys, records) {
      return moving(db, moveId, async (transaction) => {
        await empty(transaction);
        await insertKeys(transaction, keys);
        for await (const piece of records) {
          if (piece.length > 0) await transaction.insertInto("sealed_records").values(piece.map(toRow)).execute();
        }
      });
    },

    clear: (moveId) => moving(db, moveId, empty),
  };
}

function moving(db: Db, moveId: string, run: (transaction: Transaction<Tables>) => Promise<void>): Promise<void> {
  return locked(db, "keys", async (transaction, { place, move }) => {
    if (place?.kind !== "file" || move?.id !== moveId) throw new AppError("store_conflict", { what: "vault" });
    await run(transaction);
  });
}

async function empty(kysely: Kysely<Tables>): Promise<void> {
  for (const table of ["vault_slots", "vault_terms", "vault_named_keys", "sealed_records"] as const) {
    await kysely.deleteFrom(table).execute();
  }
  await removeState(kysely, "staged_root");
  await writeState(kysely, "epoch", String(firstEpoch));
}

async function insertKeys(kysely: Kysely<Tables>, { epoch, slots, terms, keys, staged }: KeyImage): Promise<void> {
  await insertSlots(kysely, slots);
  for (const { term, wrapped, createdAt } of terms) {
    await kysely.insertInto("vault_terms").values({ term, wrapped, created_at: createdAt }).execute();
  }
  for (const { purpose, version, wrapped, createdAt } of keys) {
    const row = { purpose, version, wrapped, created_at: createdAt };
    await kysely.insertInto("vault_named_keys").values(row).execute();
  }
  if (staged !== undefined) await writeState(kysely, "staged_root", JSON.stringify(rootToJson(staged)));
  await writeState(kysely, "epoch", String(epoch));
}

function toRow({ type, id, field, version, term, origins, sealed, updatedAt }: FullRecord): SealedRecordsTable {
  const bound = { version, kek_term: term, origins: JSON.stringify(origins) };
  return { type, id, field, ...bound, sealed, updated_at: updatedAt };
}
