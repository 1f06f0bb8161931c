import type { Db } from "../db/index.ts";
import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Vault } from "../vault/index.ts";
import { createKeyChanges, createStateChanges, refOf } from "./credential-changes.ts";
import { createCredentialRecords, type CredentialRecord } from "./credential-records.ts";
import { fromEnvironment, stateOf, type CredentialState } from "./credential-state.ts";
import type { Provider } from "./live-provider.ts";
import type { LiveSet } from "./live-set.ts";
import { createReload } from "./reload.ts";
import { createTurns } from "./turns.ts";

export interface CredentialsParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly vault: Pick<Vault, "sealed" | "put" | "get" | "cached" | "remove" | "forget">;
  readonly live: Pick<LiveSet, "get" | "require" | "list">;
  /** Keys from the environment by the name of their variable. They are used where a provider has no usable stored key. */
  readonly environment: ReadonlyMap<string, Secret>;
}

export type Credentials = Awaited<ReturnType<typeof createCredentials>>;

/**
 * API keys for providers. What is known of them is held in memory, so that choosing one for a request costs no I/O;
 * their values are in the vault, each sealed to the origin that its provider had when the key was given.
 */
export async function createCredentials(parts: CredentialsParts) {
  const records = createCredentialRecords(parts.db);
  const pools = createPools(parts, records);
  await pools.refresh();
  const changeParts = { ...parts, records, get: pools.get, refresh: pools.refresh };
  const changes = { ...createKeyChanges(changeParts), ...createStateChanges(changeParts) };
  return {
    ...pools,
    ...createKeyAccess(parts),
    ...changes,
    /** All that are stored of a provider. */
    removeAll: async (providerId: string): Promise<void> => {
      const stored = pools.list(providerId).filter((record) => record.source === "stored");
      for (const record of stored) await changes.remove(record.id);
    },
  };
}

function createPools(
  { clock, live, environment }: CredentialsParts,
  records: ReturnType<typeof createCredentialRecords>,
) {
  const since = clock.now();
  const turns = createTurns();
  let byProvider: ReadonlyMap<string, readonly CredentialRecord[]> = new Map();
  let byId: ReadonlyMap<string, CredentialRecord> = new Map();

  const refresh = createReload(records.all, (all) => {
    byId = new Map(all.map((record) => [record.id, record]));
    byProvider = Map.groupBy(all, (record) => record.providerId);
    turns.keepOnly(new Set(byId.keys()));
  });

  function usable(provider: Provider): readonly CredentialRecord[] {
    const stored = byProvider.get(provider.id) ?? [];
    return stored.filter((record) => stateOf(record, provider, clock.now()) === "usable");
  }

  function of(provider: Provider): readonly CredentialRecord[] {
    const fallback = fromEnvironment(provider, environment, since);
    const stored = byProvider.get(provider.id) ?? [];
    return fallback === undefined ? stored : [...stored, fallback];
  }

  return {
    /** Reads the table again, for changes that another instance made. */
    refresh,

    /** All of a provider, or of all providers; those from the environment among them. */
    list: (providerId?: string): readonly CredentialRecord[] => {
      const providers = providerId === undefined ? live.list() : [live.require(providerId)];
      return providers.flatMap(of);
    },

    /** Throws `not_found`. */
    get: (id: string): CredentialRecord => {
      const record =
        byId.get(id) ??
        live
          .list()
          .flatMap(of)
          .find((candidate) => candidate.id === id);
      if (record === undefined) throw new AppError("not_found", { what: "credential", id });
      return record;
    },

    state: (record: CredentialRecord): CredentialState => stateOf(record, live.require(record.providerId), clock.now()),

    /** The credential for the next request to a provider: the highest priority, in turns by weight. */
    choose: (providerId: string): CredentialRecord | undefined => {
      const provider = live.get(providerId);
      if (provider === undefined) return undefined;
      return turns.next(usable(provider)) ?? fromEnvironment(provider, environment, since);
    },

    /** The credential of that id, if the provider has it and it can be used. */
    find: (providerId: string, id: string): CredentialRecord | undefined => {
      const provider = live.get(providerId);
      if (provider === undefined) return undefined;
      const fallback = fromEnvironment(provider, environment, since);
      return usable(provider).find((record) => record.id === id) ?? (fallback?.id === id ? fallback : undefined);
    },

    /** Whether `choose` would find one. */
    hasUsable: (providerId: string): boolean => {
      const provider = live.get(providerId);
      if (provider === undefined) return false;
      return usable(provider).length > 0 || fromEnvironment(provider, environment, since) !== undefined;
    },
  };
}

function createKeyAccess({ vault, live, environment }: CredentialsParts) {
  function openEnvironment(record: CredentialRecord, origin: string): Secret {
    const provider = live.get(record.providerId);
    const present = provider && fromEnvironment(provider, environment, record.createdAt);
    const value = environment.get(present?.label ?? "");
    if (value === undefined || present?.id !== record.id || provider?.origin !== origin) {
      throw new AppError("vault_origin_refused", { id: record.id, origin });
    }
    return value;
  }

  return {
    /** The key if it is at hand, without waiting; never for an origin it was not sealed to. */
    cached: (record: CredentialRecord, origin: string): Secret | undefined =>
      record.source === "environment" ? openEnvironment(record, origin) : vault.cached(refOf(record.id), origin),

    /** The key. Throws `vault_sealed`, or `vault_origin_refused` for an origin it was not sealed to. */
    open: async (record: CredentialRecord, origin: string): Promise<Secret> =>
      record.source === "environment" ? openEnvironment(record, origin) : vault.get(refOf(record.id), origin),
  };
}
