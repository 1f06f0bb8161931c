import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import type { Keys } from "../identity/index.ts";
import type { CredentialRecord, Provider, Providers } from "../providers/index.ts";
import type { Vault } from "../vault/index.ts";
import type { Fingerprints } from "./fingerprint.ts";
import type { PlannedProvider } from "./provider-place.ts";

/** What an import acts on. */
export interface RunParts {
  readonly clock: Clock;
  readonly keys: Keys;
  readonly providers: Providers;
  readonly vault: Pick<Vault, "get" | "put">;
}

/** A key that a provider has already. */
export interface HeldKey {
  readonly id: string;
  readonly digest: Buffer;
}

/** One call: what it acts on, and what it found or foresees, so that a dry run says what a real one would do. */
export interface Run extends RunParts {
  readonly actor: string;
  readonly fingerprints: Fingerprints;
  /** Fingerprints of the items that a dry run would have made. */
  readonly plannedItems: Set<string>;
  /** Providers that a dry run would have made, by id. */
  readonly plannedProviders: Map<string, PlannedProvider>;
  /** `provider/model` of those a dry run would have made. */
  readonly plannedModels: Set<string>;
  /** Providers and references of the credentials that it would have made. */
  readonly plannedReferences: Set<string>;
  /** Digests of the values of secrets that a dry run would have made, by name. */
  readonly plannedSecrets: Map<string, Buffer>;
  /** The keys of a provider, this call's among them. */
  heldKeys(id: string, live: Provider | undefined): Promise<HeldKey[]>;
}

export function startRun(parts: RunParts, actor: string, fingerprints: Fingerprints): Run {
  const held = new Map<string, HeldKey[]>();
  return {
    ...parts,
    actor,
    fingerprints,
    plannedItems: new Set(),
    plannedProviders: new Map(),
    plannedModels: new Set(),
    plannedReferences: new Set(),
    plannedSecrets: new Map(),
    async heldKeys(id, live) {
      const known = held.get(id) ?? (live === undefined ? [] : await openKeys(live, parts.providers, fingerprints));
      held.set(id, known);
      return known;
    },
  };
}

async function openKeys(
  provider: Provider,
  { credentials }: Providers,
  fingerprints: Fingerprints,
): Promise<HeldKey[]> {
  const found: HeldKey[] = [];
  for (const record of credentials.list(provider.id).filter(isInVault)) {
    try {
      const value = await credentials.open(record, provider.origin);
      found.push({ id: record.id, digest: fingerprints.ofValue(value) });
    } catch (error) {
      if (!(error instanceof AppError) || !unopenable.has(error.code)) throw error;
    }
  }
  return found;
}

/** One that came with the start is not in the vault yet, which may be why the import is made. */
function isInVault(record: CredentialRecord): boolean {
  return record.source === "stored" && record.reference === null;
}

/** A key that does not open is not equal to any; what else goes wrong is not about this key. */
const unopenable: ReadonlySet<string> = new Set(["not_found", "vault_origin_refused", "vault_record_unreadable"]);
