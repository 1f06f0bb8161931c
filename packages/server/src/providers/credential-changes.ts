import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Vault } from "../vault/index.ts";
import { parseKey } from "./auth.ts";
import type { KeySources } from "./credential-keys.ts";
import type { CredentialChange, CredentialRecord, CredentialRecords } from "./credential-records.ts";
import type { Troubles } from "./credential-troubles.ts";
import type { LiveSet } from "./live-set.ts";
import { parseName } from "./names.ts";
import { parseKeyReference } from "./key-reference.ts";
import { recordOf, referenceIn, type SealedField } from "./sealed-text.ts";

export interface NewCredential {
  /** `default` unless given. */
  readonly label?: string | undefined;
  /** 1 to 1000, 1 unless given. */
  readonly weight?: number | undefined;
  /** 0 to 1000, 0 unless given. Lower goes first. */
  readonly priority?: number | undefined;
  readonly expiresAt?: number | undefined;
}

/** Only what is given changes. `expiresAt` null: it does not expire. */
export interface CredentialUpdate extends Omit<NewCredential, "expiresAt"> {
  readonly expiresAt?: number | null | undefined;
}

export interface CredentialChangeParts {
  readonly clock: Clock;
  readonly vault: Pick<Vault, "sealed" | "put" | "get" | "cached" | "list" | "remove" | "forget">;
  readonly live: Pick<LiveSet, "require">;
  readonly sources: KeySources;
  readonly records: CredentialRecords;
  readonly troubles: Troubles;
  /** Throws `not_found`. */
  readonly get: (id: string) => CredentialRecord;
  /** Puts what was written in force. */
  readonly refresh: () => Promise<void>;
}

/** What adds a credential. */
export function createAdditions({ clock, vault, live, sources, records, get, refresh }: CredentialChangeParts) {
  async function add(
    providerId: string,
    sealed: { readonly field: SealedField; readonly text: Secret },
    shown: Pick<CredentialRecord, "lastFour" | "reference">,
    input: NewCredential,
  ): Promise<CredentialRecord> {
    const { origin } = live.require(providerId);
    const now = clock.now();
    const id = newId("cred", now);
    const given = parseInput(input, now);
    await vault.put(recordOf(id, sealed.field), sealed.text, [origin]);
    try {
      const fixed = { id, providerId, source: "stored", status: "active", createdAt: now, updatedAt: now } as const;
      await records.insert({ ...fixed, ...given, ...shown, origins: [origin], ...untested });
    } catch (error) {
      await removeSealed(vault, id, [sealed.field]);
      throw error;
    }
    await refresh();
    return get(id);
  }

  return {
    /** Throws `vault_sealed` or `invalid_request` if such a key could not be added now. */
    requireAddable: (key: Secret): void => {
      parseKey(key);
      if (vault.sealed) throw new AppError("vault_sealed");
    },

    /** Throws `not_found`, `invalid_request`, `vault_sealed`. */
    add: async (providerId: string, value: Secret, input: NewCredential = {}): Promise<CredentialRecord> => {
      live.require(providerId);
      const key = parseKey(value);
      return add(providerId, { field: "value", text: key }, { lastFour: key.lastFour, reference: null }, input);
    },

    /** What a reference names now, checked as a key is. Throws `reference_invalid`, `source_failed`, `invalid_request`. */
    readReference: async (providerId: string, reference: string): Promise<Secret> => {
      live.require(providerId);
      return parseKey(await sources.resolve(referenceIn(parseKeyReference(reference))));
    },

    /**
     * A key that lies elsewhere and is read from there when it is used: `vault:secret/data/openai#key`. Whether it can
     * be read is not looked at. Throws `reference_invalid`, and what `add` throws.
     */
    addReference: async (
      providerId: string,
      reference: string,
      input: NewCredential = {},
    ): Promise<CredentialRecord> => {
      live.require(providerId);
      const text = parseKeyReference(reference);
      return add(providerId, { field: "reference", text }, { lastFour: "", reference }, input);
    },
  };
}

/** What changes no key. */
export function createStateChanges(parts: CredentialChangeParts) {
  const { clock, vault, records, troubles, get, refresh } = parts;

  async function change(id: string, changes: CredentialChange): Promise<CredentialRecord> {
    requireStored(get(id));
    await records.change(id, { ...changes, updatedAt: clock.now() });
    await refresh();
    return get(id);
  }

  return {
    update: (id: string, { label, weight, priority, expiresAt }: CredentialUpdate): Promise<CredentialRecord> => {
      const parsed = parseInput({ label, weight, priority, expiresAt: expiresAt ?? undefined }, clock.now());
      return change(id, {
        ...(label !== undefined && { label: parsed.label }),
        ...(weight !== undefined && { weight: parsed.weight }),
        ...(priority !== undefined && { priority: parsed.priority }),
        ...(expiresAt !== undefined && { expiresAt: parsed.expiresAt }),
      });
    },

    /** No request that begins after this uses it. */
    disable: async (id: string): Promise<CredentialRecord> => {
      const record = await change(id, { status: "disabled" });
      for (const field of sealedFields) vault.forget(recordOf(id, field));
      return record;
    },

    enable: (id: string): Promise<CredentialRecord> => {
      troubles.clear(id);
      return change(id, { status: "active" });
    },

    /** Keeps what a test of the key found. One that went well ends what was held against it. */
    recordTest: async (id: string, result: { readonly ok: boolean; readonly error?: string }) => {
      const found = { testedAt: clock.now(), testOk: result.ok, testError: result.error ?? null };
      if (!result.ok) return change(id, found);
      troubles.clear(id);
      return change(id, { ...found, ...(get(id).status === "failing" && { status: "active" as const }) });
    },

    /** Used last from now on. One that is disabled stays so. */
    markFailing: async (id: string): Promise<void> => {
      if (get(id).status !== "disabled") await change(id, { status: "failing" });
    },

    /** Ends that. */
    markSound: async (id: string): Promise<void> => {
      if (get(id).status === "failing") await change(id, { status: "active" });
    },

    // The sealed keys go first: a failure in between leaves a row without a key, which can be seen and removed again,
    // and never a key that nobody sees.
    remove: async (id: string): Promise<void> => {
      requireStored(get(id));
      await removeSealed(vault, id, sealedFields);
      await records.remove(id);
      await refresh();
    },
  };
}

export function requireStored(record: CredentialRecord): CredentialRecord {
  if (record.source === "stored") return record;
  throw new AppError("invalid_request", {
    problem: `\`${record.id}\` is not kept in the vault; change it where it comes from`,
  });
}

const sealedFields: readonly SealedField[] = ["previous", "value", "reference"];

export async function removeSealed(
  vault: Pick<Vault, "remove">,
  id: string,
  fields: readonly SealedField[],
): Promise<void> {
  for (const field of fields) {
    try {
      await vault.remove(recordOf(id, field));
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "not_found") throw error;
    }
  }
}

export const untested = { testedAt: null, testOk: null, testError: null } as const;

function parseInput(input: NewCredential, now: number) {
  const { weight = 1, priority = 0, expiresAt } = input;
  if (!Number.isInteger(weight) || weight < 1 || weight > 1000) {
    throw new AppError("invalid_request", { problem: "the weight is a whole number from 1 to 1000" });
  }
  if (!Number.isInteger(priority) || priority < 0 || priority > 1000) {
    throw new AppError("invalid_request", { problem: "the priority is a whole number from 0 to 1000" });
  }
  if (expiresAt !== undefined) requireFuture(expiresAt, now);
  return { label: parseName(input.label ?? "default"), weight, priority, expiresAt: expiresAt ?? null };
}

export function requireFuture(expiresAt: number, now: number): void {
  if (Number.isSafeInteger(expiresAt) && expiresAt > now) return;
  throw new AppError("invalid_request", { problem: "the time of expiry must lie in the future" });
}
