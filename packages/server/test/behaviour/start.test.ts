import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { sql } from "kysely";
import { endpoints } from "@portcullis/contract";
import { openDatabase } from "../../src/db/index.ts";
import { createSimulator } from "../../src/simulator/index.ts";
import { databases } from "../support/databases.ts";
import { send, temporaryHome } from "../support/gateway.ts";
import { callersOf, cli, explanation, furnish, serve, serveRefused, type ServeOptions } from "../support/process.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { ask, assertRefused, dialectIds } from "./ask.ts";

/*
 * What a start may meet. A gateway that cannot run as it should does not run: it ends with exit code 1 and one error in
 * words, with what to type where typing helps, and it has repaired, overwritten and opened nothing.
 */

const newHome = (): string => join(temporaryHome(), "home");

/** A home that a gateway has run on. */
async function usedHome(options: Omit<ServeOptions, "home"> & { readonly home?: string } = {}): Promise<string> {
  const home = options.home ?? newHome();
  assert.equal((await (await serve({ ...options, home })).stop()).code, 0);
  return home;
}

/** The one error that the start ends with. */
async function refusalOf(
  options: ServeOptions,
): Promise<{ readonly error: string; readonly hint: string | undefined }> {
  const ended = await serveRefused(options);
  assert.equal(ended.code, 1, ended.stderr);
  assert.equal(ended.stdout, "", "it does not say that it listens");
  assert.equal(ended.stderr.match(/^error: /gm)?.length, 1, ended.stderr);
  assert.doesNotMatch(ended.stderr, /^ +at |\n\n|node:/m, "no stack, no blank lines");
  return explanation(ended);
}

async function assertStarts(options: ServeOptions): Promise<void> {
  const gate = await serve(options);
  assert.equal((await send(`${gate.url}/readyz`, "GET", "")).status, 200);
  assert.equal((await gate.stop()).code, 0);
}

test("files that are open to others: the start is refused with the command that mends it, and typing that helps", async () => {
  const home = await usedHome();
  for (const [name, wrong, right] of [
    [".", 0o755, 0o700],
    ["root.key", 0o644, 0o600],
    ["admin.token", 0o640, 0o600],
    ["portcullis.db", 0o604, 0o600],
  ] as const) {
    const path = name === "." ? home : join(home, name);
    chmodSync(path, wrong);
    const { error, hint } = await refusalOf({ home });
    assert.ok(error.startsWith(`${path} `), error);
    assert.equal(hint, `chmod ${right.toString(8)} ${path}`);
    assert.equal(statSync(path).mode & 0o777, wrong, "nothing is repaired silently");
    execFileSync("sh", ["-c", hint]);
    await assertStarts({ home });
  }
});

test("a home that is a symbolic link is refused, with the directory to name", async () => {
  const home = await usedHome();
  const link = join(temporaryHome(), "link");
  symlinkSync(home, link);
  const { error, hint } = await refusalOf({ home: link });
  assert.equal(error, `${link} is a symbolic link`);
  assert.equal(hint, `name the directory itself: --home ${home}`);
});

test("a read-only file system: a new home and a used one are refused in words", async (t) => {
  const disk = mountSmallDisk(t, 8_192);
  if (disk === undefined) return;
  const used = await usedHome({ home: join(disk.path, "used") });
  disk.makeReadOnly();
  const fresh = join(disk.path, "fresh");
  const made = await refusalOf({ home: fresh });
  assert.equal(made.error, `${fresh} could not be created: the file system is read-only`);
  const kept = await refusalOf({ home: used });
  assert.match(kept.error, /^\S+used\S* could not be \w+: the file system is read-only$/);
});

test("a port in use: one line says so, and how to choose another", async (t) => {
  const other = createServer().listen(0, "127.0.0.1");
  t.after(() => void other.close());
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  const home = newHome();
  const { error, hint } = await refusalOf({ home, args: ["--port", String(port)] });
  assert.equal(error, `port ${port} on 127.0.0.1 is already in use`);
  assert.equal(hint, "stop the other program, or choose another with --port");
  await assertStarts({ home });
});

test("a second gateway on the same home is refused; the first goes on, and its death frees the home", async () => {
  const home = newHome();
  const first = await serve({ home });
  const { error, hint } = await refusalOf({ home });
  assert.equal(error, `another Portcullis (process ${first.pid}) already runs on ${home}`);
  assert.equal(hint, "stop it first, or choose another home with --home");
  assert.equal((await send(`${first.url}/readyz`, "GET", "")).status, 200);
  await first.kill();
  await assertStarts({ home });
});

test("a vault whose key is gone stays shut: no new key is made in its place, and the old one still opens it", async () => {
  const home = await usedHome();
  const key = join(home, "root.key");
  renameSync(key, join(home, "kept"));
  const { error } = await refusalOf({ home });
  assert.match(error, /^this database holds a sealed vault, but /);
  assert.ok(!existsSync(key));
  renameSync(join(home, "kept"), key);
  await assertStarts({ home });
});

test("a file that is no database is refused and left as it is", async () => {
  const home = await usedHome();
  const file = join(home, "portcullis.db");
  renameSync(file, `${file}.kept`);
  writeFileSync(file, "not a database, but long enough to be looked at".repeat(100), { mode: 0o600 });
  const { error, hint } = await refusalOf({ home });
  assert.match(error, /is damaged, or is not a SQLite database$/);
  assert.match(hint ?? "", /^restore a backup/);
  assert.equal(statSync(file).size, 4_700);
});

for (const database of databases) {
  test(`a database of a newer version is refused (${database.name})`, { skip: database.skip }, async () => {
    const url = await database.create("migrated");
    const db = await openDatabase({ url, home: "/nonexistent" });
    await sql`insert into migrations (number, name, applied_at) values (999, 'tomorrow', 1)`.execute(db.kysely);
    await db.close();
    const { error, hint } = await refusalOf({ home: newHome(), environment: { PORTCULLIS_STORAGE_URL: url } });
    assert.match(error, /^the database was written by a newer Portcullis \(schema 999, this one knows \d+\)$/);
    assert.equal(hint, "install that version, or restore a backup made before the upgrade");
  });
}

test("without its passphrase the gateway starts sealed: 503 for callers, until `vault unseal` is given it", async (t) => {
  const simulator = createSimulator();
  const upstream = await simulator.listen();
  t.after(() => simulator.close());
  const passphrase = "four words are not enough";
  const environment = { PORTCULLIS_VAULT_UNLOCKER: "passphrase" };
  const home = newHome();
  const first = await serve({ home, environment: { ...environment, PORTCULLIS_PASSPHRASE: passphrase } });
  const key = await furnish(first.admin, upstream.url, "sk-provider-key");
  await first.stop();
  assert.ok(!existsSync(join(home, "root.key")));

  const gate = await serve({ home, environment });
  t.after(() => gate.kill());
  const callers = callersOf(gate.url, key);
  for (const dialect of dialectIds) {
    const reply = await ask(callers, dialect);
    assertRefused(dialect, reply, 503, "vault_sealed");
    assert.equal(reply.headers["retry-after"], "5");
  }
  assert.equal((await send(`${gate.url}/readyz`, "GET", "")).status, 503);
  assert.equal((await send(`${gate.url}/healthz`, "GET", "")).status, 200);
  assert.equal((await gate.admin.call(endpoints.status.get)).vault, "sealed");
  assert.equal(simulator.requests.length, 0);

  const place = { home, url: gate.url };
  const wrong = await cli(["vault", "unseal"], { ...place, input: "four words are enough now" });
  assert.equal(wrong.code, 4, wrong.stderr);
  assert.equal(explanation(wrong).error, "the vault cannot be unsealed with what was given");
  assertRefused("openai-chat", await ask(callers, "openai-chat"), 503, "vault_sealed");
  const right = await cli(["vault", "unseal", "--json"], { ...place, input: `${passphrase}\n` });
  assert.equal(right.code, 0, right.stderr);
  for (const dialect of dialectIds) assert.equal((await ask(callers, dialect)).status, 200);
  assert.equal((await send(`${gate.url}/readyz`, "GET", "")).status, 200);
});
