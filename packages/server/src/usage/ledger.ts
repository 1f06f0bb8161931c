import type { CompiledQuery, InsertObject, Transaction } from "kysely";
import { isUniqueViolation, type Db, type Tables } from "../db/index.ts";
import { describe } from "../kernel/errors.ts";
import { createBulkInsert, placeholders, type BulkInsert } from "./bulk-insert.ts";
import { createSumsWriter, HourlySums } from "./hourly-sums.ts";
import { noteKept } from "./kept.ts";
import { columns, textColumns, valuesOf, type RowValues } from "./line.ts";
import type { Outcome } from "./record.ts";

/** A row that the database will not take, whatever is tried. */
export interface RefusedRow {
  readonly values: RowValues;
  readonly reason: string;
}

export interface Ledger {
  /**
   * Brings rows into the database and returns those that it refuses. May be repeated with the same rows, in any order
   * and from several processes: a request has one row, and only an `interrupted` one is ever replaced.
   * Rejects if the database is away; then some of the rows may have been written.
   */
  settle(rows: readonly RowValues[]): Promise<readonly RefusedRow[]>;
}

const rowsPerTransaction = 500;

export function createLedger(db: Db): Ledger {
  const insertAll = createInsertAll(db);
  const insertNew = createInsertNew(db);
  const writeSums = createSumsWriter(db);

  /** Writes rows, the sums they are part of and their number in one transaction, so that these always agree. */
  async function write(rows: readonly RowValues[], insert: RowInsert): Promise<void> {
    await db.kysely.transaction().execute(async (transaction) => {
      const sums = new HourlySums();
      const added = await insert(transaction, rows);
      const replaced = await takeInterrupted(transaction, rows, added);
      if (replaced.length > 0) added.push(...(await insert(transaction, finalsOf(rows, replaced))));
      for (const row of replaced) sums.subtract(row);
      for (const row of added) sums.add(row);
      await writeSums(transaction, sums);
      await noteKept(transaction, added.length - replaced.length);
    });
  }

  /**
   * A batch with requests that have a row already, as after a crash, is written again with more care. One that is refused
   * is halved until the rows at fault stand alone, so that they do not hold up the others.
   */
  async function settleBatch(rows: readonly RowValues[], insert = insertAll): Promise<readonly RefusedRow[]> {
    try {
      await write(rows, insert);
      return [];
    } catch (error) {
      if (insert === insertAll && isUniqueViolation(error)) return settleBatch(rows, insertNew);
      if (!isRowRefused(error)) throw error;
      const [first] = rows;
      if (rows.length === 1 && first !== undefined) return [{ values: first, reason: describe(error) }];
      const middle = Math.ceil(rows.length / 2);
      const halves = [rows.slice(0, middle), rows.slice(middle)] as const;
      return [...(await settleBatch(halves[0], insert)), ...(await settleBatch(halves[1], insert))];
    }
  }

  return {
    async settle(rows) {
      const unique = oneRowPerRequest(rows);
      const refused: RefusedRow[] = [];
      for (let from = 0; from < unique.length; from += rowsPerTransaction) {
        refused.push(...(await settleBatch(unique.slice(from, from + rowsPerTransaction))));
      }
      return refused;
    },
  };
}

/** PostgreSQL refuses a statement that meets the same row twice. The final row wins, as it does in the table. */
function oneRowPerRequest(rows: readonly RowValues[]): RowValues[] {
  const byRequest = new Map<RowValues[number], RowValues>();
  for (const values of rows) {
    const [requestId = null] = values;
    const known = byRequest.get(requestId);
    if (known === undefined || known[outcomeIndex] === interrupted) byRequest.set(requestId, values);
  }
  return [...byRequest.values()];
}

const interrupted = "interrupted" satisfies Outcome;
const outcomeIndex = columns.indexOf("outcome");

/** Inserts rows and returns those that it inserted. */
type RowInsert = (transaction: Transaction<Tables>, rows: readonly RowValues[]) => Promise<RowValues[]>;

/** For requests that have no row yet; fails with a unique violation if one has. A fifth cheaper than `createInsertNew`. */
function createInsertAll(db: Db): RowInsert {
  const insert = createShapedInsert((names, size) => insertInto(db, names, size).compile());
  return async (transaction, rows) => {
    await insert(transaction, rows);
    return [...rows];
  };
}

/** Leaves out the requests that have a row. */
function createInsertNew(db: Db): RowInsert {
  const insert = createShapedInsert((names, size) =>
    insertInto(db, names, size)
      .onConflict((conflict) => conflict.column("request_id").doNothing())
      .returning("request_id")
      .compile(),
  );
  return async (transaction, rows) => {
    const ids = new Set<unknown>((await insert(transaction, rows)).map((row) => row.request_id));
    return rows.filter(([requestId]) => ids.has(requestId));
  };
}

type ColumnNames = readonly (typeof columns)[number][];

/** Most rows are of text alone, and shorter. */
function createShapedInsert<Row>(compile: (names: ColumnNames, size: number) => CompiledQuery<Row>): BulkInsert<Row> {
  const insertText = createBulkInsert((size) => compile(textColumns, size));
  const insertMedia = createBulkInsert((size) => compile(columns, size));
  return async (transaction, rows) => {
    const media = rows.filter((row) => row.length !== textColumns.length);
    if (media.length === 0) return insertText(transaction, rows);
    const text = rows.filter((row) => row.length === textColumns.length);
    return [...(await insertText(transaction, text)), ...(await insertMedia(transaction, media))];
  };
}

function insertInto(db: Db, names: ColumnNames, size: number) {
  return db.kysely.insertInto("requests").values(placeholders(names, size) as InsertObject<Tables, "requests">[]);
}

/** Takes the `interrupted` rows out of the table that final ones among `rows` are to replace. */
async function takeInterrupted(
  transaction: Transaction<Tables>,
  rows: readonly RowValues[],
  added: readonly RowValues[],
): Promise<RowValues[]> {
  if (added.length === rows.length) return [];
  const known = new Set(added);
  const finals = rows.filter((row) => !known.has(row) && row[outcomeIndex] !== interrupted);
  if (finals.length === 0) return [];
  const ids = finals.map(([requestId]) => String(requestId));
  const taken = await transaction
    .deleteFrom("requests")
    .where("request_id", "in", ids)
    .where("outcome", "=", interrupted)
    .returningAll()
    .execute();
  return taken.map(valuesOf);
}

function finalsOf(rows: readonly RowValues[], replaced: readonly RowValues[]): RowValues[] {
  const ids = new Set(replaced.map(([requestId]) => requestId));
  return rows.filter(([requestId = null]) => ids.has(requestId));
}

/** SQLite's primary result codes that are about a value: too big, constraint, mismatch, range. https://www.sqlite.org/rescode.html */
const sqliteValueCodes: readonly number[] = [18, 19, 20, 25];

/**
 * Whether it is the row that is at fault. Anything else (also what cannot be told) counts as the database's trouble and
 * is tried again: rather a queue that waits than a row that is put aside without need.
 */
function isRowRefused(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true; // the driver cannot even send the value
  if (!(error instanceof Error)) return false;
  if ("errcode" in error && typeof error.errcode === "number") return sqliteValueCodes.includes(error.errcode & 0xff);
  // PostgreSQL: class 22 is a data exception, 23 a constraint.
  return "code" in error && typeof error.code === "string" && /^2[23]...$/.test(error.code);
}
