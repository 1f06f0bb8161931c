import { AppError } from "../kernel/errors.ts";
import type { Db } from "../db/index.ts";

/** Names one sealed value: a field of an object. */
export interface RecordRef {
  readonly type: "credential" | "secret";
  readonly id: string;
  readonly field: string;
}

/** A row as the database has it. Nothing in it is to be believed before its sealed bytes have opened under it. */
export interface StoredRecord {
  readonly version: number;
  readonly term: number;
  readonly origins: readonly string[];
  readonly sealed: Uint8Array;
}

/** Keeps sealed bytes; sees no key and no value. */
export interface RecordStore {
  find(ref: RecordRef): Promise<StoredRecord | undefined>;
  /** 0 if there is no such record. */
  version(ref: RecordRef): Promise<number>;
  /** Stores the record if the version stored now is its own less one; else `store_conflict`. */
  put(ref: RecordRef, record: StoredRecord, nowMs: number): Promise<void>;
  /** Whether there was one. */
  remove(ref: RecordRef): Promise<boolean>;
  count(): Promise<number>;
}

export function createRecordStore({ kysely }: Db): RecordStore {
  const rowOf = ({ type, id, field }: RecordRef) => ({ type, id, field });

  return {
    async find(ref) {
      const query = kysely.selectFrom("sealed_records").select(["version", "kek_term", "origins", "sealed"]);
      const row = await query.where((row) => row.and(rowOf(ref))).executeTakeFirst();
      if (row === undefined) return undefined;
      const { version, kek_term: term, sealed } = row;
      return { version, term, sealed, origins: parseOrigins(row.origins) };
    },

    async version(ref) {
      const query = kysely.selectFrom("sealed_records").select("version");
      return (await query.where((row) => row.and(rowOf(ref))).executeTakeFirst())?.version ?? 0;
    },

    async put(ref, { version, term, origins, sealed }, nowMs) {
      const values = { version, kek_term: term, sealed, origins: JSON.stringify(origins), updated_at: nowMs };
      if (version === 1) {
        const insert = kysely.insertInto("sealed_records").values({ ...rowOf(ref), ...values });
        const { numInsertedOrUpdatedRows } = await insert
          .onConflict((row) => row.doNothing())
          .executeTakeFirstOrThrow();
        if (numInsertedOrUpdatedRows === 1n) return;
      } else {
        const update = kysely
          .updateTable("sealed_records")
          .set(values)
          .where("version", "=", version - 1);
        const { numUpdatedRows } = await update.where((row) => row.and(rowOf(ref))).executeTakeFirstOrThrow();
        if (numUpdatedRows === 1n) return;
      }
      throw new AppError("store_conflict", { what: ref.type });
    },

    async remove(ref) {
      const query = kysely.deleteFrom("sealed_records").where((row) => row.and(rowOf(ref)));
      return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
    },

    async count() {
      const query = kysely.selectFrom("sealed_records").select((row) => row.fn.countAll<number | string>().as("count"));
      return Number((await query.executeTakeFirstOrThrow()).count);
    },
  };
}

/** Anything but a list of strings becomes a list that was never sealed, so the record does not open. */
function parseOrigins(text: string): readonly string[] {
  const unreadable = ["\0"];
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((each) => typeof each === "string") ? value : unreadable;
  } catch {
    return unreadable;
  }
}
