import assert from "node:assert/strict";
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/kernel/clock.ts";
import { Secret } from "../../src/kernel/secret.ts";
import { migrate, openDatabase, type Db } from "../../src/db/index.ts";
import { openHome } from "../../src/home/index.ts";
import { createVault, type Vault } from "../../src/vault/index.ts";
import { encodeFields, openBox } from "../../src/vault/box.ts";
import { deriveBytes } from "../../src/vault/key-material.ts";
import { termPlace, unwrapKey } from "../../src/vault/wrapped-key.ts";

/*
 * After `seal`, no copy of a key is left anywhere in the process: its memory is dumped and searched for the root key, the
 * KEKs, the pepper and the DEKs, each also by halves, as freed memory loses its beginning first. The same search before
 * the sealing finds those that are held, which shows that it would find them. The records are so many that they are
 * re-wrapped in a second thread, which is at work when the vault is sealed.
 */

const child = fileURLToPath(new URL("../support/vault-child.ts", import.meta.url));
const records = 2_200;

type Keys = Readonly<Record<string, Buffer>>;

function obstacle(): string | false {
  if (process.platform !== "linux") return "memory is dumped on Linux only";
  const { error, status } = spawnSync("gcore", ["-h"]);
  const missing = error !== undefined || status === 127;
  return missing && "gcore is missing: apt-get install gdb";
}

/** Writes the memory of the process into a file. */
function dump(pid: number, directory: string): string {
  const dumped = spawnSync("gcore", ["-o", join(directory, "core"), String(pid)], { encoding: "utf8" });
  assert.equal(dumped.status, 0, dumped.stderr);
  return join(directory, `core.${pid}`);
}

/** How often the first and the second half of each key are in the file, which is removed. */
function search(path: string, keys: Keys): Record<string, number> {
  const needles = needlesOf(keys);
  const found = Object.fromEntries(Object.keys(keys).map((name) => [name, 0]));
  const file = openSync(path, "r");
  const size = 64 * 1024 * 1024;
  const buffer = Buffer.alloc(size);
  for (let position = 0; ; position += size - halfBytes) {
    const read = readSync(file, buffer, 0, size, position);
    for (const name of needles.within(buffer.subarray(0, read))) found[name] = (found[name] ?? 0) + 1;
    if (read < size) break;
  }
  closeSync(file);
  rmSync(path);
  return found;
}

const halfBytes = 16;

/** Finds any of thousands of byte strings in one reading: by a bit for the first three bytes of each, and only then in full. */
function needlesOf(keys: Keys): { within(piece: Buffer): readonly string[] } {
  const mayBegin = new Uint8Array(1 << 24);
  const byBeginning = new Map<number, { readonly name: string; readonly bytes: Buffer }[]>();
  const halves = Object.entries(keys).flatMap(([name, key]) => [
    { name, bytes: key.subarray(0, halfBytes) },
    { name, bytes: key.subarray(halfBytes) },
  ]);
  for (const half of halves) {
    const beginning = half.bytes.readUIntLE(0, 3);
    mayBegin[beginning] = 1;
    byBeginning.set(beginning, [...(byBeginning.get(beginning) ?? []), half]);
  }
  const namesAt = (piece: Buffer, at: number): readonly string[] => {
    const candidates = byBeginning.get(piece.readUIntLE(at, 3)) ?? [];
    return candidates.filter(({ bytes }) => piece.subarray(at, at + halfBytes).equals(bytes)).map(({ name }) => name);
  };
  return { within: (piece) => placesWithin(piece, mayBegin).flatMap((at) => namesAt(piece, at)) };
}

/** Where any may begin. A dump is nine tenths and more of it pages that nobody ever wrote to, which are passed over. */
function placesWithin(piece: Buffer, mayBegin: Uint8Array): number[] {
  const places: number[] = [];
  for (let start = 0; start < piece.length; start += untouched.length) {
    const block = piece.subarray(start, start + untouched.length);
    if (block.equals(untouched)) continue;
    addPlaces(piece.subarray(start, start + untouched.length + halfBytes - 1), start, mayBegin, places);
  }
  return places;
}

const untouched = Buffer.alloc(64 * 1024);

/** Without a call for each byte. */
function addPlaces(block: Uint8Array, start: number, mayBegin: Uint8Array, places: number[]): void {
  let beginning = ((block[0] ?? 0) << 8) | ((block[1] ?? 0) << 16);
  for (let at = 0; at <= block.length - halfBytes; at++) {
    beginning = (beginning >>> 8) | ((block[at + 2] as number) << 16);
    if (mayBegin[beginning] === 1) places.push(start + at);
  }
}

/** The sums for each kind of key. */
function summed(found: Record<string, number>): string {
  const sums: Record<string, number> = {};
  for (const [name, times] of Object.entries(found)) {
    const kind = name.replace(/ of .*/, "");
    sums[kind] = (sums[kind] ?? 0) + times;
  }
  return JSON.stringify(sums);
}

/** The keys of the vault as it is stored now, got at by opening it as its own process would. */
async function keysOf(vault: Vault, db: Db): Promise<Record<string, Buffer>> {
  const root = await vault.lendRootKey((key) => Promise.resolve(Buffer.from(key)));
  const keys: Record<string, Buffer> = { "root key": root, pepper: vault.namedKey("token").key };
  const wrappingKey = deriveBytes(root, Buffer.alloc(0), "portcullis kek 1", 32);
  for (const { term, wrapped } of await db.kysely.selectFrom("vault_terms").select(["term", "wrapped"]).execute()) {
    const kek = unwrapKey(wrappingKey, termPlace(term), wrapped) ?? assert.fail();
    keys[`KEK ${term}`] = kek;
    for (const row of await db.kysely.selectFrom("sealed_records").selectAll().where("kek_term", "=", term).execute()) {
      const { type, id, version, field, origins } = row;
      const place = [type, id, String(version), field, String(term), ...(JSON.parse(origins) as string[])];
      const dek = openBox(kek, encodeFields(["portcullis record 2", ...place]), row.sealed.subarray(10, 102));
      keys[`DEK of ${id}`] = dek ?? assert.fail();
    }
  }
  return keys;
}

async function within<Result>(path: string, run: (vault: Vault, db: Db) => Promise<Result>): Promise<Result> {
  const home = openHome(path);
  const db = await openDatabase({ url: `sqlite:${join(path, "portcullis.db")}`, home: path });
  const vault = createVault({ db, home, clock: systemClock, options: { unlocker: "auto" } });
  try {
    await migrate(db);
    await vault.start();
    return await run(vault, db);
  } finally {
    vault.seal();
    await db.close();
    home.release();
  }
}

async function usedTerms(url: string, home: string): Promise<number[]> {
  const db = await openDatabase({ url, home });
  const rows = await db.kysely.selectFrom("sealed_records").select("kek_term").distinct().orderBy("kek_term").execute();
  await db.close();
  return rows.map(({ kek_term: term }) => term);
}

/** Sends a line to the child, and waits for its answer. */
function conversation(process: ChildProcess): (line: string) => Promise<void> {
  const answers = createInterface({ input: process.stdout ?? assert.fail() })[Symbol.asyncIterator]();
  return async (line) => {
    if (line !== "started") process.stdin?.write(`${line}\n`);
    assert.equal((await answers.next()).value, line);
  };
}

test("a dump of the process after sealing holds no root key, KEK, pepper or DEK, and one before it holds them", {
  skip: obstacle(),
}, async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "portcullis-core-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const home = join(directory, "home");
  const before = await within(home, async (vault, db) => {
    for (let index = 0; index < records; index++) {
      await vault.put({ type: "credential", id: `cred_${index}`, field: "value" }, new Secret(`sk-${index}`), []);
    }
    return keysOf(vault, db);
  });
  const url = `sqlite:${join(home, "portcullis.db")}`;
  const running = spawn(process.execPath, [child, JSON.stringify({ url, home })], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  t.after(() => running.kill("SIGKILL"));
  const say = conversation(running);
  await say("started");
  await say("read");
  const held = search(dump(running.pid ?? 0, directory), before);
  t.diagnostic(`before sealing: ${summed(held)}`);
  for (const name of ["root key", "KEK 1"]) assert.ok((held[name] ?? 0) >= 2, `${name} is found before the sealing`);
  for (const line of ["put", "kek", "root", "read", "slot", "read"]) await say(line);
  await say("seal in the middle");
  running.stdin?.end();
  running.kill("SIGSTOP"); // it would end here, but for the dump
  const core = dump(running.pid ?? 0, directory);
  running.kill("SIGKILL");
  await once(running, "close");
  assert.deepEqual(await usedTerms(url, home), [2, 3], "it was sealed in the middle of a rotation");
  const later = await within(home, keysOf);
  const renamed = Object.entries(later).map(([name, key]) => [`${name}, after`, key]);
  const all = { ...before, ...(Object.fromEntries(renamed) as Keys) };
  const left = search(core, all);
  t.diagnostic(`after sealing: ${summed(left)}`);
  assert.deepEqual(left, Object.fromEntries(Object.keys(all).map((name) => [name, 0])));
  assert.notDeepEqual(later["root key"], before["root key"]);
});
