import { lstatSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { AppError } from "../../kernel/errors.ts";
import type { Fields } from "./fields.ts";
import { mostFindings } from "./finding.ts";
import { unreadable } from "./source-file.ts";

/*
 * A SQLite file of another program. It is opened as one that nobody changes: SQLite then takes no lock and writes nothing
 * beside it, so that the original stays as it is to the byte. It would also not see what lies in a journal beside the
 * file; where there is one, the other program must be stopped first.
 */

export interface SqliteFile {
  readonly tables: ReadonlySet<string>;
  /** The columns of a table; none of one that does not exist. */
  columns(table: string): ReadonlySet<string>;
  /** The rows with the columns of that name; whatever the table lacks is absent. Throws `import_unreadable`. */
  rows(table: string, columns: readonly string[]): readonly Fields[];
  close(): void;
}

/** Throws `import_unreadable`. */
export function openSqliteFile(path: string): SqliteFile {
  refuseJournal(path);
  const database = open(path);
  const guarded = <Result>(read: () => Result): Result => {
    try {
      return read();
    } catch (error) {
      throw error instanceof AppError ? error : damaged(path);
    }
  };
  const columns = (table: string): ReadonlySet<string> =>
    guarded(() => names(database.prepare("select name from pragma_table_info(?)").all(table)));
  return {
    // Tables alone: a view can be an endless query.
    tables: guarded(() =>
      names(database.prepare("select name from pragma_table_list where schema = 'main' and type = 'table'").all()),
    ),
    columns,
    rows: (table, wanted) =>
      guarded(() => {
        const present = columns(table);
        const listed = wanted.filter((name) => present.has(name)).map(quoteName);
        if (listed.length === 0) return [];
        return readRows(database, `select ${listed.join(", ")} from ${quoteName(table)}`, path);
      }),
    close: () => database.close(),
  };
}

function open(path: string): DatabaseSync {
  const url = pathToFileURL(path);
  url.searchParams.set("mode", "ro");
  url.searchParams.set("immutable", "1");
  try {
    const database = new DatabaseSync(url, { readOnly: true, allowExtension: false });
    database.exec("pragma trusted_schema = off; pragma cell_size_check = on");
    return database;
  } catch {
    throw damaged(path);
  }
}

function readRows(database: DatabaseSync, sql: string, path: string): readonly Fields[] {
  const statement = database.prepare(sql);
  statement.setReadBigInts(true); // a number too large for JavaScript is no error of the whole table
  const rows: Fields[] = [];
  for (const row of statement.iterate()) {
    if (rows.length >= mostFindings) {
      throw unreadable(
        path,
        `a table in it has more than ${mostFindings} rows`,
        "delete what is not needed from a copy",
      );
    }
    rows.push(row);
  }
  return rows;
}

/** The name comes from the database's own list of columns and tables; quoted, it is a name and nothing else. */
function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function names(rows: readonly Fields[]): ReadonlySet<string> {
  return new Set(rows.flatMap(({ name }) => (typeof name === "string" ? [name] : [])));
}

function refuseJournal(path: string): void {
  for (const ending of ["-wal", "-journal"]) {
    const stat = lstatSync(path + ending, { throwIfNoEntry: false });
    if (stat === undefined || stat.size === 0) continue;
    const problem = `${path + ending} holds changes that are not in it yet`;
    throw unreadable(
      path,
      problem,
      "stop the program that uses it, or import a copy made with `sqlite3 FILE '.backup COPY'`",
    );
  }
}

function damaged(path: string): AppError {
  return unreadable(
    path,
    "it is damaged, or is not a SQLite database",
    "check it with `sqlite3 FILE 'pragma quick_check'`",
  );
}
