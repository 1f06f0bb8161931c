import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Vault } from "../vault/index.ts";
import type { KeyAccessParts } from "./credential-keys.ts";
import type { CredentialRecord, CredentialRecords } from "./credential-records.ts";
import { fromEnvironment, mayBeUsed, standingOf, type CredentialState } from "./credential-state.ts";
import type { Trouble, Troubles } from "./credential-troubles.ts";
import type { Provider } from "./live-provider.ts";
import type { LiveSet } from "./live-set.ts";
import { createReload } from "./reload.ts";
import { createTurns } from "./turns.ts";

export interface PoolParts extends Pick<KeyAccessParts, "clock" | "environment"> {
  readonly vault: Pick<Vault, "sealed">;
  readonly live: Pick<LiveSet, "get" | "require" | "list">;
  readonly records: CredentialRecords;
  readonly troubles: Troubles;
}

/** Is called after each reading of the table, with what tells whether a credential is still there. */
type RefreshListener = (isThere: (id: string) => boolean) => void;

/** What is known of the credentials, in memory, and which of them the next request uses. */
export function createPools(parts: PoolParts) {
  const known = createKnown(parts);
  return { ...known, ...createChoice(parts, known) };
}

function createKnown({ clock, live, environment, records }: PoolParts) {
  const since = clock.now();
  const listeners: RefreshListener[] = [];
  let byProvider: ReadonlyMap<string, readonly CredentialRecord[]> = new Map();
  let byId: ReadonlyMap<string, CredentialRecord> = new Map();

  const refresh = createReload(records.all, (all) => {
    byId = new Map(all.map((record) => [record.id, record]));
    byProvider = Map.groupBy(all, (record) => record.providerId);
    for (const listener of listeners) listener((id) => byId.has(id) || !id.startsWith("cred_"));
  });

  const stored = (providerId: string): readonly CredentialRecord[] => byProvider.get(providerId) ?? none;
  const brought = (provider: Provider): CredentialRecord | undefined => fromEnvironment(provider, environment, since);

  function of(provider: Provider): readonly CredentialRecord[] {
    const fallback = brought(provider);
    return fallback === undefined ? stored(provider.id) : [...stored(provider.id), fallback];
  }

  function lookUp(id: string): CredentialRecord | undefined {
    const all = (): readonly CredentialRecord[] => live.list().flatMap(of);
    return byId.get(id) ?? all().find((candidate) => candidate.id === id);
  }

  return {
    /** Reads the table again, for changes that another instance made. */
    refresh,
    onRefresh: (listener: RefreshListener): void => void listeners.push(listener),
    /** Those of a provider that the vault keeps. */
    stored,
    /** The one that the configuration or the environment brings for a provider. */
    brought,

    /** All of a provider, or of all providers; those from the environment among them. */
    list: (providerId?: string): readonly CredentialRecord[] => {
      const providers = providerId === undefined ? live.list() : [live.require(providerId)];
      return providers.flatMap(of);
    },

    lookUp,

    /** Throws `not_found`. */
    get: (id: string): CredentialRecord => {
      const record = lookUp(id);
      if (record === undefined) throw new AppError("not_found", { what: "credential", id });
      return record;
    },
  };
}

const none: readonly CredentialRecord[] = [];

function createChoice({ clock, live, vault, troubles }: PoolParts, known: ReturnType<typeof createKnown>) {
  const turns = createTurns();
  let someFail = false;
  known.onRefresh((isThere) => {
    const all = known.list();
    someFail = all.some((record) => record.status === "failing");
    turns.keepOnly(new Set(all.map((record) => record.id)));
    troubles.keepOnly(isThere);
  });

  function usable(provider: Provider): readonly CredentialRecord[] {
    return known.stored(provider.id).filter((record) => mayBeUsed(record, provider, clock.now()));
  }

  /** Those that may not work are left out while there are others. */
  function preferred(all: readonly CredentialRecord[]): readonly CredentialRecord[] {
    if ((troubles.none && !someFail) || all.length < 2) return all;
    const sound = all.filter(({ id, status }) => status !== "failing" && troubles.of(id) === undefined);
    return sound.length > 0 ? sound : all;
  }

  return {
    state: (record: CredentialRecord): CredentialState => {
      const standing = standingOf(record, live.require(record.providerId), clock.now());
      if (standing === "disabled" || standing === "expired" || standing === "wrong_origin") return standing;
      if (vault.sealed && record.source === "stored") return "sealed";
      return troubles.of(record.id)?.kind ?? standing;
    },

    /** What went wrong with it since it last worked. */
    troubleOf: (id: string): Trouble | undefined => troubles.of(id),

    /** The credential for the next request to a provider: the lowest priority, in turns by weight. */
    choose: (providerId: string): CredentialRecord | undefined => {
      const provider = live.get(providerId);
      if (provider === undefined) return undefined;
      return turns.next(preferred(usable(provider))) ?? known.brought(provider);
    },

    /** The same, but the turn is not taken. */
    peek: (providerId: string): CredentialRecord | undefined => {
      const provider = live.get(providerId);
      if (provider === undefined) return undefined;
      return turns.peek(preferred(usable(provider))) ?? known.brought(provider);
    },

    /** The credential of that id, if the provider has it and it can be used. */
    find: (providerId: string, id: string): CredentialRecord | undefined => {
      const provider = live.get(providerId);
      if (provider === undefined) return undefined;
      const fallback = known.brought(provider);
      return usable(provider).find((record) => record.id === id) ?? (fallback?.id === id ? fallback : undefined);
    },

    /** One that would be used if its provider had not another address than the key was given for. */
    strayed: (providerId: string): CredentialRecord | undefined => {
      const provider = live.get(providerId);
      const stored = known.stored(providerId);
      if (provider === undefined || stored.length === 0) return undefined;
      return stored.find((record) => standingOf(record, provider, clock.now()) === "wrong_origin");
    },

    /** Whether `choose` would find one. */
    hasUsable: (providerId: string): boolean => {
      const provider = live.get(providerId);
      if (provider === undefined) return false;
      return usable(provider).length > 0 || known.brought(provider) !== undefined;
    },
  };
}

/** Is told that a provider refused a key (401, or 403, which may be about something else). */
export type RefusalListener = (record: CredentialRecord, key: Secret, status: number) => void;
