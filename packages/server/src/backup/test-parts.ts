import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { fakeClock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { openDatabase, tableRows, tableShapes, type Db, type KeysTable } from "../db/index.ts";
import { homePath, openHome, type Home } from "../home/index.ts";
import { createVault, type Vault } from "../vault/index.ts";
import { createBackups, restoreBackup, restoreTarget, type Holders, type RestoreReport, type Target } from "./index.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-backup-"));
const homes: Home[] = [];
after(() => {
  for (const home of homes) home.release();
  rmSync(base, { recursive: true, force: true });
});
let count = 0;

export function freshHome(): Home {
  const home = openHome(join(base, `home-${count++}`));
  homes.push(home);
  return home;
}

export const freshPath = (): string => join(base, `backup-${count++}.age`);
export const clock = fakeClock();
export const identity = await generateX25519Identity();
export const recipient = await identityToRecipient(identity);
export const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

export const secrets = Array.from({ length: 40 }, (_, index) => ({
  ref: { type: "credential", id: `cred_${index}`, field: "value" } as const,
  value: new Secret(`sk-canary-${index}-${"é".repeat(index)}`),
  origins: [`https://api${index}.example.com:443`],
}));

/** A vault with secrets in it, and rows of several kinds beside it. */
export async function furnish(db: Db, home: Home): Promise<Vault> {
  const vault = createVault({ db, home, clock, options: { unlocker: "key-file" } });
  await vault.start();
  await vault.slots.add("passphrase", { label: "office", passphrase: new Secret("a passphrase of the office") });
  for (const { ref, value, origins } of secrets) await vault.put(ref, value, origins);
  const keys = Array.from({ length: 300 }, (_, index) => keyRow(index));
  await db.kysely.insertInto("keys").values(keys).execute();
  return vault;
}

function keyRow(index: number): KeysTable {
  return {
    id: `key_${String(index).padStart(4, "0")}`,
    kind: "caller",
    hmac: Buffer.alloc(32, index),
    last_four: "abcd",
    previous_hmac: index % 2 === 0 ? null : Buffer.alloc(32, index + 1),
    previous_until: null,
    user_name: `"ada"\n\u2028 ${index} 漢字 😀`,
    team: null,
    service: null,
    description: "",
    models: '["a","b"]',
    allow_ip: null,
    passthrough: null,
    pepper_version: 0,
    previous_pepper_version: 0,
    expires_at: Number.MAX_SAFE_INTEGER,
    disabled_at: null,
    created_at: 1_767_225_600_000 + index,
    created_by: "owner",
  };
}

/** Another connection to the same database. */
export function again(db: Db, url: string): () => Promise<Db> {
  return () => openDatabase({ url: db.engine === "sqlite" ? `sqlite:${db.describe}` : url, home: "/nonexistent" });
}

export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

export async function backUp(openAgain: () => Promise<Db>, vault: Vault, holders: Holders): Promise<string> {
  const settle = () => Promise.resolve();
  const make = createBackups({
    openDatabase: openAgain,
    vault,
    vaultFile: () => undefined,
    settle,
    clock,
    product: "1.0.0",
  });
  const file = freshPath();
  writeFileSync(file, await collect(await make(holders)), { mode: 0o600 });
  return file;
}

export function restore(
  file: string,
  home: Home,
  target: Target = restoreTarget("sqlite:", home),
): Promise<RestoreReport> {
  return restoreBackup({
    file,
    target,
    opener: (kind) => {
      assert.equal(kind, "identity");
      return Promise.resolve({ identities: [new Secret(identity)] });
    },
    opening: { unlocker: "key-file", keyFile: home.file("root.key") },
    dryRun: false,
    clock,
  });
}

/** Every row of every table. */
export async function contentOf(db: Db): Promise<Readonly<Record<string, unknown>>> {
  const kysely = db.kysely.withTables<never>();
  const content: Record<string, unknown> = {};
  for (const shape of await tableShapes(kysely, db.engine)) {
    const rows: unknown[] = [];
    for await (const page of tableRows(kysely, shape)) rows.push(...page);
    content[shape.name] = { columns: shape.columns, rows: rows.map((row) => JSON.stringify(row)) };
  }
  return content;
}

/** Of a database that was restored to, or was to be. */
export async function tableCount(url: string): Promise<number> {
  const db = await openDatabase({ url, home: "/nonexistent" });
  try {
    return (await tableShapes(db.kysely.withTables<never>(), db.engine)).length;
  } finally {
    await db.close();
  }
}

/** That all of `original` is there, and every secret opens with what this machine has. */
export async function assertRestored(original: Db, url: string, home: string): Promise<void> {
  const db = await openDatabase({ url, home });
  const held = openHomeOf(home);
  try {
    const [before, now] = [await contentOf(original), await contentOf(db)];
    assert.deepEqual(now["keys"], before["keys"]);
    const reopened = createVault({ db, home: held.home, clock, options: { unlocker: "key-file" } });
    await reopened.start();
    for (const { ref, value } of secrets) assert.equal((await reopened.get(ref)).reveal(), value.reveal());
  } finally {
    held.release();
    await db.close();
  }
}

/** Held by this process already, or by one that is dead. */
function openHomeOf(path: string) {
  try {
    const home = openHome(path);
    return { home, release: () => home.release() };
  } catch (error) {
    assert.ok(withCode("home_in_use")(error));
    return { home: { ...homePath(path), release: () => undefined }, release: () => undefined };
  }
}

/** Its queries fail once so many have gone well; those that end the transaction do not. */
export function failingAfter(db: Db, allowed: number): Db {
  let count = 0;
  const plugin: Parameters<Db["kysely"]["withPlugin"]>[0] = {
    transformQuery: ({ node }) => {
      if (count++ >= allowed) throw new AppError("database_unavailable");
      return node;
    },
    transformResult: ({ result }) => Promise.resolve(result),
  };
  return { ...db, kysely: db.kysely.withPlugin(plugin) };
}
