import { sql, type Kysely, type RawBuilder, type Transaction } from "kysely";
import { systemClock, type Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import type { Db, Engine } from "./connect.ts";
import type { Tables } from "./tables.ts";
import { migrations as allMigrations } from "./migrations/index.ts";
import type { Migration, MigrationContext } from "./migrations/migration.ts";

/** Schema numbers before and after, and the names of the migrations that this call itself ran. */
export interface MigrationResult {
  readonly from: number;
  readonly to: number;
  readonly applied: readonly string[];
}

export interface MigrationStatus {
  /** The number of the newest migration that has run; 0 for an empty database. */
  readonly current: number;
  /** The newest number that this version knows. */
  readonly known: number;
  readonly pending: readonly string[];
}

interface MigrateOptions {
  readonly clock?: Clock;
  readonly migrations?: readonly Migration[];
}

/** Where it is recorded what has run. Nobody else reads it. */
type Records = { migrations: { number: number; name: string; applied_at: number } };

/**
 * Brings the schema up to date. Any number of processes may do so at once: each migration runs in one of them, the others
 * wait for it. A migration that fails leaves nothing behind, and those before it stay.
 *
 * Throws `database_newer` if a later version has migrated this database.
 */
export async function migrate(db: Db, options: MigrateOptions = {}): Promise<MigrationResult> {
  const { clock = systemClock, migrations = allMigrations } = options;
  const applied: string[] = [];
  const { current: from } = await migrationStatus(db, migrations);
  for (;;) {
    const step = await records(db)
      .transaction()
      .execute(async (transaction) => {
        await lock(transaction, db.engine);
        return takeStep(transaction, { engine: db.engine, nowMs: clock.now() }, migrations);
      });
    if (step === undefined) return { from, to: lastNumber(migrations), applied };
    applied.push(step);
  }
}

/**
 * The same inside a transaction that the caller ends, and no further than the migration `upTo`: for a database that is
 * made from a copy in one step. Throws `database_newer` if this version does not know that one.
 */
export async function migrateWithin(
  transaction: Transaction<Tables>,
  { engine, nowMs, upTo }: MigrationContext & { readonly upTo?: number },
): Promise<void> {
  const known = lastNumber(allMigrations);
  if (upTo !== undefined && upTo > known) throw new AppError("database_newer", { found: upTo, known });
  const steps = allMigrations.filter(({ number }) => number <= (upTo ?? known));
  const own: Transaction<Records> = transaction.withTables<Records>();
  await lock(own, engine);
  while ((await takeStep(own, { engine, nowMs }, steps)) !== undefined);
}

/** Reads how far the schema is without changing anything. */
export async function migrationStatus(
  db: Db,
  migrations: readonly Migration[] = allMigrations,
): Promise<MigrationStatus> {
  const { rows } = await tableExists[db.engine].execute(db.kysely);
  const current = rows.length === 0 ? 0 : await newestApplied(records(db));
  const pending = migrations.filter((migration) => migration.number > current).map(label);
  return { current, known: lastNumber(migrations), pending };
}

/** Runs the next pending migration and records it; returns its name, or `undefined` if there is none. */
async function takeStep(
  transaction: Transaction<Records>,
  context: MigrationContext,
  migrations: readonly Migration[],
): Promise<string | undefined> {
  await transaction.schema
    .createTable("migrations")
    .ifNotExists()
    .addColumn("number", "integer", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("applied_at", "bigint", (column) => column.notNull())
    .execute();
  const current = await newestApplied(transaction);
  const known = lastNumber(migrations);
  if (current > known) throw new AppError("database_newer", { found: current, known });
  const next = migrations.find((migration) => migration.number > current);
  if (next === undefined) return undefined;
  await next.up(transaction.withTables<never>(), context);
  await transaction
    .insertInto("migrations")
    .values({ number: next.number, name: next.name, applied_at: context.nowMs })
    .execute();
  return label(next);
}

/**
 * Keeps other migrating processes out until the transaction ends. SQLite needs nothing more: its transactions hold the
 * only write lock from their first moment.
 */
async function lock(transaction: Transaction<Records>, engine: Engine): Promise<void> {
  if (engine === "postgres") await sql`select pg_advisory_xact_lock(${migrationLock})`.execute(transaction);
}

/** An arbitrary number that says "Portcullis migrates" among the advisory locks of a PostgreSQL database. */
const migrationLock = 7_206_844_117;

const tableExists: Readonly<Record<Engine, RawBuilder<unknown>>> = {
  sqlite: sql`select 1 from sqlite_schema where type = 'table' and name = 'migrations'`,
  postgres: sql`select 1 where to_regclass('migrations') is not null`,
};

function records(db: Db): Kysely<Records> {
  return db.kysely.withTables<Records>();
}

async function newestApplied(kysely: Kysely<Records>): Promise<number> {
  const row = await kysely
    .selectFrom("migrations")
    .select(({ fn }) => fn.max("number").as("newest"))
    .executeTakeFirst();
  return row?.newest ?? 0;
}

function lastNumber(migrations: readonly Migration[]): number {
  return migrations.at(-1)?.number ?? 0;
}

function label(migration: Migration): string {
  return `${String(migration.number).padStart(4, "0")}-${migration.name}`;
}
