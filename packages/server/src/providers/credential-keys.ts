import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Sources } from "../sources/index.ts";
import type { Vault } from "../vault/index.ts";
import { parseKey } from "./auth.ts";
import type { CredentialRecord } from "./credential-records.ts";
import { fromEnvironment } from "./credential-state.ts";
import type { TroubleKind, Troubles } from "./credential-troubles.ts";
import type { LiveSet } from "./live-set.ts";
import { keyFieldOf, recordOf, referenceIn } from "./sealed-text.ts";

/** Reads what references name. */
export type KeySources = Pick<Sources, "resolve" | "cached" | "forget">;

export interface KeyAccessParts {
  readonly clock: Clock;
  readonly vault: Pick<Vault, "get" | "cached">;
  readonly live: Pick<LiveSet, "get">;
  /** Keys from the environment by the name of their variable. They are used where a provider has no usable stored key. */
  readonly environment: ReadonlyMap<string, Secret>;
  readonly sources: KeySources;
}

/**
 * How a key comes to a request. It is given for one origin, and never without the vault's word (for one that is not
 * stored: the configuration's) that it may go there: a row of the database alone moves no key. That holds for
 * references as well, whose text is opened for the origin before anything is read from where it points.
 */
export function createKeyAccess(
  parts: KeyAccessParts & {
    readonly troubles: Troubles;
    /** Is told of a row that shows the end of another key: a rotation was cut short between the key and its row. */
    readonly onOtherKey: (id: string, key: Secret) => void;
  },
) {
  const { clock, vault, sources, troubles, onOtherKey } = parts;
  const requirePresent = presenceChecker(parts);
  const parsed = createParsedKeys();

  async function openStored(record: CredentialRecord, origin: string): Promise<Secret> {
    const sealed = await vault.get(recordOf(record.id, keyFieldOf(record)), origin);
    if (record.reference !== null) return parsed.of(await sources.resolve(referenceIn(sealed)));
    if (sealed.lastFour !== record.lastFour) onOtherKey(record.id, sealed);
    return sealed;
  }

  async function openPresent(record: CredentialRecord, origin: string): Promise<Secret> {
    const { value, reference } = requirePresent(record, origin);
    return reference === undefined ? value : parsed.of(await sources.resolve(reference));
  }

  function cachedSource(reference: string): Secret | undefined {
    const value = sources.cached(reference);
    return value === undefined ? undefined : parsed.of(value);
  }

  return {
    /** The key if it is at hand, without waiting; never for an origin it was not sealed to. */
    cached: (record: CredentialRecord, origin: string): Secret | undefined => {
      if (record.source === "environment") {
        const { value, reference } = requirePresent(record, origin);
        return reference === undefined ? value : cachedSource(reference);
      }
      const sealed = vault.cached(recordOf(record.id, keyFieldOf(record)), origin);
      if (record.reference === null || sealed === undefined) return sealed;
      return cachedSource(referenceIn(sealed));
    },

    /**
     * The key. Throws `vault_sealed`, `vault_origin_refused` for an origin it was not sealed to,
     * `vault_record_unreadable`, `not_found`, and `source_failed` where it lies elsewhere.
     */
    open: async (record: CredentialRecord, origin: string): Promise<Secret> => {
      try {
        const key = await (record.source === "environment" ? openPresent : openStored)(record, origin);
        troubles.clear(record.id, ["unreadable", "wrong_origin", "source_failed"]);
        return key;
      } catch (error) {
        const kind = troubleOf(error, record);
        if (kind !== undefined) troubles.note(record.id, kind, clock.now());
        throw error;
      }
    },
  };
}

type Present =
  | { readonly value: Secret; readonly reference: undefined }
  | { readonly value: undefined; readonly reference: string };

/** What the configuration brings for a record, if it is still the one that does, for this origin. */
function presenceChecker({ live, environment }: KeyAccessParts) {
  return (record: CredentialRecord, origin: string): Present => {
    const provider = live.get(record.providerId);
    const present = provider && fromEnvironment(provider, environment, record.createdAt);
    if (present?.id === record.id && provider?.origin === origin) {
      if (present.reference !== null) return { value: undefined, reference: present.reference };
      const value = environment.get(present.label);
      if (value !== undefined) return { value, reference: undefined };
    }
    throw new AppError("vault_origin_refused", { id: record.id, origin });
  };
}

/** What a source gave, checked as a key that somebody typed is, once for each value. */
function createParsedKeys() {
  const parsed = new WeakMap<Secret, Secret>();
  return {
    of(value: Secret): Secret {
      const known = parsed.get(value);
      if (known !== undefined) return known;
      const key = parseKey(value);
      parsed.set(value, key);
      return key;
    },
  };
}

function troubleOf(error: unknown, { reference }: CredentialRecord): TroubleKind | undefined {
  if (!(error instanceof AppError)) return undefined;
  if (error.code === "vault_origin_refused") return "wrong_origin";
  if (error.code === "vault_record_unreadable" || error.code === "not_found") return "unreadable";
  if (error.code === "vault_sealed" || error.code === "database_unavailable") return undefined;
  return reference === null ? undefined : "source_failed";
}
