/**
 * The databases that every test of stored things runs on:
 *
 *     for (const database of databases) {
 *       test(`… (${database.name})`, { skip: database.skip }, async () => {
 *         const db = await database.open();
 *
 * What a test opens is closed and deleted when its process ends.
 */
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { Client, escapeIdentifier } from "pg";
import { migrate, openDatabase, type Db } from "../../src/db/index.ts";
import { postgresObstacle, startPostgres, type PostgresServer } from "./postgres.ts";

export interface TestDatabase {
  readonly name: "SQLite" | "PostgreSQL";
  /** Why this engine cannot be tested here; goes into the test's `skip` option. */
  readonly skip: string | undefined;
  /** A fresh, migrated database. */
  open(): Promise<Db>;
  /** The address of a fresh database, for a test that opens it by itself, or several times. */
  create(contents: "migrated" | "empty"): Promise<string>;
}

const opened: Db[] = [];

async function open(url: string): Promise<Db> {
  const db = await openDatabase({ url, home: "/nonexistent" });
  opened.push(db);
  return db;
}

// SQLite

let directory: string | undefined;

async function createSqlite(contents: "migrated" | "empty"): Promise<string> {
  directory ??= mkdtempSync(join(tmpdir(), "portcullis-test-"));
  const home = join(directory, randomBytes(6).toString("hex"));
  mkdirSync(home, { mode: 0o700 });
  const url = `sqlite:${join(home, "portcullis.db")}`;
  if (contents === "migrated") {
    const db = await openDatabase({ url, home, synchronous: "normal" });
    await migrate(db);
    await db.close();
  }
  return url;
}

// PostgreSQL: one server for the whole run (its address comes in the environment), or one of this process's own.

const givenUrl = process.env["PORTCULLIS_TEST_POSTGRES_URL"];
let ownServer: PostgresServer | undefined;
let connected: Promise<{ client: Client; url: string; template: string }> | undefined;
const created: string[] = [];

function postgresSkip(): string | undefined {
  return givenUrl === undefined ? (process.env["PORTCULLIS_TEST_POSTGRES_SKIP"] ?? postgresObstacle()) : undefined;
}

async function createPostgres(contents: "migrated" | "empty"): Promise<string> {
  connected ??= connectPostgres();
  const { client, url, template } = await connected;
  const name = `portcullis_test_${randomBytes(8).toString("hex")}`;
  const source = contents === "migrated" ? template : "template0";
  await client.query(`create database ${escapeIdentifier(name)} template ${escapeIdentifier(source)}`);
  created.push(name);
  return databaseUrl(url, name);
}

async function connectPostgres(): Promise<{ client: Client; url: string; template: string }> {
  if (givenUrl === undefined) ownServer = await startPostgres();
  const url = givenUrl ?? ownServer?.url ?? "";
  const client = new Client({ connectionString: url });
  await client.connect();
  return { client, url, template: await ensureTemplate(client, url) };
}

/**
 * A migrated database that others are copied from, which takes a fraction of migrating each. It is shared by all test
 * processes, so one of them makes it while the others wait, and its name changes with the migrations' source.
 */
async function ensureTemplate(client: Client, url: string): Promise<string> {
  const template = `portcullis_template_${migrationsDigest()}`;
  const unfinished = `${template}_unfinished`;
  await client.query("select pg_advisory_lock(7206844118)");
  const { rowCount } = await client.query("select 1 from pg_database where datname = $1", [template]);
  if (rowCount === 0) {
    await client.query(`drop database if exists ${escapeIdentifier(unfinished)}`);
    await client.query(`create database ${escapeIdentifier(unfinished)} template template0`);
    const db = await openDatabase({ url: databaseUrl(url, unfinished), home: "/nonexistent" });
    await migrate(db);
    await db.close();
    await client.query(`alter database ${escapeIdentifier(unfinished)} rename to ${escapeIdentifier(template)}`);
  }
  await client.query("select pg_advisory_unlock(7206844118)");
  return template;
}

function migrationsDigest(): string {
  const source = fileURLToPath(new URL("../../src/db/", import.meta.url));
  const files = readdirSync(join(source, "migrations")).map((file) => join("migrations", file));
  const hash = createHash("sha256");
  for (const file of ["migrate.ts", ...files.toSorted()]) hash.update(readFileSync(join(source, file)));
  return hash.digest("hex").slice(0, 16);
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function dropPostgres(): Promise<void> {
  if (connected === undefined) return;
  const { client } = await connected;
  for (const name of created) await client.query(`drop database ${escapeIdentifier(name)} with (force)`);
  await client.end();
  await ownServer?.stop();
}

after(async () => {
  await Promise.all(opened.map((db) => db.close()));
  await dropPostgres();
});
process.on("exit", () => {
  if (directory !== undefined) rmSync(directory, { recursive: true, force: true });
});

export const databases: readonly TestDatabase[] = [
  {
    name: "SQLite",
    skip: undefined,
    open: async () => open(await createSqlite("migrated")),
    create: createSqlite,
  },
  {
    name: "PostgreSQL",
    skip: postgresSkip(),
    open: async () => open(await createPostgres("migrated")),
    create: createPostgres,
  },
];
