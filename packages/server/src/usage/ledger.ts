import type { CompiledQuery, InsertObject } from "kysely";
import type { Db, Tables } from "../db/index.ts";
import { describe } from "../kernel/errors.ts";
import { columns, type RowValues } from "./line.ts";
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
/** Rows go out in statements of these sizes, so that there are three statements in all to compile and prepare. */
const statementSizes = [64, 8, 1] as const;

export function createLedger(db: Db): Ledger {
  const statements = new Map<number, CompiledQuery>();
  const statementFor = (size: number): CompiledQuery => {
    const known = statements.get(size) ?? compileInsert(db, size);
    statements.set(size, known);
    return known;
  };

  async function insert(rows: readonly RowValues[]): Promise<void> {
    await db.kysely.transaction().execute(async (transaction) => {
      for (let from = 0; from < rows.length; ) {
        const size = statementSizes.find((candidate) => candidate <= rows.length - from) ?? 1;
        const query = statementFor(size);
        const values = rows.slice(from, from + size).flat();
        await transaction.executeQuery({ ...query, parameters: [...values, ...query.parameters.slice(values.length)] });
        from += size;
      }
    });
  }

  /** Halves a batch that is refused until the rows at fault stand alone, so that they do not hold up the others. */
  async function settleBatch(rows: readonly RowValues[]): Promise<readonly RefusedRow[]> {
    try {
      await insert(rows);
      return [];
    } catch (error) {
      if (!isRowRefused(error)) throw error;
      const [first] = rows;
      if (rows.length === 1 && first !== undefined) return [{ values: first, reason: describe(error) }];
      const middle = Math.ceil(rows.length / 2);
      return [...(await settleBatch(rows.slice(0, middle))), ...(await settleBatch(rows.slice(middle)))];
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

/** The statement for `size` rows. Its parameters are the rows' values, and then its own. */
function compileInsert(db: Db, size: number): CompiledQuery {
  const placeholder = Object.fromEntries(columns.map((column) => [column, ""]));
  const rows = Array.from({ length: size }, () => placeholder as unknown as InsertObject<Tables, "requests">);
  return db.kysely
    .insertInto("requests")
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .column("request_id")
        .doUpdateSet((row) =>
          Object.fromEntries(columns.slice(1).map((column) => [column, row.ref(`excluded.${column}`)])),
        )
        .where("requests.outcome", "=", interrupted),
    )
    .compile();
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
