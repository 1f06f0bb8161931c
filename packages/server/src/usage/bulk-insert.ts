import type { CompiledQuery, Transaction } from "kysely";
import type { Tables } from "../db/index.ts";
import type { RowValues } from "./line.ts";

/** Rows go out in statements of these sizes, so that there are three statements in all to compile and prepare. */
const statementSizes = [64, 8, 1] as const;

export type BulkInsert<Row> = (transaction: Transaction<Tables>, rows: readonly RowValues[]) => Promise<Row[]>;

/**
 * Inserts any number of rows. `compile` makes the statement for that many of them, whose parameters are the rows' values
 * and nothing else; what the statements return is put together.
 */
export function createBulkInsert<Row>(compile: (size: number) => CompiledQuery<Row>): BulkInsert<Row> {
  const statements = new Map<number, CompiledQuery<Row>>();
  const statementFor = (size: number): CompiledQuery<Row> => {
    const known = statements.get(size) ?? compile(size);
    statements.set(size, known);
    return known;
  };
  return async (transaction, rows) => {
    const returned: Row[] = [];
    for (let from = 0; from < rows.length; ) {
      const size = statementSizes.find((candidate) => candidate <= rows.length - from) ?? 1;
      const parameters: RowValues[number][] = [];
      for (let index = from; index < from + size; index++) parameters.push(...(rows[index] ?? []));
      const result = await transaction.executeQuery<Row>({ ...statementFor(size), parameters });
      returned.push(...result.rows);
      from += size;
    }
    return returned;
  };
}

/** What stands for the values while a statement is compiled. */
export function placeholders<Column extends string>(columns: readonly Column[], size: number): Record<Column, never>[] {
  const row = Object.fromEntries(columns.map((column) => [column, ""])) as Record<Column, never>;
  return Array.from({ length: size }, () => row);
}
