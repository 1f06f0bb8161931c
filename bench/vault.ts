/**
 * `node bench/vault.ts`: what the vault's own work costs, without a gateway around it. One process, a temporary directory,
 * SQLite as it is installed (every change on the disk before it counts), then the vault's file. docs/benchmarks.md says more.
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { migrate, openDatabase, type Db } from "../packages/server/src/db/index.ts";
import { openHome, type Home } from "../packages/server/src/home/index.ts";
import { systemClock as clock } from "../packages/server/src/kernel/clock.ts";
import { Secret } from "../packages/server/src/kernel/secret.ts";
import { rewrapRecord, sealRecord } from "../packages/server/src/vault/envelope.ts";
import { createVault, type RecordRef, type Vault, type VaultStore } from "../packages/server/src/vault/index.ts";
import { systemRandom } from "../packages/server/src/vault/key-material.ts";
import { openVaultStore } from "../packages/server/src/vault/stores/open.ts";
import { aboutMachine } from "./machine.ts";
import { percentile } from "./statistics.ts";

const origin = "https://api.example.com:443";
const value = new Secret("sk-bench-0123456789abcdefghijklmnopqrstuvwxyz0123456789");
const refAt = (index: number): RecordRef => ({ type: "secret", id: `secret_${index}`, field: "value" });

/** As the rotation does it: read so many at once, and store so many in one transaction. */
const sizes = { piece: 400, slice: 100 } as const;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { records: { type: "string", default: "10000" }, rewrapped: { type: "string", default: "30000" } },
  });
  const records = Number(values.records);
  const counts = { records, rewrapped: Math.max(records, Number(values.rewrapped)) };
  const directory = mkdtempSync(join(tmpdir(), "portcullis-bench-vault-"));
  const home = openHome(join(directory, "home"));
  try {
    for (const [name, text] of Object.entries(aboutMachine())) console.log(`${name}: ${text}`);
    await measureAll(home, counts);
  } finally {
    home.release();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Counts {
  readonly records: number;
  /** Among how many it is measured how fast they are re-wrapped: starting the second thread is a part of it. */
  readonly rewrapped: number;
}

async function measureAll(home: Home, { records: count, rewrapped }: Counts): Promise<void> {
  const parts = { url: "sqlite:", home: home.path };
  const db = await openDatabase(parts);
  await migrate(db);
  const seedTo = async (from: number, to: number): Promise<void> =>
    seed(await openDatabase({ ...parts, synchronous: "normal" }), home, from, to);
  await seedTo(0, count);
  const { store, move } = await openVaultStore({ db, home, clock, wanted: "database" });
  const subject = { db, home, store, count };
  const moveTo = async (kind: "database" | "file"): Promise<void> => {
    const startedAt = clock.monotonic();
    await move(kind);
    tell(`moving ${count} to the ${kind}`, spelled(clock.monotonic() - startedAt));
  };
  console.log(`\nin the database, with ${count} records`);
  await measure(subject);
  await moveTo("file");
  console.log(`\nin a file of ${(statSync(home.file("vault.json")).size / 1e6).toFixed(1)} MB, with the same`);
  await measure(subject);
  await moveTo("database");
  console.log(`\nre-wrapping ${rewrapped} in the database`);
  await seedTo(count, rewrapped);
  timeRewrapping();
  for (let round = 1; round <= rotations; round++) await rotate({ ...subject, count: rewrapped });
  await rewrapAll(store, rewrapped); // from here on nothing opens any more
  await db.close();
}

const rotations = 3;

/** All of a rotation as a gateway does it, but for its rests: from the new term to the end of the old one. */
async function rotate({ db, home, store, count }: Subject): Promise<void> {
  const options = { unlocker: "key-file" } as const;
  const vault = createVault({ db, home, store, clock, options, rest: () => Promise.resolve() });
  await vault.start();
  const startedAt = clock.monotonic();
  const { term } = await vault.rotateKek();
  await vault.rewrapped();
  const tookMs = clock.monotonic() - startedAt;
  const { rotation } = await vault.status();
  const last = await store.find(refAt(count - 1));
  if (rotation !== null || last?.term !== term) throw new Error(rotation?.problem ?? "a record was left behind");
  await vault.get(refAt(count - 1), origin);
  vault.seal();
  tell("re-wrap, keys and store together:", perSecond(count, tookMs));
}

/** Through a connection that does not wait for the disk: this is not what is measured. */
async function seed(db: Db, home: Home, from: number, to: number): Promise<void> {
  const vault = createVault({ db, home, clock, options: { unlocker: "key-file" } });
  await vault.start();
  for (let index = from; index < to; index++) await vault.put(refAt(index), value, [origin]);
  await db.close();
}

interface Subject {
  readonly db: Db;
  readonly home: Home;
  readonly store: VaultStore;
  readonly count: number;
}

async function measure({ db, home, store, count }: Subject): Promise<void> {
  const vaultWith = async (cacheMs: number): Promise<Vault> => {
    const vault = createVault({ db, home, store, clock, options: { unlocker: "key-file", cacheMs } });
    await vault.start();
    return vault;
  };
  const [cold, warm] = [await vaultWith(0), await vaultWith(300_000)];
  await time("set one", 200, (index) => cold.put(refAt(index % count), value, [origin]));
  await time("open one, uncached", 2_000, (index) => cold.get(refAt(index % count), origin));
  await warm.get(refAt(0), origin);
  timeMany("open one, cached", 200_000, () => warm.cached(refAt(0), origin));
  await time(`list ${count}`, 10, () => store.list("secret"));
  for (const vault of [cold, warm]) vault.seal();
}

/** The work with the keys alone. */
function timeRewrapping(): void {
  const [kek, next] = [systemRandom(32), { term: 2, kek: systemRandom(32) }];
  const place = { ...refAt(0), version: 1, term: 1, origins: [origin] };
  const sealed = sealRecord(kek, place, Buffer.from(value.reveal()));
  timeMany("re-wrap one, the keys' work", 20_000, () => rewrapRecord(kek, place, sealed, next));
}

/** The store's work alone, as a rotation asks for it but without the rests that it takes. */
async function rewrapAll(store: VaultStore, count: number): Promise<void> {
  const { terms, epoch } = await store.loadKeys();
  const newTerm = (terms.at(-1)?.term ?? 0) + 1;
  await store.addTerm({ term: newTerm, wrapped: new Uint8Array(98) }, epoch, 0);
  const startedAt = clock.monotonic();
  for (let done = 0; done < count; ) {
    const found = await store.someBelow(newTerm, sizes.piece);
    for (let start = 0; start < found.length; start += sizes.slice) {
      const slice = found.slice(start, start + sizes.slice);
      done += await store.rewrap(slice.map((record) => ({ ref: record, newTerm, oldTerm: record.term, ...record })));
    }
  }
  tell("re-wrap one, the store's work", perSecond(count, clock.monotonic() - startedAt));
}

/** Each by itself. */
async function time(name: string, times: number, run: (index: number) => Promise<unknown>): Promise<void> {
  const took = new Float64Array(times);
  for (let index = 0; index < times; index++) {
    const startedAt = clock.monotonic();
    await run(index);
    took[index] = clock.monotonic() - startedAt;
  }
  const sorted = took.sort();
  tell(name, `${spelled(percentile(sorted, 0.5))} (p99 ${spelled(percentile(sorted, 0.99))})`);
}

/** Too short to time each. */
function timeMany(name: string, times: number, run: () => unknown): void {
  for (let index = 0; index < times / 10; index++) run();
  const startedAt = clock.monotonic();
  for (let index = 0; index < times; index++) run();
  const tookMs = clock.monotonic() - startedAt;
  tell(name, `${spelled(tookMs / times)}, ${perSecond(times, tookMs)}`);
}

function spelled(ms: number): string {
  return ms >= 1 ? `${ms.toFixed(1)} ms` : `${(ms * 1_000).toFixed(2)} µs`;
}

function perSecond(count: number, ms: number): string {
  return `${Math.round((count * 1_000) / ms)}/s`;
}

function tell(name: string, figure: string): void {
  console.log(`  ${name.padEnd(30)} ${figure}`);
}

await main();
