import { asAppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Db } from "../db/index.ts";
import type { Vault } from "../vault/index.ts";
import { planCredential } from "./credential-item.ts";
import { createFingerprints } from "./fingerprint.ts";
import { createImportedItems, type ImportedItems } from "./imported-items.ts";
import { nameOf, type ImportItem } from "./item.ts";
import { planKey } from "./key-item.ts";
import { isModelThere, planModel } from "./model-item.ts";
import { concernsItem, Refused, type Outcome, type Plan } from "./plan.ts";
import { planProvider } from "./provider-item.ts";
import { startRun, type Run, type RunParts } from "./run.ts";
import { openSecret, planSecret, secretRef } from "./secret-item.ts";

/*
 * Items are taken one after the other: looked at, told to `announce`, made, remembered. Each is made whole or not at all,
 * and is found again by what it is (a provider's address, a key's value, a new key's mark), not only by what was
 * remembered of it. So a run that was stopped at any instant is simply made again: it brings what is missing, and
 * nothing twice. What an admin changed or deleted of an imported thing since stays as the admin left it.
 */

export interface ImportParts extends RunParts {
  readonly db: Db;
  readonly vault: Pick<Vault, "get" | "put" | "namedKey" | "namedKeyOf" | "namedVersions">;
}

export interface ImportRequest {
  /** The kind of source, such as `litellm`. */
  readonly source: string;
  readonly items: readonly ImportItem[];
  /** Find out what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** Bring what was imported before and deleted since once more. */
  readonly again: boolean;
  /** Who imports, for what is made. */
  readonly actor: string;
  /** Is told of each item before it is made. What it throws stops the run. */
  announce(item: { readonly kind: ImportItem["kind"]; readonly name: string }): Promise<void>;
}

export interface ImportResult {
  readonly kind: ImportItem["kind"];
  readonly name: string;
  readonly outcome: Outcome;
  /** The id of what was made or found. */
  readonly target: string | null;
  readonly reason: string | null;
  readonly key?: Secret | undefined;
}

export interface Imports {
  /**
   * One result for each item. An item that cannot be had is a result, not an error; what is thrown (`vault_sealed`, the
   * database) stops the run between two items.
   */
  run(request: ImportRequest): Promise<readonly ImportResult[]>;
}

export function createImports(parts: ImportParts): Imports {
  const kept = createImportedItems(parts.db, () => parts.clock.now());
  let last: Promise<unknown> = Promise.resolve();
  return {
    // One at a time: of two runs with the same items, the second finds what the first made.
    run(request) {
      const result = last.then(() => runItems(request, parts, kept));
      last = result.catch(() => undefined);
      return result;
    },
  };
}

async function runItems(request: ImportRequest, parts: ImportParts, kept: ImportedItems): Promise<ImportResult[]> {
  const { key, earlier } = fingerprintKeys(parts.vault);
  try {
    const run = startRun(parts, request.actor, createFingerprints(key, earlier));
    const results: ImportResult[] = [];
    for (const item of request.items) results.push(await importItem(item, request, run, kept));
    return results;
  } finally {
    for (const each of [key, ...earlier]) each.fill(0);
  }
}

/** Those of the audit log's values, of which fingerprints are a kind. */
function fingerprintKeys(vault: ImportParts["vault"]): { readonly key: Buffer; readonly earlier: readonly Buffer[] } {
  const { version, key } = vault.namedKey("audit");
  const versions = vault.namedVersions("audit").filter((each) => each !== version);
  return { key, earlier: versions.flatMap((each) => vault.namedKeyOf("audit", each) ?? []) };
}

async function importItem(
  item: ImportItem,
  request: ImportRequest,
  run: Run,
  kept: ImportedItems,
): Promise<ImportResult> {
  const known = { kind: item.kind, name: nameOf(item) };
  try {
    return { ...known, ...(await takeOver(item, request, run, kept)) };
  } catch (thrown) {
    if (thrown instanceof Refused) return { ...known, outcome: thrown.outcome, target: null, reason: thrown.message };
    const error = asAppError(thrown);
    if (!concernsItem(error)) throw thrown;
    return { ...known, outcome: "failed", target: null, reason: error.message };
  }
}

type Taken = Omit<ImportResult, "kind" | "name">;

async function takeOver(item: ImportItem, request: ImportRequest, run: Run, kept: ImportedItems): Promise<Taken> {
  const fingerprints = run.fingerprints.of(request.source, item);
  const before = await kept.find(fingerprints);
  if (before !== undefined && (await isThere(item, before, run))) return present(before);
  if (before !== undefined && !request.again) {
    throw new Refused("skipped", "it was imported before and deleted since; `--again` imports it once more");
  }
  const plan = await planItem(item, fingerprints, run);
  const [fingerprint] = fingerprints;
  return request.dryRun ? foresee(plan, fingerprint, run) : carryOut(plan, item, fingerprint, request, kept);
}

function foresee(plan: Plan, fingerprint: string, { plannedItems }: Run): Taken {
  if ("present" in plan) return present(plan.present, plan.reason);
  if (plannedItems.has(fingerprint)) return present("");
  plannedItems.add(fingerprint);
  plan.foresee?.();
  return { outcome: "imported", target: null, reason: plan.reason ?? null };
}

async function carryOut(
  plan: Plan,
  item: ImportItem,
  fingerprint: string,
  request: ImportRequest,
  kept: ImportedItems,
): Promise<Taken> {
  const { kind } = item;
  if ("present" in plan) {
    await plan.finish?.();
    await kept.keep({ fingerprint, kind, target: plan.present });
    return present(plan.present, plan.reason);
  }
  await request.announce({ kind, name: nameOf(item) });
  const { target, key } = await plan.apply();
  await kept.keep({ fingerprint, kind, target });
  return { outcome: "imported", target, reason: plan.reason ?? null, key };
}

/** Of what a dry run would only have made, the id is not known. */
function present(target: string, reason?: string): Taken {
  return { outcome: "present", target: target === "" ? null : target, reason: reason ?? null };
}

/** Whether what an item became is here still. */
async function isThere(item: ImportItem, target: string, run: Run): Promise<boolean> {
  const { providers, keys, vault } = run;
  switch (item.kind) {
    case "provider":
      return providers.get(target) !== undefined;
    case "model":
      return isModelThere(item, run);
    case "credential":
      return providers.credentials.list().some(({ id }) => id === target);
    case "secret":
      return (await openSecret(secretRef(target), vault)) !== undefined;
    case "key":
      return keys.list().some(({ id }) => id === target);
  }
}

async function planItem(item: ImportItem, fingerprints: readonly [string, ...string[]], run: Run): Promise<Plan> {
  switch (item.kind) {
    case "provider":
      return planProvider(item, run);
    case "model":
      return planModel(item, run);
    case "credential":
      return planCredential(item, run);
    case "secret":
      return planSecret(item, run);
    case "key":
      return planKey(item, fingerprints, run);
  }
}
