import { sql, type CompiledQuery, type Kysely, type RawBuilder, type Transaction } from "kysely";
import type { Engine } from "./connect.ts";

/*
 * Any table's rows, without knowing what they mean: for copies of a whole database, also onto the other engine. Names of
 * tables and columns are those that the database itself gives, never those of a file.
 */

/** What a column holds, on either engine alike. */
export type Value = string | number | Uint8Array | null;

export interface TableShape {
  readonly name: string;
  readonly columns: readonly string[];
  /** The columns of the primary key, in its order. */
  readonly key: readonly string[];
}

/** No more than this is read or written in one statement. */
const pageRows = 256;
/** Rows go out in statements of these sizes, so that there are few to compile and prepare. */
const statementSizes = [64, 8, 1] as const;

/** Every table there is, by name; the record of migrations included. None in an empty database. */
export async function tableShapes(kysely: Kysely<never>, engine: Engine): Promise<readonly TableShape[]> {
  const { rows } = await columnQueries[engine].execute(kysely);
  return [...Map.groupBy(rows, (row) => row.table_name)].map(([name, columns]) => ({
    name,
    columns: columns.map((column) => column.column_name),
    key: columns
      .filter((column) => column.key_position > 0)
      .toSorted((one, other) => one.key_position - other.key_position)
      .map((column) => column.column_name),
  }));
}

interface ColumnRow {
  readonly table_name: string;
  readonly column_name: string;
  /** 1 for the first column of the primary key; 0 for a column that is not in it. */
  readonly key_position: number;
}

const columnQueries: Readonly<Record<Engine, RawBuilder<ColumnRow>>> = {
  sqlite: sql<ColumnRow>`
    select t.name as table_name, c.name as column_name, c.pk as key_position
    from sqlite_schema as t, pragma_table_info(t.name) as c
    where t.type = 'table' and substr(t.name, 1, 7) <> 'sqlite_'
    order by t.name, c.cid`,
  postgres: sql<ColumnRow>`
    select t.relname as table_name, c.attname as column_name,
      coalesce(array_position(i.indkey::int2[], c.attnum), -1) + 1 as key_position
    from pg_class as t
    join pg_attribute as c on c.attrelid = t.oid and c.attnum > 0 and not c.attisdropped
    left join pg_index as i on i.indrelid = t.oid and i.indisprimary
    where t.relkind in ('r', 'p') and t.relnamespace = current_schema()::regnamespace
    order by t.relname collate "C", c.attnum`,
};

/** All rows of a table in the order of its key, a page at a time, each row's values in the order of the columns. */
export async function* tableRows(kysely: Kysely<never>, shape: TableShape): AsyncGenerator<readonly Value[][]> {
  const list = (names: readonly string[]): RawBuilder<unknown> => sql.join(names.map((name) => sql.ref(name)));
  const key = list(shape.key);
  let last: readonly Value[] | undefined;
  for (;;) {
    const behind = last === undefined ? sql`` : sql` where (${key}) > (${sql.join(last)})`;
    const query = sql<Record<string, Value>>`select ${list(shape.columns)} from ${sql.table(shape.name)}${behind}
      order by ${key} limit ${pageRows}`;
    const { rows } = await query.execute(kysely);
    const final = rows.at(-1);
    if (final === undefined) return;
    yield rows.map((row) => shape.columns.map((column) => row[column] ?? null));
    if (rows.length < pageRows) return;
    last = shape.key.map((column) => final[column] ?? null);
  }
}

/** Inserts rows whose values are in the order of `columns`. */
export type InsertRows = (rows: readonly (readonly Value[])[]) => Promise<void>;

export function rowInserter(transaction: Transaction<never>, table: string, columns: readonly string[]): InsertRows {
  const statements = new Map<number, CompiledQuery>();
  const statementFor = (size: number): CompiledQuery => {
    const known = statements.get(size) ?? insertStatement(table, columns, size).compile(transaction);
    statements.set(size, known);
    return known;
  };
  return async (rows) => {
    for (let from = 0; from < rows.length; ) {
      const size = statementSizes.find((candidate) => candidate <= rows.length - from) ?? 1;
      const parameters = rows.slice(from, from + size).flat();
      await transaction.executeQuery({ ...statementFor(size), parameters });
      from += size;
    }
  };
}

function insertStatement(table: string, columns: readonly string[], size: number): RawBuilder<unknown> {
  const row = sql`(${sql.join(columns.map(() => sql.val("")))})`; // what stands for the values until there are some
  const rows = Array.from({ length: size }, () => row);
  return sql`insert into ${sql.table(table)} (${sql.join(columns.map((name) => sql.ref(name)))}) values ${sql.join(rows)}`;
}

export async function emptyTables(transaction: Transaction<never>, shapes: readonly TableShape[]): Promise<void> {
  for (const { name } of shapes) await sql`delete from ${sql.table(name)}`.execute(transaction);
}
