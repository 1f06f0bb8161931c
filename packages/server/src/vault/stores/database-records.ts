import type { Kysely, Transaction } from "kysely";
import { AppError } from "../../kernel/errors.ts";
import type { Db, Tables } from "../../db/index.ts";
import type { RecordRef, StoredRecord, VaultStore } from "../store.ts";
import { createRowReplacer } from "./rewrapped-rows.ts";
import { changing } from "./vault-state.ts";

/** How many records one statement reads at most, where their number has no other bound. */
const pieceSize = 100;

const place = ["type", "id", "field"] as const;
const content = ["version", "kek_term", "origins", "sealed"] as const;

export function createDatabaseRecords(db: Db): Reading & Writing {
  return { ...reading(db), ...writing(db) };
}

type Reading = Pick<VaultStore, "find" | "version" | "count" | "countBelow" | "someBelow" | "list" | "all">;
type Writing = Pick<VaultStore, "put" | "rewrap" | "remove">;

function reading({ kysely }: Db): Reading {
  return {
    async find(ref) {
      const query = kysely.selectFrom("sealed_records").select(content);
      const row = await query.where((record) => record.and(placeOf(ref))).executeTakeFirst();
      return row && toRecord(row);
    },

    async version(ref) {
      const query = kysely.selectFrom("sealed_records").select("version");
      return (await query.where((record) => record.and(placeOf(ref))).executeTakeFirst())?.version ?? 0;
    },

    async count() {
      const query = kysely.selectFrom("sealed_records").select((row) => row.fn.countAll<number | string>().as("count"));
      return Number((await query.executeTakeFirstOrThrow()).count);
    },

    async countBelow(term) {
      const query = kysely.selectFrom("sealed_records").select((row) => row.fn.countAll<number | string>().as("count"));
      return Number((await query.where("kek_term", "<", term).executeTakeFirstOrThrow()).count);
    },

    async someBelow(term, limit, skip = 0) {
      const query = kysely
        .selectFrom("sealed_records")
        .select([...place, ...content])
        .where("kek_term", "<", term);
      const rows = await query.limit(limit).offset(skip).execute();
      return rows.map(({ type, id, field, version, kek_term: term, origins, sealed }) => {
        return { type: type as RecordRef["type"], id, field, version, term, origins: parseOrigins(origins), sealed };
      });
    },

    async list(type) {
      const query = kysely.selectFrom("sealed_records").select(["id", "field", "version", "kek_term", "origins"]);
      const rows = await query.select("updated_at").where("type", "=", type).orderBy("id").orderBy("field").execute();
      return rows.map(({ id, field, version, kek_term: term, origins, updated_at: updatedAt }) => {
        return { type, id, field, version, term, origins: parseOrigins(origins), updatedAt };
      });
    },

    all: () => readAll(kysely),
  };
}

function writing(db: Db): Writing {
  const replaceRows = createRowReplacer(db.engine);
  return {
    put(ref, record, nowMs) {
      return changing(db, "records", async (transaction) => {
        const stored = (await hasTerm(transaction, record.term)) && (await write(transaction, ref, record, nowMs));
        if (!stored) throw new AppError("store_conflict", { what: ref.type });
      });
    },

    rewrap(records) {
      // Alone: two instances that lock many of the same records, each in an order of its own, would wait for each other.
      return changing(db, "keys", async (transaction) => {
        for (const term of new Set(records.map(({ newTerm }) => newTerm))) {
          if (!(await hasTerm(transaction, term))) throw new AppError("store_conflict", { what: "key term" });
        }
        return replaceRows(transaction, records);
      });
    },

    remove(ref) {
      return changing(db, "records", async (transaction) => {
        const query = transaction.deleteFrom("sealed_records").where((row) => row.and(placeOf(ref)));
        return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
      });
    },
  };
}

async function* readAll(kysely: Kysely<Tables>): ReturnType<VaultStore["all"]> {
  let last: Readonly<Record<(typeof place)[number], string>> | undefined;
  for (;;) {
    let query = kysely.selectFrom("sealed_records").select([...place, ...content, "updated_at"]);
    for (const column of place) query = query.orderBy(column);
    if (last !== undefined) {
      const { type, id, field } = last;
      query = query.where((row) => row(row.refTuple(...place), ">", row.tuple(type, id, field)));
    }
    const rows = await query.limit(pieceSize).execute();
    last = rows.at(-1);
    if (last === undefined) return;
    yield rows.map((row) => ({ ...toRef(row), ...toRecord(row), updatedAt: row.updated_at }));
  }
}

/** Whether the record could be stored: the version there must be the one before it. */
async function write(
  transaction: Transaction<Tables>,
  ref: RecordRef,
  { version, term, origins, sealed }: StoredRecord,
  nowMs: number,
): Promise<boolean> {
  const values = { version, kek_term: term, sealed, origins: JSON.stringify(origins), updated_at: nowMs };
  if (version === 1) {
    const insert = transaction.insertInto("sealed_records").values({ ...placeOf(ref), ...values });
    const result = await insert.onConflict((row) => row.doNothing()).executeTakeFirstOrThrow();
    return result.numInsertedOrUpdatedRows === 1n;
  }
  const update = transaction.updateTable("sealed_records").set(values);
  const before = { ...placeOf(ref), version: version - 1 };
  return (await update.where((row) => row.and(before)).executeTakeFirstOrThrow()).numUpdatedRows === 1n;
}

/** Nothing is stored under a term that has been removed meanwhile: it would never open again. */
async function hasTerm(transaction: Transaction<Tables>, term: number): Promise<boolean> {
  const query = transaction.selectFrom("vault_terms").select("term").where("term", "=", term);
  return (await query.executeTakeFirst()) !== undefined;
}

function placeOf({ type, id, field }: RecordRef): RecordRef {
  return { type, id, field };
}

/** A type of a later version is carried along like the others: nobody here asks for it. */
function toRef({ type, id, field }: { type: string; id: string; field: string }): RecordRef {
  return { type: type as RecordRef["type"], id, field };
}

function toRecord(row: { version: number; kek_term: number; origins: string; sealed: Uint8Array }): StoredRecord {
  const { version, kek_term: term, origins, sealed } = row;
  return { version, term, origins: parseOrigins(origins), sealed };
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
