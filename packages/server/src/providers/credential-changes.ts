import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import type { Secret } from "../kernel/secret.ts";
import type { RecordRef, Vault } from "../vault/index.ts";
import { parseKey } from "./auth.ts";
import type { createCredentialRecords, CredentialRecord } from "./credential-records.ts";
import { parseName } from "./names.ts";
import type { LiveSet } from "./live-set.ts";

export interface NewCredential {
  /** `default` unless given. */
  readonly label?: string | undefined;
  /** 1 to 1000, 1 unless given. */
  readonly weight?: number | undefined;
  /** -1000 to 1000, 0 unless given. Higher goes first. */
  readonly priority?: number | undefined;
  readonly expiresAt?: number | undefined;
}

export interface CredentialChangeParts {
  readonly clock: Clock;
  readonly vault: Pick<Vault, "sealed" | "put" | "remove" | "forget">;
  readonly live: Pick<LiveSet, "require">;
  readonly records: ReturnType<typeof createCredentialRecords>;
  /** Throws `not_found`. */
  readonly get: (id: string) => CredentialRecord;
  /** Puts what was written in force. */
  readonly refresh: () => Promise<void>;
}

/** Where the vault keeps the key of a stored credential. */
export function refOf(id: string): RecordRef {
  return { type: "credential", id, field: "value" };
}

/** What gives a key to the vault. */
export function createKeyChanges({ clock, vault, live, records, get, refresh }: CredentialChangeParts) {
  return {
    /** Throws `vault_sealed` or `invalid_request` if such a key could not be added now. */
    requireAddable: (key: Secret): void => {
      parseKey(key);
      if (vault.sealed) throw new AppError("vault_sealed");
    },

    /** Throws `not_found`, `invalid_request`, `vault_sealed`. */
    add: async (providerId: string, value: Secret, input: NewCredential = {}): Promise<CredentialRecord> => {
      const { origin } = live.require(providerId);
      const key = parseKey(value);
      const now = clock.now();
      const id = newId("cred", now);
      const given = parseInput(input, now);
      const sealed = { lastFour: key.lastFour, origins: [origin], ...untested };
      await vault.put(refOf(id), key, [origin]);
      try {
        const known = { id, providerId, source: "stored", status: "active", createdAt: now, updatedAt: now } as const;
        await records.insert({ ...known, ...given, ...sealed });
      } catch (error) {
        await removeKey(vault, id);
        throw error;
      }
      await refresh();
      return get(id);
    },

    /** A new key in the place of the old one, sealed to the provider's present address. */
    rotate: async (id: string, value: Secret): Promise<CredentialRecord> => {
      const record = requireStored(get(id));
      const { origin } = live.require(record.providerId);
      const key = parseKey(value);
      await vault.put(refOf(id), key, [origin]);
      const sealed = { lastFour: key.lastFour, origins: [origin], ...untested };
      await records.update({ ...record, ...sealed, updatedAt: clock.now() });
      await refresh();
      return get(id);
    },
  };
}

/** What changes no key. */
export function createStateChanges({ clock, vault, records, get, refresh }: CredentialChangeParts) {
  async function change(id: string, changes: Partial<CredentialRecord>): Promise<CredentialRecord> {
    await records.update({ ...requireStored(get(id)), ...changes, updatedAt: clock.now() });
    await refresh();
    return get(id);
  }

  return {
    /** No request that begins after this uses it. */
    disable: async (id: string): Promise<CredentialRecord> => {
      const record = await change(id, { status: "disabled" });
      vault.forget(refOf(id));
      return record;
    },

    enable: (id: string): Promise<CredentialRecord> => change(id, { status: "active" }),

    /** Keeps what a test of the key found. */
    recordTest: (id: string, result: { readonly ok: boolean; readonly error?: string }): Promise<CredentialRecord> =>
      change(id, { testedAt: clock.now(), testOk: result.ok, testError: result.error ?? null }),

    // The sealed key goes first: a failure in between leaves a row without a key, which can be seen and removed again,
    // and never a key that nobody sees.
    remove: async (id: string): Promise<void> => {
      requireStored(get(id));
      await removeKey(vault, id);
      await records.remove(id);
      await refresh();
    },
  };
}

function requireStored(record: CredentialRecord): CredentialRecord {
  if (record.source === "stored") return record;
  throw new AppError("invalid_request", {
    problem: `\`${record.id}\` is not kept in the vault; change it where it comes from`,
  });
}

async function removeKey(vault: Pick<Vault, "remove">, id: string): Promise<void> {
  try {
    await vault.remove(refOf(id));
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "not_found") throw error;
  }
}

const untested = { testedAt: null, testOk: null, testError: null } as const;

function parseInput(input: NewCredential, now: number) {
  const { weight = 1, priority = 0, expiresAt } = input;
  if (!Number.isInteger(weight) || weight < 1 || weight > 1000) {
    throw new AppError("invalid_request", { problem: "the weight is a whole number from 1 to 1000" });
  }
  if (!Number.isInteger(priority) || Math.abs(priority) > 1000) {
    throw new AppError("invalid_request", { problem: "the priority is a whole number from -1000 to 1000" });
  }
  if (expiresAt !== undefined && !(Number.isSafeInteger(expiresAt) && expiresAt > now)) {
    throw new AppError("invalid_request", { problem: "the time of expiry must lie in the future" });
  }
  return { label: parseName(input.label ?? "default"), weight, priority, expiresAt: expiresAt ?? null };
}
