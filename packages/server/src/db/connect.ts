import { isAbsolute, join } from "node:path";
import { Kysely, sql, type Dialect } from "kysely";
import { AppError } from "../kernel/errors.ts";
import { openSqlite, type Synchronous } from "./engines/sqlite.ts";
import { refusal } from "./refusal.ts";
import type { Tables } from "./tables.ts";

/**
 * An open database. Every query may be rejected with `database_unavailable` (away, locked, disk full), after which the
 * same `Db` works again once the cause is gone.
 *
 * SQLite has one connection: while a transaction runs, queries outside it wait. So inside `transaction().execute(…)` use
 * the transaction alone (a query through `kysely` there would wait for itself), and await nothing but its queries.
 */
export interface Db {
  readonly kysely: Kysely<Tables>;
  readonly engine: Engine;
  /** Which database this is, for people: a path or an address, never with its password. */
  readonly describe: string;
  close(): Promise<void>;
}

export type Engine = "sqlite" | "postgres";

export interface OpenOptions {
  /** `sqlite:` (the file `portcullis.db` in `home`), `sqlite:/absolute/path`, `postgres://…` or `postgresql://…` */
  readonly url: string;
  readonly home: string;
  /** SQLite only; `full` unless given. `normal` is for writes that can be repeated from elsewhere after a power cut. */
  readonly synchronous?: Synchronous;
}

/** Where an address leads. */
type Target =
  | { readonly engine: "sqlite"; readonly describe: string }
  | { readonly engine: "postgres"; readonly describe: string; readonly url: string };

/**
 * Opens the database and makes sure that it answers; the schema is left alone (see `migrate`).
 *
 * Throws `config_invalid` for an address that cannot be right, `database_unavailable` if nothing answers there, and for a
 * SQLite file `file_unsafe` or `database_unreadable`.
 */
export async function openDatabase(options: OpenOptions): Promise<Db> {
  const target = parseTarget(options);
  const dialect = await openEngine(target, options);
  const kysely = new Kysely<Tables>({ dialect });
  try {
    await sql`select 1 from ${sql.table(firstTable[target.engine])} limit 1`.execute(kysely);
  } catch (error) {
    await kysely.destroy();
    throw explainRefusal(error, target);
  }
  return { kysely, engine: target.engine, describe: target.describe, close: () => kysely.destroy() };
}

/** What speaks to PostgreSQL is loaded where there is one. */
async function openEngine(target: Target, { synchronous = "full" }: OpenOptions): Promise<Dialect> {
  if (target.engine === "sqlite") return openSqlite(target.describe, synchronous);
  const { postgresDialect } = await import("./engines/postgres.ts");
  return postgresDialect(target.url);
}

/** A table of the engine's own: reading it takes a connection, and on SQLite the file's first page. */
const firstTable = { sqlite: "sqlite_schema", postgres: "pg_class" } as const;

/** The problem of an invalid address is told without the address: it may hold a password wherever the mistake is. */
function parseTarget({ url, home }: OpenOptions): Target {
  if (url.startsWith("sqlite:")) return { engine: "sqlite", describe: parsePath(url.slice("sqlite:".length), home) };
  if (/^postgres(ql)?:\/\//.test(url)) return { engine: "postgres", describe: describePostgres(url), url };
  throw invalidUrl("it begins with neither `sqlite:` nor `postgres://`");
}

function parsePath(path: string, home: string): string {
  if (path === "") return join(home, "portcullis.db");
  if (path.startsWith("//"))
    throw invalidUrl("a SQLite path follows the colon directly, as in `sqlite:/var/lib/portcullis/portcullis.db`");
  if (!isAbsolute(path)) throw invalidUrl("the path after `sqlite:` must be absolute");
  return path;
}

function describePostgres(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !isDecodable(parsed)) {
    throw invalidUrl(
      "it cannot be read; percent-encode special characters in the user name and password (`@` is `%40`)",
    );
  }
  const user = parsed.username === "" ? "" : `${parsed.username}@`;
  return `postgres://${user}${parsed.host}${parsed.pathname}`;
}

function isDecodable(url: URL): boolean {
  try {
    return [url.username, url.password, url.pathname].every((part) => decodeURIComponent(part) !== undefined);
  } catch {
    return false;
  }
}

function invalidUrl(problem: string): AppError {
  return new AppError("config_invalid", {
    problem: `\`storage.url\` is not a database address: ${problem}`,
    advice: "use `sqlite:`, `sqlite:/absolute/path` or `postgres://user:password@host:5432/database`",
  });
}

/** A server that answers and refuses at the very start was given the wrong address, and will not get better by waiting. */
function explainRefusal(error: unknown, target: Target): unknown {
  const refused = refusal(error);
  if (refused === undefined) return error;
  const problem =
    refused === "database"
      ? `the PostgreSQL server has no such database: ${target.describe}`
      : `the PostgreSQL server refuses the user or password of ${target.describe}`;
  const advice =
    refused === "database" ? "create it with `createdb`, or correct `storage.url`" : "correct `storage.url`";
  return new AppError("config_invalid", { problem, advice }, { cause: error });
}
