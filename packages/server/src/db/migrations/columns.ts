import { sql, type RawBuilder, type Transaction } from "kysely";
import type { Engine } from "../connect.ts";

/** A column's type; a question mark says that it may be null. */
type Column = ColumnType | `${ColumnType}?`;
type ColumnType = "text" | "integer" | "int64" | "bytes";

interface TableOptions {
  readonly primaryKey: readonly string[];
  readonly unique?: readonly string[];
}

/** Creates a table. On SQLite it is STRICT: a value of the wrong type is refused there as it is on PostgreSQL. */
export type CreateTable = (
  table: string,
  columns: Readonly<Record<string, Column>>,
  options: TableOptions,
) => Promise<void>;

/**
 * PostgreSQL would sort text by the rules of a language, which differ between machines and change with the operating
 * system; the collation "C" sorts by code point, as SQLite does.
 */
const typeNames: Readonly<Record<Engine, Readonly<Record<ColumnType, RawBuilder<unknown>>>>> = {
  sqlite: { text: sql`text`, integer: sql`integer`, int64: sql`integer`, bytes: sql`blob` },
  postgres: { text: sql`text collate "C"`, integer: sql`integer`, int64: sql`bigint`, bytes: sql`bytea` },
};

export function tableCreator(transaction: Transaction<never>, engine: Engine): CreateTable {
  return async (table, columns, options) => {
    const parts = Object.entries(columns).map(([name, column]) => columnDefinition(engine, name, column));
    parts.push(sql`primary key (${columnList(options.primaryKey)})`);
    if (options.unique !== undefined) parts.push(sql`unique (${columnList(options.unique)})`);
    const suffix = engine === "sqlite" ? sql` strict` : sql``;
    await sql`create table ${sql.table(table)} (${sql.join(parts)})${suffix}`.execute(transaction);
  };
}

/** Adds a column to a table. Rows that are there get `null`, or 0 where it may not be null: so it holds a number then. */
export type AddColumn = (table: string, name: string, column: Column) => Promise<void>;

export function columnAdder(transaction: Transaction<never>, engine: Engine): AddColumn {
  return async (table, name, column) => {
    const filler = column.endsWith("?") ? sql`` : sql` default 0`;
    const definition = columnDefinition(engine, name, column);
    await sql`alter table ${sql.table(table)} add column ${definition}${filler}`.execute(transaction);
  };
}

function columnDefinition(engine: Engine, name: string, column: Column): RawBuilder<unknown> {
  const nullable = column.endsWith("?");
  const type = (nullable ? column.slice(0, -1) : column) as ColumnType; // a Column without its question mark
  return sql`${sql.ref(name)} ${typeNames[engine][type]}${nullable ? sql`` : sql` not null`}`;
}

function columnList(names: readonly string[]): RawBuilder<unknown> {
  return sql.join(names.map((name) => sql.ref(name)));
}
