import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import {
  CompiledQuery,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  type TransactionSettings,
} from "kysely";
import { AppError } from "../../kernel/errors.ts";
import { preparePrivateFile } from "./sqlite-file.ts";

/**
 * How much survives a power cut. A killed process loses nothing either way, and neither can damage the file.
 *
 * - `full`: every committed transaction; one fsync each. For all that exists nowhere else: sealed records, keys, audit.
 * - `normal`: all but perhaps the last few transactions. For a connection whose writes are repeated from a journal.
 */
export type Synchronous = keyof typeof synchronousPragma;

const synchronousPragma = { full: "pragma synchronous = full", normal: "pragma synchronous = normal" } as const;

/**
 * When another process (or another connection of this one) is writing, SQLite waits inside the call, which holds up the
 * event loop, for `blockMs` only; then the loop runs for `pauseMs` and the statement is tried again.
 */
const busy = { blockMs: 20, pauseMs: 10, attempts: 170 } as const; // about 5 s in all
const statementCacheSize = 256;

/** SQLite's primary result codes, https://www.sqlite.org/rescode.html */
const resultCode = {
  busy: 5,
  readonly: 8,
  ioError: 10,
  corrupt: 11,
  full: 13,
  cannotOpen: 14,
  notADatabase: 26,
} as const;
const unavailableCodes: readonly number[] = [
  resultCode.busy,
  resultCode.readonly,
  resultCode.ioError,
  resultCode.full,
  resultCode.cannotOpen,
];
const unreadableCodes: readonly number[] = [resultCode.corrupt, resultCode.notADatabase];

/**
 * Opens or creates the file with mode 0600 and sets it up: write-ahead log, foreign keys on.
 *
 * Throws `file_unsafe` if others can read the file, `config_invalid` if its directory does not exist,
 * `database_unreadable` if it is damaged or not a database, `database_unavailable` if it stays locked.
 */
export async function openSqlite(path: string, synchronous: Synchronous): Promise<Dialect> {
  preparePrivateFile(path);
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { timeout: busy.blockMs, enableForeignKeyConstraints: true });
    await setUp(database, synchronous);
  } catch (error) {
    database?.close();
    throw translate(error, path);
  }
  return sqliteDialect(database, path);
}

async function setUp(database: DatabaseSync, synchronous: Synchronous): Promise<void> {
  const answer = await whenFree(() => database.prepare("pragma journal_mode = wal").get());
  if (answer?.["journal_mode"] !== "wal") {
    throw new AppError("database_unavailable", {}, { detail: "this file system cannot hold a write-ahead log" });
  }
  database.exec(synchronousPragma[synchronous]);
  // Nothing that a damaged or planted schema names may run functions with side effects.
  database.exec("pragma trusted_schema = off");
}

function sqliteDialect(database: DatabaseSync, path: string): Dialect {
  return {
    createDriver: () => new SqliteDriver(database, path),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    // This adapter says that there is one connection. Kysely therefore hands it to one query or one whole transaction
    // at a time, so a query from elsewhere never lands inside somebody's transaction.
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (kysely) => new SqliteIntrospector(kysely),
  };
}

class SqliteDriver implements Driver {
  readonly #database: DatabaseSync;
  readonly #connection: SqliteConnection;
  #released: PromiseWithResolvers<void> | undefined;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#connection = new SqliteConnection(database, path);
  }

  init(): Promise<void> {
    return Promise.resolve();
  }

  acquireConnection(): Promise<DatabaseConnection> {
    this.#released = Promise.withResolvers();
    return Promise.resolve(this.#connection);
  }

  /**
   * Takes the write lock at once unless the transaction is declared read-only. A transaction that reads first and asks
   * for the lock later fails without waiting when somebody else has written in between.
   */
  async beginTransaction(connection: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw(settings.accessMode === "read only" ? "begin" : "begin immediate"));
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("commit"));
  }

  /** After some failures (disk full, I/O error) SQLite has rolled back already, and says so with an error. */
  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    if (this.#database.isTransaction) await connection.executeQuery(CompiledQuery.raw("rollback"));
  }

  releaseConnection(): Promise<void> {
    this.#released?.resolve();
    this.#released = undefined;
    return Promise.resolve();
  }

  /** Waits for the query or transaction that is under way. */
  async destroy(): Promise<void> {
    await this.#released?.promise;
    this.#database.close();
  }
}

class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSync;
  readonly #path: string;
  /** Prepared statements by their SQL, the least recently used first. */
  readonly #statements = new Map<string, Prepared>();

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    // The parameters come from Kysely's typed builder; node:sqlite itself refuses a value that it cannot bind.
    const parameters = query.parameters as readonly SQLInputValue[];
    try {
      return await whenFree(() => this.#run<Row>(query.sql, parameters));
    } catch (error) {
      throw translate(error, this.#path);
    }
  }

  streamQuery(): AsyncIterableIterator<never> {
    throw new Error("a streamed query would hold the only connection for as long as its reader takes; read in pages");
  }

  #run<Row>(sql: string, parameters: readonly SQLInputValue[]): QueryResult<Row> {
    const { statement, returnsRows } = this.#prepare(sql);
    if (returnsRows) {
      // Rows come without a prototype; copied, they are the same plain objects that PostgreSQL's driver makes.
      return { rows: statement.all(...parameters).map((row) => ({ ...row }) as Row) };
    }
    const { changes, lastInsertRowid } = statement.run(...parameters);
    return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
  }

  #prepare(sql: string): Prepared {
    const prepared = this.#statements.get(sql) ?? prepare(this.#database, sql);
    this.#statements.delete(sql);
    this.#statements.set(sql, prepared);
    if (this.#statements.size > statementCacheSize) {
      const [oldest] = this.#statements.keys();
      if (oldest !== undefined) this.#statements.delete(oldest);
    }
    return prepared;
  }
}

interface Prepared {
  readonly statement: StatementSync;
  readonly returnsRows: boolean;
}

function prepare(database: DatabaseSync, sql: string): Prepared {
  const statement = database.prepare(sql);
  return { statement, returnsRows: statement.columns().length > 0 };
}

/** Runs a statement, again and again while another connection holds the lock that it needs. */
async function whenFree<Result>(run: () => Result): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return run();
    } catch (error) {
      if (primaryCode(error) !== resultCode.busy || attempt === busy.attempts) throw error;
    }
    await pause(busy.pauseMs);
  }
}

/** The primary result code of an error that SQLite reported; node:sqlite gives the extended one. */
function primaryCode(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : undefined;
}

/** The file's and the disk's failures as errors of the product; what a statement itself did wrong stays as it is. */
function translate(error: unknown, path: string): unknown {
  const code = primaryCode(error);
  if (code === undefined) return error;
  if (unreadableCodes.includes(code)) return new AppError("database_unreadable", { name: path }, { cause: error });
  if (unavailableCodes.includes(code)) return new AppError("database_unavailable", {}, { cause: error });
  return error;
}
