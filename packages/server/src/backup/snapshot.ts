import { setTimeout as pause } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Kysely } from "kysely";
import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { migrationStatus, tableRows, tableShapes, type Db, type TableShape, type Value } from "../db/index.ts";
import { outgoingTables, vaultTables, type OutgoingTable, type VaultStore } from "../vault/index.ts";
import type { TableToWrite } from "./writer.ts";

/*
 * The database at one moment: a read-only transaction on a connection of its own, which sees nothing of what is written
 * after its beginning, and keeps nobody from writing. It is held for as long as a backup is read.
 *
 * A vault in a file is no part of that transaction. It is read before and after the transaction begins, until both are the
 * same: so what it held then is known.
 */

export interface Snapshot {
  readonly engine: string;
  readonly schema: number;
  readonly terms: OutgoingTable;
  /** The vault's tables first, in their order; then all others by name. */
  tables(): AsyncGenerator<TableToWrite>;
  /** May be called twice. */
  close(): Promise<void>;
}

export interface SnapshotSource {
  /** One more connection to the database, closed after use. */
  readonly openDatabase: () => Promise<Db>;
  /** Where the vault lies at present, if not in the database. */
  readonly vaultFile: () => VaultStore | undefined;
  readonly clock: Clock;
}

export async function openSnapshot(source: SnapshotSource): Promise<Snapshot> {
  const db = await source.openDatabase();
  try {
    for (let attempt = 1; attempt <= readAttempts; attempt++) {
      const snapshot = await begin(db, source);
      if (snapshot !== undefined) return snapshot;
      await pause(readPauseMs);
    }
    throw new AppError("store_conflict", { what: "vault" });
  } catch (error) {
    await db.close();
    throw error;
  }
}

const readAttempts = 10;
const readPauseMs = 50;

/** The record of migrations is not copied: the header says the one thing that counts in it. */
const notCopied: readonly string[] = ["migrations"];
const termsTable = "vault_terms";
const pageRows = 256;

/** `undefined` if the vault's file changed meanwhile. */
async function begin(db: Db, source: SnapshotSource): Promise<Snapshot | undefined> {
  const nowMs = source.clock.now();
  const vaultFile = source.vaultFile();
  const before = vaultFile && (await outgoingTables(vaultFile, nowMs));
  const transaction = await db.kysely
    .startTransaction()
    .setIsolationLevel("repeatable read")
    .setAccessMode("read only")
    .execute();
  const giveBack = () => transaction.rollback().execute();
  try {
    const { current: schema } = await migrationStatus({ ...db, kysely: transaction }); // the first reading fixes the moment
    const fromFile = vaultFile && (await outgoingTables(vaultFile, nowMs));
    if (!isDeepStrictEqual(before, fromFile)) {
      await giveBack();
      return undefined;
    }
    const kysely = transaction.withTables<never>();
    const shapes = (await tableShapes(kysely, db.engine)).filter(({ name }) => !notCopied.includes(name));
    const inside = { kysely, shapes, fromFile };
    return {
      engine: db.engine,
      schema,
      terms: await readTerms(inside),
      tables: () => tables(inside),
      close: closing(db, giveBack),
    };
  } catch (error) {
    await giveBack().catch(() => undefined); // the first failure is the one to report
    throw error;
  }
}

interface Inside {
  readonly kysely: Kysely<never>;
  readonly shapes: readonly TableShape[];
  /** The vault's tables, if it does not lie in the database. */
  readonly fromFile: readonly OutgoingTable[] | undefined;
}

async function readTerms({ kysely, shapes, fromFile }: Inside): Promise<OutgoingTable> {
  const found = fromFile?.find(({ name }) => name === termsTable);
  if (found !== undefined) return found;
  const shape = shapes.find(({ name }) => name === termsTable);
  if (shape === undefined) throw new Error(`the schema has no table ${termsTable}`);
  const rows: (readonly Value[])[] = [];
  for await (const page of tableRows(kysely, shape)) rows.push(...page);
  return { ...shape, rows };
}

async function* tables({ kysely, shapes, fromFile }: Inside): AsyncGenerator<TableToWrite> {
  const ofVault = ({ name }: { readonly name: string }): boolean => vaultTables.some((each) => each === name);
  for (const { rows, ...table } of fromFile ?? []) yield { ...table, rows: inPages(rows) };
  const own = shapes.filter(ofVault).toSorted((one, other) => place(one.name) - place(other.name));
  const others = shapes.filter((shape) => !ofVault(shape));
  for (const shape of fromFile === undefined ? [...own, ...others] : others) {
    yield { ...shape, rows: tableRows(kysely, shape) };
  }
}

function place(name: string): number {
  return vaultTables.findIndex((each) => each === name);
}

async function* inPages<Row>(rows: readonly Row[]): AsyncGenerator<readonly Row[]> {
  for (let from = 0; from < rows.length; from += pageRows)
    yield await Promise.resolve(rows.slice(from, from + pageRows));
}

function closing(db: Db, giveBack: () => Promise<void>): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await giveBack().catch(() => undefined); // a connection that broke has given it back already
    await db.close();
  };
  return () => (closed ??= close());
}
