import { type Clock, isoTime } from "../kernel/clock.ts";
import { AppError } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";
import type { Db } from "../db/index.ts";
import type { Home } from "../home/index.ts";
import { createSecretCache, type SecretCache } from "./cache.ts";
import { openRecord, sealRecord } from "./envelope.ts";
import { keySizeBytes, secretBytes, systemRandom, wipe } from "./key-material.ts";
import { openKeyring, wrapNewTerm, type Keyring, type SubkeyPurpose } from "./keyring.ts";
import {
  explainUnopened,
  firstUnlocker,
  startUnlockers,
  unlockerForSlot,
  unsealUnlockers,
  unwrapRootKey,
  type OpeningOptions,
  type SlotGiven,
  type UnsealGiven,
} from "./opening.ts";
import { sealableOrigins } from "./origin.ts";
import { createRecordStore, type RecordRef, type RecordStore, type StoredRecord } from "./records.ts";
import { createSlotStore, type SlotStore } from "./slots.ts";
import type { SlotKind } from "./unlockers/index.ts";
import type { SlotInfo, Vault, VaultStatus } from "./vault.ts";

/*
 * The barrier. It is in one of two states:
 *
 *   sealed     no key is in memory. Entered at creation and by `seal`. Everything that needs a key throws `vault_sealed`.
 *   unsealed   the keyring is in memory. Entered by `start` and `unseal`, when a slot gave the root key and the root key
 *              opened every term.
 *
 * `seal` may come while something waits for the database. So whoever waits takes the keyring afterwards, not before, and
 * from there to the end of its cryptography nothing waits.
 *
 * A root key is made in one place, `#create`, which stores nothing unless the database holds no slot, no term and no
 * record. A failure to open never leads there.
 */

export interface VaultParts {
  readonly db: Db;
  readonly home: Home;
  readonly clock: Clock;
  readonly options: VaultOptions;
}

export interface VaultOptions extends Omit<OpeningOptions, "keyFile"> {
  /** Absolute path of the key file; `root.key` in the home unless given. */
  readonly keyFile?: string | undefined;
  /** How long an opened value stays in memory after its opening; five minutes unless given. */
  readonly cacheMs?: number | undefined;
}

const defaultCacheMs = 5 * 60_000;

/** A sealed vault; `start` opens it. */
export function createVault(parts: VaultParts): Vault {
  return new Barrier(parts);
}

class Barrier implements Vault {
  readonly #clock: Clock;
  readonly #options: OpeningOptions;
  readonly #slotStore: SlotStore;
  readonly #records: RecordStore;
  readonly #cache: SecretCache;
  readonly #listeners = new Set<(sealed: boolean) => void>();
  #keyring: Keyring | undefined;

  constructor({ db, home, clock, options }: VaultParts) {
    this.#clock = clock;
    this.#options = { ...options, keyFile: options.keyFile ?? home.file("root.key") };
    this.#slotStore = createSlotStore(db);
    this.#records = createRecordStore(db);
    this.#cache = createSecretCache(clock, options.cacheMs ?? defaultCacheMs);
  }

  get sealed(): boolean {
    return this.#keyring === undefined;
  }

  async status(): Promise<VaultStatus> {
    const { slots, terms } = await this.#slotStore.load();
    return {
      state: this.sealed ? "sealed" : "unsealed",
      slots: slots.map(({ id, kind, label, createdAt }) => ({ id, kind, label, created_at: isoTime(createdAt) })),
      kek_term: terms.at(-1)?.term ?? null,
      records: await this.#records.count(),
      cached: this.#cache.size,
    };
  }

  async start(): Promise<{ how: SlotKind | null; created: boolean }> {
    let stored = await this.#slotStore.load();
    if (stored.slots.length + stored.terms.length + (await this.#records.count()) === 0) {
      const how = await this.#create();
      if (how !== undefined) return { how, created: true };
    }
    // Another instance was first, if only between the reading of slots and of terms.
    if (stored.slots.length === 0) stored = await this.#slotStore.load();
    const opened = await unwrapRootKey(startUnlockers(this.#options), stored.slots);
    if (opened === undefined) {
      const error = await explainUnopened(this.#options, stored.slots);
      if (error !== undefined) throw error;
      return { how: null, created: false };
    }
    this.#install(openKeyring(opened.rootKey, stored.terms));
    return { how: opened.kind, created: false };
  }

  async unseal(given: UnsealGiven): Promise<void> {
    const { slots, terms } = await this.#slotStore.load();
    const unlockers = unsealUnlockers(given);
    const kinds = unlockers.map(({ kind }) => kind);
    if (!slots.some(({ kind }) => kinds.includes(kind)))
      throw new AppError("vault_no_slot", { kind: kinds.join(" or ") });
    const opened = await unwrapRootKey(unlockers, slots);
    if (opened === undefined) throw new AppError("vault_cannot_open");
    this.#install(openKeyring(opened.rootKey, terms));
  }

  seal(): void {
    this.#cache.clear();
    const keyring = this.#keyring;
    if (keyring === undefined) return;
    this.#keyring = undefined;
    keyring.wipe();
    this.#tell(true);
  }

  async put(ref: RecordRef, value: Secret, origins: readonly string[]): Promise<void> {
    const sealedTo = sealableOrigins(origins);
    this.#openKeyring();
    const version = (await this.#records.version(ref)) + 1;
    const keyring = this.#openKeyring();
    const term = keyring.newestTerm;
    const kek = keyring.kek(term);
    if (kek === undefined) throw unreadable(ref);
    const bytes = secretBytes(value);
    try {
      const sealed = sealRecord(kek, { ...ref, version, term, origins: sealedTo }, bytes);
      await this.#records.put(ref, { version, term, origins: sealedTo, sealed }, this.#clock.now());
    } finally {
      wipe(bytes);
      this.forget(ref); // also when it failed: it may have been stored all the same
    }
  }

  async get(ref: RecordRef, origin?: string): Promise<Secret> {
    this.#openKeyring();
    const ticket = this.#cache.ticket();
    const record = await this.#records.find(ref);
    if (record === undefined) throw new AppError("not_found", { what: ref.type, id: ref.id });
    const value = this.#open(ref, record);
    if (origin !== undefined && !record.origins.includes(origin)) {
      throw new AppError("vault_origin_refused", { id: ref.id, origin });
    }
    this.#cache.keep(cacheKey(ref), value, record.origins, ticket);
    return value;
  }

  cached(ref: RecordRef, origin: string): Secret | undefined {
    return this.#cache.find(cacheKey(ref), origin);
  }

  forget(ref: RecordRef): void {
    this.#cache.forget(cacheKey(ref));
  }

  async remove(ref: RecordRef): Promise<void> {
    try {
      const removed = await this.#records.remove(ref);
      if (!removed) throw new AppError("not_found", { what: ref.type, id: ref.id });
    } finally {
      this.forget(ref);
    }
  }

  subkey(purpose: SubkeyPurpose): Buffer {
    return this.#openKeyring().subkey(purpose);
  }

  readonly slots = {
    list: async (): Promise<readonly SlotInfo[]> => (await this.status()).slots,

    add: async (kind: SlotKind, given: SlotGiven): Promise<{ id: string }> => {
      this.#openKeyring(); // before a key file is made for it
      const unlocker = await unlockerForSlot(kind, given, this.#options);
      const createdAt = this.#clock.now();
      const id = newId("slot", createdAt);
      const wrapped = await this.#openKeyring().lendRootKey((rootKey) => unlocker.wrap(id, rootKey));
      await this.#slotStore.add({ ...wrapped, label: given.label ?? kind, createdAt });
      return { id };
    },

    remove: async (id: string): Promise<void> => {
      this.#openKeyring();
      await this.#slotStore.remove(id);
    },
  };

  onChange(listener: (sealed: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first start. `undefined` if the database turns out to hold a vault by now. */
  async #create(): Promise<SlotKind | undefined> {
    const unlocker = await firstUnlocker(this.#options);
    const createdAt = this.#clock.now();
    const rootKey = systemRandom(keySizeBytes);
    const term = wrapNewTerm(rootKey, 1);
    let created = false;
    try {
      const wrapped = await unlocker.wrap(newId("slot", createdAt), rootKey);
      created = await this.#slotStore.createFirst({ ...wrapped, label: "auto", createdAt }, term);
    } finally {
      if (!created) wipe(rootKey);
    }
    if (!created) return undefined;
    this.#install(openKeyring(rootKey, [term]));
    return unlocker.kind;
  }

  #open(ref: RecordRef, { version, term, origins, sealed }: StoredRecord): Secret {
    const kek = this.#openKeyring().kek(term);
    const bytes = kek && openRecord(kek, { ...ref, version, term, origins }, sealed);
    if (bytes === undefined) throw unreadable(ref);
    const value = new Secret(bytes.toString("utf8"));
    wipe(bytes);
    return value;
  }

  #openKeyring(): Keyring {
    if (this.#keyring === undefined) throw new AppError("vault_sealed");
    return this.#keyring;
  }

  /** Two that unseal at once bring the same keys: the second's are not needed. */
  #install(keyring: Keyring): void {
    if (this.#keyring !== undefined) return keyring.wipe();
    this.#keyring = keyring;
    this.#tell(false);
  }

  #tell(sealed: boolean): void {
    for (const listener of this.#listeners) listener(sealed);
  }
}

function unreadable({ type, id, field }: RecordRef): AppError {
  return new AppError("vault_record_unreadable", { id: `${type}/${id}/${field}` });
}

function cacheKey({ type, id, field }: RecordRef): string {
  return `${type}\0${id}\0${field}`;
}
