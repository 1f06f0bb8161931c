import { sql, type CompiledQuery, type RawBuilder, type Transaction } from "kysely";
import type { Db, Tables } from "../../db/index.ts";
import type { Rewrapped } from "../store.ts";

/** Puts re-wrapped bytes in their rows, each if its version and term are still those given; how many were. */
export type ReplaceRows = (transaction: Transaction<Tables>, records: readonly Rewrapped[]) => Promise<number>;

/** Rows are replaced in statements of these sizes. There are few of them, so each is built and prepared once. */
const statementSizes = [100, 10, 1] as const;

export function createRowReplacer(engine: Db["engine"]): ReplaceRows {
  const statements = new Map<number, CompiledQuery>();
  return async (transaction, records) => {
    let replaced = 0n;
    for (let from = 0; from < records.length; ) {
      const size = statementSizes.find((candidate) => candidate <= records.length - from) ?? 1;
      const statement = statements.get(size) ?? statementOf(transaction, engine, size);
      statements.set(size, statement);
      const parameters = records.slice(from, from + size).flatMap(valuesOf);
      replaced += (await transaction.executeQuery({ ...statement, parameters })).numAffectedRows ?? 0n;
      from += size;
    }
    return Number(replaced);
  };
}

/** In the order of the columns of `GivenRow`. */
function valuesOf({ ref, version, oldTerm, newTerm, sealed }: Rewrapped): readonly unknown[] {
  return [ref.type, ref.id, ref.field, version, oldTerm, newTerm, sealed];
}

/** Both engines name the columns of a list of values like this. */
interface GivenRow {
  column1: string;
  column2: string;
  column3: string;
  column4: number;
  column5: number;
  column6: number;
  column7: Uint8Array;
}

function statementOf(transaction: Transaction<Tables>, engine: Db["engine"], size: number): CompiledQuery {
  const rows = sql.join(Array.from({ length: size }, () => placeholders[engine]));
  const given = sql<GivenRow>`(values ${rows})`.as<"given">(sql`given`);
  return transaction
    .updateTable("sealed_records")
    .from(given)
    .set((column) => ({ kek_term: column.ref("given.column6"), sealed: column.ref("given.column7") }))
    .whereRef("sealed_records.type", "=", "given.column1")
    .whereRef("sealed_records.id", "=", "given.column2")
    .whereRef("sealed_records.field", "=", "given.column3")
    .whereRef("sealed_records.version", "=", "given.column4")
    .whereRef("sealed_records.kek_term", "=", "given.column5")
    .compile();
}

const value = sql.val(null); // stands for the values until there are some
const numbers = sql`${value}::integer, ${value}::integer, ${value}::integer`;

/** PostgreSQL does not guess the types of such a list. */
const placeholders: Readonly<Record<Db["engine"], RawBuilder<unknown>>> = {
  sqlite: sql`(${value}, ${value}, ${value}, ${value}, ${value}, ${value}, ${value})`,
  postgres: sql`(${value}::text, ${value}::text, ${value}::text, ${numbers}, ${value}::bytea)`,
};
