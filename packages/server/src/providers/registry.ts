import { isUniqueViolation, type Db } from "../db/index.ts";
import type { DialectId } from "../dialects/index.ts";
import type { Clock } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { Credentials } from "./credentials.ts";
import { dialectsOf, parseBaseUrl, type Provider } from "./live-provider.ts";
import { parseDialects, type LiveSet, type ProviderRow } from "./live-set.ts";
import type { Models } from "./models.ts";
import { parseId, parseName } from "./names.ts";
import type { ProviderDefinition } from "./provider.ts";

/** A provider of the user's own as it is asked for. Without dialects, the address tells which it is likely to speak. */
export interface NewProvider {
  readonly id: string;
  readonly name?: string | undefined;
  readonly baseUrl: string;
  readonly dialects?: readonly DialectId[] | undefined;
  readonly allowPrivate?: boolean | undefined;
}

/** Only what is given changes. */
export interface ProviderChange {
  readonly name?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly allowPrivate?: boolean | undefined;
}

/** The live set of providers, and how it is changed. */
export interface Registry extends Pick<LiveSet, "get" | "require" | "list" | "onChange"> {
  /** Throws `invalid_request` or `provider_exists`. */
  create(asked: NewProvider): Promise<Provider>;
  /**
   * With `key`, that becomes the provider's only stored key; with `null` it is left without one. A key belongs to the
   * address it was given for: where there are keys, a new address needs one of the two, and no key outlives the move.
   *
   * Throws `not_found`, `provider_declared`, `invalid_request`, `key_reentry_needed`, `vault_sealed`.
   */
  update(id: string, change: ProviderChange, key?: Secret | null): Promise<Provider>;
  /** With its models and keys. Throws `not_found`, `provider_declared`, `provider_predefined`. */
  remove(id: string): Promise<void>;
}

export interface RegistryParts {
  readonly db: Db;
  readonly clock: Clock;
  readonly predefined: readonly ProviderDefinition[];
  readonly live: LiveSet;
  readonly credentials: Credentials;
  readonly models: Models;
}

export function createRegistry(parts: RegistryParts): Registry {
  const { db, clock, live, credentials, models } = parts;
  return {
    get: live.get,
    require: live.require,
    list: live.list,
    onChange: live.onChange,

    create: async (asked) => {
      const row = newRow(asked, clock.now());
      if (live.get(row.id) !== undefined) throw new AppError("provider_exists", { id: row.id });
      try {
        await db.kysely.insertInto("providers").values(row).execute();
      } catch (error) {
        if (isUniqueViolation(error)) throw new AppError("provider_exists", { id: row.id }, { cause: error });
        throw error;
      }
      await live.refresh();
      return live.require(row.id);
    },

    update: async (id, change, key) => {
      const { row, moves } = plan(id, change, parts);
      const keyed = credentials.list(id).length > 0;
      if (moves && keyed && key === undefined) throw new AppError("key_reentry_needed", { id });
      if (key !== undefined && key !== null) credentials.requireAddable(key);
      // Removed first: at no instant is a key for the old address at hand while the new one is in force.
      if (moves || key !== undefined) await credentials.removeAll(id);
      if (row !== undefined) await writeRow(row, parts);
      if (key !== undefined && key !== null) await credentials.add(id, key);
      return live.require(id);
    },

    remove: async (id) => {
      if (!requireChangeable(id, live).custom) throw new AppError("provider_predefined", { id });
      await credentials.removeAll(id);
      await models.removeAll(id);
      await db.kysely.deleteFrom("providers").where("id", "=", id).execute();
      await live.refresh();
    },
  };
}

function requireChangeable(id: string, live: LiveSet): Provider {
  const provider = live.require(id);
  if (provider.declaredIn !== undefined) throw new AppError("provider_declared", { id, file: provider.declaredIn });
  return provider;
}

/** The row to write for a change, none if nothing is asked for; and whether requests would go to another address. */
function plan(
  id: string,
  change: ProviderChange,
  { live, predefined, clock }: RegistryParts,
): { readonly row: ProviderRow | undefined; readonly moves: boolean } {
  const present = live.require(id);
  if (Object.values(change).every((value) => value === undefined)) return { row: undefined, moves: false };
  requireChangeable(id, live);
  const definition = present.custom ? undefined : predefined.find((candidate) => candidate.id === id);
  const dialects = dialectsOf(present);
  const allowPrivate = change.allowPrivate ?? present.allowPrivate;
  const baseUrl = parseBaseUrl(change.baseUrl ?? present.baseUrl, definition ?? { dialects }, allowPrivate);
  const row = {
    id,
    name: change.name === undefined ? present.name : parseName(change.name),
    dialects: JSON.stringify(dialects),
    // An address that is the definition's own is not written down, so that it can change with the product.
    base_url: baseUrl === definition?.baseUrl ? "" : baseUrl,
    allow_private: allowPrivate ? 1 : 0,
    custom: present.custom ? 1 : 0,
    headers: null,
    created_at: present.createdAt ?? clock.now(),
    updated_at: clock.now(),
  } as const;
  return { row, moves: baseUrl !== present.baseUrl };
}

async function writeRow(row: ProviderRow, { db, live }: RegistryParts): Promise<void> {
  const { name, base_url, allow_private, updated_at } = row;
  await db.kysely
    .insertInto("providers")
    .values(row)
    .onConflict((conflict) => conflict.column("id").doUpdateSet({ name, base_url, allow_private, updated_at }))
    .execute();
  await live.refresh();
}

function newRow(asked: NewProvider, now: number): ProviderRow {
  const id = parseId(asked.id);
  const allowPrivate = asked.allowPrivate ?? false;
  const dialects = parseDialects(asked.dialects, asked.baseUrl, allowPrivate);
  return {
    id,
    name: parseName(asked.name ?? id),
    dialects: JSON.stringify(dialects),
    base_url: parseBaseUrl(asked.baseUrl, { dialects }, allowPrivate),
    allow_private: allowPrivate ? 1 : 0,
    custom: 1,
    headers: null,
    created_at: now,
    updated_at: now,
  };
}
