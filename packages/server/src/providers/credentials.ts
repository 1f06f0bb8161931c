import type { Db } from "../db/index.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Vault } from "../vault/index.ts";
import { createAdditions, createStateChanges } from "./credential-changes.ts";
import { createKeyAccess, type KeyAccessParts } from "./credential-keys.ts";
import { createPools, type PoolParts, type RefusalListener } from "./credential-pools.ts";
import { createCredentialRecords, type CredentialRecord } from "./credential-records.ts";
import { createRotation } from "./credential-rotation.ts";
import { createTroubles } from "./credential-troubles.ts";
import type { LiveSet } from "./live-set.ts";

export interface CredentialsParts extends KeyAccessParts {
  readonly db: Db;
  readonly vault: Pick<Vault, "sealed" | "put" | "get" | "cached" | "list" | "remove" | "forget">;
  readonly live: Pick<LiveSet, "get" | "require" | "list">;
}

export type Credentials = Awaited<ReturnType<typeof createCredentials>>;

/**
 * API keys for providers. What is known of them is held in memory, so that choosing one for a request costs no I/O;
 * their values are in the vault, each sealed to the origin that its provider had when the key was given.
 */
export async function createCredentials(parts: CredentialsParts) {
  const records = createCredentialRecords(parts.db);
  const troubles = createTroubles();
  const { onRefresh, stored, brought: _brought, ...pools } = createPools({ ...parts, records, troubles });
  const changeParts = { ...parts, records, troubles, get: pools.get, refresh: pools.refresh };
  const changes = { ...createAdditions(changeParts), ...createStateChanges(changeParts) };
  const { keepOverlaps, ...rotation } = createRotation(changeParts);
  onRefresh(keepOverlaps);
  const access = createKeyAccess({ ...parts, troubles, onOtherKey });
  await pools.refresh();

  function onOtherKey(id: string, { lastFour }: Secret): void {
    if (pools.lookUp(id)?.lastFour === lastFour) return; // it was put right meanwhile
    const mended = records.change(id, { lastFour }).then(pools.refresh);
    mended.catch(() => undefined); // it is seen again the next time
  }

  return {
    ...pools,
    ...access,
    ...changes,
    ...rotation,
    ...createAnswers({ ...parts, troubles, find: pools.lookUp, cached: access.cached }),
    /** All that are stored of a provider. */
    removeAll: async (providerId: string): Promise<void> => {
      for (const record of stored(providerId)) await changes.remove(record.id);
    },
  };
}

interface AnswerParts extends Pick<PoolParts, "clock" | "live" | "troubles"> {
  readonly find: (id: string) => CredentialRecord | undefined;
  readonly cached: (record: CredentialRecord, origin: string) => Secret | undefined;
}

/** What the providers' answers tell of the keys. */
function createAnswers({ clock, live, troubles, find, cached }: AnswerParts) {
  const listeners = new Set<RefusalListener>();

  function refused(id: string, key: Secret, status: number): void {
    const record = find(id);
    const provider = record && live.get(record.providerId);
    if (record === undefined || provider === undefined) return;
    // A request that began before a rotation may bring the end of the old key, which says nothing of the new one.
    const present = cached(record, provider.origin);
    if (present !== undefined && present !== key) return;
    if (status === 401) troubles.note(id, "refused", clock.now());
    for (const listener of listeners) listener(record, key, status);
  }

  return {
    /** To be told of every answer of a provider to a request that was sent with a key. */
    answered: (id: string, key: Secret, status: number): void => {
      if (status === 401 || status === 403) refused(id, key, status);
      else if (status < 300) troubles.clear(id);
    },

    /** Calls back for each refusal of a key in force; the result ends that. */
    onRefused: (listener: RefusalListener): (() => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
