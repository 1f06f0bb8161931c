import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { migrate, migrationStatus, openDatabase, type MigrationStatus } from "../../src/db/index.ts";
import { migrations } from "../../src/db/migrations/index.ts";
import { send, temporaryHome } from "../support/gateway.ts";
import { cli, explanation, serve, serveRefused } from "../support/process.ts";

/*
 * A home that an earlier version ran on: its database is copied before it is upgraded, or it is not upgraded. And what
 * is copied can be put back.
 */

const known = migrations.length;

/** A home with a database as the first version left it, with an owner in it. */
async function oldHome(): Promise<string> {
  const home = join(temporaryHome(), "home");
  mkdirSync(home, { mode: 0o700 });
  const db = await openDatabase({ url: "sqlite:", home });
  await migrate(db, { migrations: migrations.slice(0, 1) });
  await db.kysely.insertInto("users").values({ id: "usr_owner", name: "ada", role: "owner", created_at: 1 }).execute();
  await db.close();
  return home;
}

async function schemaOf(file: string): Promise<MigrationStatus> {
  const db = await openDatabase({ url: `sqlite:${file}`, home: "/nonexistent" });
  try {
    return await migrationStatus(db);
  } finally {
    await db.close();
  }
}

const copyName = /^portcullis-0001-\d{8}T\d{9}Z\.db$/;

function onlyCopy(home: string): string {
  const [name = "", ...others] = readdirSync(join(home, "backups"));
  assert.deepEqual(others, []);
  assert.match(name, copyName);
  return join(home, "backups", name);
}

test("a start on an older database copies it first, says so, and goes on with what was in it", async () => {
  const home = await oldHome();
  const gate = await serve({ home });
  const copy = onlyCopy(home);
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  assert.equal((await schemaOf(copy)).current, 1);
  assert.equal((await schemaOf(join(home, "portcullis.db"))).current, known);
  const logged = gate
    .stderr()
    .split("\n")
    .find((line) => line.includes("the database was copied before its upgrade"));
  assert.equal((JSON.parse(logged ?? "{}") as { path?: string }).path, copy);
  assert.equal((await gate.admin.call(endpoints.status.get)).claimed, true);
  await gate.stop();

  const again = await serve({ home });
  assert.equal(onlyCopy(home), copy, "the next start has nothing to copy");
  await again.stop();
});

test("without room for the copy the start is refused in words, and the database is as it was", async () => {
  const home = await oldHome();
  writeFileSync(join(home, "backups"), "in the way", { mode: 0o600 });
  const ended = await serveRefused({ home });
  assert.equal(ended.code, 1);
  const { error, hint } = explanation(ended);
  assert.match(
    error,
    /^the database could not be copied to \S+backups\/portcullis-0001-\S+\.db, so it was not upgraded: /,
  );
  assert.match(hint ?? "", /^make room there/);
  assert.equal((await schemaOf(join(home, "portcullis.db"))).current, 1);
});

test("`db migrate` copies first, too, and names the copy", async () => {
  const home = await oldHome();
  const done = await cli(["db", "migrate", "--json"], { home });
  assert.equal(done.code, 0, done.stderr);
  const { from, to, backup } = JSON.parse(done.stdout) as { from: number; to: number; backup: string };
  assert.deepEqual([from, to, backup], [1, known, onlyCopy(home)]);
  assert.equal((await schemaOf(backup)).current, 1);
  const nothing = await cli(["db", "migrate"], { home });
  assert.match(nothing.stdout, /^the schema is up to date/);
});

test("`db backup` copies the database of a gateway that runs; put back, it holds what there was then", async () => {
  const home = join(temporaryHome(), "home");
  const gate = await serve({ home });
  const before = await gate.admin.call(endpoints.keys.create, { input: { description: "before" } });
  const file = join(temporaryHome(), "copy.db");
  const done = await cli(["db", "backup", file, "--json"], { home });
  assert.equal(done.code, 0, done.stderr);
  assert.deepEqual(JSON.parse(done.stdout), { file, bytes: statSync(file).size });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const again = await cli(["db", "backup", file], { home });
  assert.equal(again.code, 2);
  assert.equal(explanation(again).error, `${file} exists already`);
  const after = await gate.admin.call(endpoints.keys.create, { input: { description: "after" } });
  await gate.stop();

  for (const suffix of ["-wal", "-shm"]) rmSync(join(home, `portcullis.db${suffix}`), { force: true });
  copyFileSync(file, join(home, "portcullis.db"));
  const restored = await serve({ home });
  const asks = (key: string) => send(`${restored.url}/v1/models`, "GET", key);
  assert.equal((await asks(before.key)).status, 200);
  assert.equal((await asks(after.key)).status, 401);
  assert.equal((await restored.stop()).code, 0);
});
