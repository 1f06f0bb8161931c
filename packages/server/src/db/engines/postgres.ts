import {
  PostgresDialect,
  type Dialect,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
} from "kysely";
import { DatabaseError, Pool, types, type PoolClient } from "pg";
import { AppError } from "../../kernel/errors.ts";

/** Limits after which a server that hangs counts as away. The server gives up on a statement before we give up on it. */
const timeouts = { connectMs: 5_000, statementMs: 30_000, replyMs: 35_000, idleTransactionMs: 60_000 } as const;

/**
 * Server-reported failures that are about the server and not about the statement, by SQLSTATE or its two-letter class,
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const unavailableStates: readonly string[] = [
  "08", // connection exception
  "28", // invalid authorization: the user or password was changed
  "53", // insufficient resources: disk full, out of memory, too many connections
  "57", // operator intervention: shutdown, crash, starting up, statement timeout
  "58", // system error outside PostgreSQL: I/O
  "25006", // read-only transaction: the address leads to a standby
  "25P03", // idle-in-transaction timeout
  "3D000", // the database does not exist (any more)
  "55P03", // lock not available
];

/**
 * A pool of connections to `url`, made as they are needed; nothing is connected yet. While the server is away every query
 * is rejected with `database_unavailable`; once it is back the next query gets a new connection.
 */
export function postgresDialect(url: string): Dialect {
  const pool = new Pool({
    connectionString: url,
    application_name: "portcullis",
    max: 10,
    keepAlive: true,
    connectionTimeoutMillis: timeouts.connectMs,
    statement_timeout: timeouts.statementMs,
    query_timeout: timeouts.replyMs,
    idle_in_transaction_session_timeout: timeouts.idleTransactionMs,
    types: { getTypeParser },
  });
  // A connection that breaks says so with an event, and an event without a listener ends the process. Nobody needs to
  // act on it: the query under way is rejected with the same error, and the pool drops a connection that was idle.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return new PostgresDialect({ pool: translatingPool(pool) });
}

/** The pool as Kysely sees it: the same, but failures of the server and of the connection are errors of the product. */
function translatingPool(pool: Pool): PostgresPool {
  // Kysely recognises a connection by identity, so the same client gets the same wrapping every time.
  const wrapped = new WeakMap<PoolClient, PostgresPoolClient>();
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      const client = await rejectingWithOurs(() => pool.connect());
      const known = wrapped.get(client) ?? translatingClient(client);
      wrapped.set(client, known);
      return known;
    },
  };
}

function translatingClient(client: PoolClient): PostgresPoolClient {
  // A reply that never came may still arrive, and would be taken for the answer to a later query: such a connection is closed.
  let outOfStep = false;
  async function query<Row>(sql: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<Row>> {
    try {
      // pg's own type says `rows: any[]` and leaves commands open; Kysely's says what it reads of them.
      return (await client.query(sql, [...parameters])) as unknown as PostgresQueryResult<Row>;
    } catch (error) {
      if (!(error instanceof DatabaseError)) outOfStep = true;
      throw translate(error);
    }
  }
  return {
    // Kysely's interface also has a form for cursors, which it uses only if it was given a cursor class. It was not.
    query: query as PostgresPoolClient["query"],
    release: (destroy) => client.release(destroy === true || outOfStep),
  };
}

async function rejectingWithOurs<Result>(run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    throw translate(error);
  }
}

/**
 * What the server reports about a statement stays as it is. A language error is a mistake of ours or an integer out of
 * range. All else that pg rejects with comes from the connection: refused, reset, closed, timed out.
 */
function translate(error: unknown): unknown {
  if (error instanceof TypeError || error instanceof RangeError) return error;
  if (error instanceof DatabaseError) {
    const state = error.code ?? "";
    if (!unavailableStates.includes(state) && !unavailableStates.includes(state.slice(0, 2))) return error;
  }
  return new AppError("database_unavailable", {}, { cause: error });
}

/** Reads values as SQLite's driver does. Given to this pool's clients only; pg's global parsers stay as they are. */
function getTypeParser(...[type, format]: Parameters<typeof types.getTypeParser>): (value: string) => unknown {
  if (type === types.builtins.INT8 || type === types.builtins.NUMERIC) return parseNumber; // a sum of INT8 is NUMERIC
  const parse = types.getTypeParser(type, format);
  if (type !== types.builtins.BYTEA) return parse;
  return (value) => {
    const buffer: Buffer = parse(value);
    return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  };
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new RangeError(`the integer ${text} does not fit a JavaScript number exactly`);
  }
  return value;
}
