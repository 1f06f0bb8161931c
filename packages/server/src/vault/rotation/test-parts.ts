import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after } from "node:test";
import { fakeClock, systemClock } from "../../kernel/clock.ts";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import type { Db } from "../../db/index.ts";
import { openHome, type Home } from "../../home/index.ts";
import { createVault, type RecordRef, type Vault, type VaultOptions } from "../index.ts";
import type { VaultStore } from "../store.ts";
import { createDatabaseStore } from "../stores/database.ts";

/** What the tests of rotation share. */

const base = mkdtempSync(join(tmpdir(), "portcullis-rotation-"));
const homes: Home[] = [];
after(() => {
  for (const home of homes) home.release();
  rmSync(base, { recursive: true, force: true });
});

export function freshHome(): Home {
  const home = openHome(join(base, String(homes.length)));
  homes.push(home);
  return home;
}

export const origin = "https://api.example.com:443";
export const refOf = (index: number): RecordRef => ({ type: "credential", id: `cred_${index}`, field: "value" });
export const valueOf = (index: number): string => `sk-value-${index}`;
export const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

/** Another instance with the same home, and so with the same key file. */
export function vaultIn(db: Db, home: Home, options: Partial<VaultOptions> = {}, store?: VaultStore): Vault {
  const clock = { ...fakeClock(), monotonic: () => systemClock.monotonic() };
  return createVault({ db, home, clock, options: { unlocker: "auto", ...options }, ...(store && { store }) });
}

export async function fill(vault: Vault, count: number, first = 0): Promise<void> {
  for (let index = first; index < first + count; index++) {
    await vault.put(refOf(index), new Secret(valueOf(index)), [origin]);
  }
}

export async function assertAllOpen(vault: Vault, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    vault.forget(refOf(index));
    assert.equal((await vault.get(refOf(index), origin)).reveal(), valueOf(index));
  }
}

export async function termsOf(db: Db): Promise<{ terms: number[]; used: number[] }> {
  const terms = await db.kysely.selectFrom("vault_terms").select("term").orderBy("term").execute();
  const used = await db.kysely.selectFrom("sealed_records").select("kek_term").distinct().orderBy("kek_term").execute();
  return { terms: terms.map(({ term }) => term), used: used.map(({ kek_term: term }) => term) };
}

type Call = keyof VaultStore;
export type FaultMode = "before" | "after";

/** A store whose n-th writing call fails, before or after it has done its work. `calls` are those that were made. */
export function faultyStore(db: Db): { store: VaultStore; calls: Call[]; failAt(n: number, mode: FaultMode): void } {
  const calls: Call[] = [];
  let fault: { readonly n: number; readonly mode: FaultMode } | undefined;
  const counted = new Set<PropertyKey>([
    "loadKeys",
    "addTerm",
    "removeUnusedTerms",
    "addNamedKey",
    "removeNamedKey",
    "stageRoot",
    "confirmRoot",
    "cancelRoot",
    "rewrap",
    "someBelow",
    "countBelow",
  ] satisfies Call[]);
  const store = new Proxy(createDatabaseStore(db), {
    get(target, name) {
      const original = Reflect.get(target, name) as unknown;
      if (typeof original !== "function" || !counted.has(name)) return original;
      return async (...parameters: unknown[]): Promise<unknown> => {
        calls.push(name as Call);
        const mine = fault?.n === calls.length ? fault.mode : undefined;
        if (mine === "before") throw new AppError("database_unavailable");
        const result: unknown = await Reflect.apply(original, target, parameters);
        if (mine === "after") throw new AppError("database_unavailable");
        return result;
      };
    },
  });
  return {
    store,
    calls,
    failAt(n, mode) {
      fault = { n: calls.length + n, mode };
    },
  };
}
