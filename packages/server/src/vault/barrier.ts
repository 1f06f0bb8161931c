import { type Clock, isoTime } from "../kernel/clock.ts";
import { AppError, asAppError, describe } from "../kernel/errors.ts";
import { newId } from "../kernel/ids.ts";
import type { Log } from "../kernel/log.ts";
import { Secret } from "../kernel/secret.ts";
import type { Db } from "../db/index.ts";
import type { Home } from "../home/index.ts";
import { createSecretCache, type SecretCache } from "./cache.ts";
import { openRecord, sealRecord } from "./envelope.ts";
import { holdKeys, type HeldKeys } from "./held-keys.ts";
import { keySizeBytes, systemRandom, wipe } from "./key-material.ts";
import { secretBytes } from "./key-text.ts";
import { openKeyring, wrapNewTerm, type Keyring, type KeyPurpose, type NamedKey } from "./keyring.ts";
import { firstSlot } from "./first-slot.ts";
import {
  discardSlots,
  discardUnstored,
  openedBecause,
  startUnlockers,
  unlockerForSlot,
  unsealUnlockers,
  unwrapRootKey,
  type OpeningOptions,
  type SlotGiven,
  type UnsealGiven,
} from "./opening.ts";
import { sealableOrigins } from "./origin.ts";
import { createReopening, type Reopening } from "./reopening.ts";
import { createKeyChanges, type KeyChanges } from "./rotation/key-changes.ts";
import type { Rest } from "./rotation/pace.ts";
import { createRewrapping, type Rewrapping } from "./rotation/rewrapping.ts";
import type { RootGiven } from "./rotation/staged-root.ts";
import type { RecordInfo, RecordRef, StoredKeys, StoredRecord, StoredSlot, VaultStore } from "./store.ts";
import { createDatabaseStore } from "./stores/database.ts";
import type { SlotKind } from "./unlockers/index.ts";
import { explainUnopened } from "./unopened.ts";
import type { SlotInfo, Started, StoredVersion, Vault, VaultStatus } from "./vault.ts";

/*
 * The barrier. It is in one of two states:
 *
 *   sealed     no key is in memory. Entered at creation and by `seal`. Everything that needs a key throws `vault_sealed`.
 *   unsealed   the keyring is in memory (`HeldKeys`). Entered by `start` and `unseal`, when a slot gave the root key and
 *              the root key opened every term.
 *
 * `seal` may come while something waits for the database. So whoever waits takes the keyring afterwards, not before, and
 * from there to the end of its cryptography nothing waits.
 *
 * A root key is made in one place, `#create`, which stores nothing unless the database holds no slot, no term and no
 * record. A failure to open never leads there.
 */

export interface VaultParts {
  readonly db: Db;
  /** Where the vault lies, if not in the tables of `db`. */
  readonly store?: VaultStore;
  readonly home: Home;
  readonly clock: Clock;
  readonly options: VaultOptions;
  /** Is told of what happens when nobody waits for an answer: a vault that opens by itself, or still does not. */
  readonly log?: Log;
  /** How re-wrapping rests after each piece of its work; by a pause, unless given. */
  readonly rest?: Rest;
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
  readonly #log: Log | undefined;
  readonly #reopening: Reopening = createReopening((isWanted) => this.#reopen(isWanted));
  readonly #store: VaultStore;
  readonly #cache: SecretCache;
  readonly #listeners = new Set<(sealed: boolean) => void>();
  readonly #keys: HeldKeys;
  readonly #rewrapping: Rewrapping;
  readonly #changes: KeyChanges;

  constructor({ db, store, home, clock, options, log, rest }: VaultParts) {
    this.#clock = clock;
    this.#log = log;
    this.#options = { ...options, keyFile: options.keyFile ?? home.file("root.key") };
    this.#store = store ?? createDatabaseStore(db);
    this.#cache = createSecretCache(clock, options.cacheMs ?? defaultCacheMs);
    this.#keys = holdKeys(this.#store, async (stored) => (await this.#openStored(stored)).keyring);
    const parts = { store: this.#store, keys: this.#keys, clock, log };
    this.#rewrapping = createRewrapping({ ...parts, rest });
    this.#changes = createKeyChanges({ ...parts, rewrapping: this.#rewrapping, options: this.#options });
  }

  get sealed(): boolean {
    return this.#keys.present === undefined;
  }

  async status(): Promise<VaultStatus> {
    const { slots, terms, staged } = await this.#store.loadKeys();
    return {
      state: this.sealed ? "sealed" : "unsealed",
      slots: slots.map(slotInfo),
      kek_term: terms.at(-1)?.term ?? null,
      records: await this.#store.count(),
      cached: this.#cache.size,
      rotation: this.#rewrapping.status(),
      staged_slots: staged?.slots.map(slotInfo) ?? null,
    };
  }

  async start(): Promise<Started> {
    this.#reopening.stop();
    let stored = await this.#store.loadKeys();
    if (stored.slots.length + stored.terms.length + (await this.#store.count()) === 0) {
      const created = await this.#create();
      if (created !== undefined) return created;
    }
    // Another instance was first, if only between the reading of slots and of terms.
    if (stored.slots.length === 0) stored = await this.#store.loadKeys();
    const { keyring, tryAgain, ...started } = await this.#openStored(stored);
    if (keyring !== undefined) this.#install(keyring);
    else if (tryAgain) this.#reopening.begin();
    return started;
  }

  async unseal(given: UnsealGiven): Promise<void> {
    const { slots, terms, keys, epoch } = await this.#store.loadKeys();
    const unlockers = unsealUnlockers(given);
    const kinds = unlockers.map(({ kind }) => kind);
    if (!slots.some(({ kind }) => kinds.includes(kind)))
      throw new AppError("vault_no_slot", { kind: kinds.join(" or ") });
    const { opened } = await unwrapRootKey(unlockers, slots);
    if (opened === undefined) throw new AppError("vault_cannot_open");
    this.#install(openKeyring(opened.rootKey, terms, keys, epoch));
  }

  seal(): void {
    this.#reopening.stop(); // also of a vault that is sealed still: it is to stay so
    this.#cache.clear();
    this.#rewrapping.stop();
    if (this.#keys.wipe()) this.#tell(true);
  }

  async put(ref: RecordRef, value: Secret, origins: readonly string[]): Promise<StoredVersion> {
    const sealedTo = sealableOrigins(origins);
    const term = this.#openKeyring().newestTerm;
    try {
      return await this.#put(ref, value, sealedTo);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== "store_conflict") throw error;
      await this.#keys.renew();
      if (this.#openKeyring().kek(term) !== undefined) throw error;
      return await this.#put(ref, value, sealedTo); // another instance has begun a new term and let go of this one
    } finally {
      this.forget(ref); // also when it failed: it may have been stored all the same
    }
  }

  async get(ref: RecordRef, origin?: string): Promise<Secret> {
    this.#openKeyring();
    const ticket = this.#cache.ticket();
    const record = await this.#find(ref);
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
      const removed = await this.#store.remove(ref);
      if (!removed) throw new AppError("not_found", { what: ref.type, id: ref.id });
    } finally {
      this.forget(ref);
    }
  }

  list(type: RecordRef["type"]): Promise<readonly RecordInfo[]> {
    return this.#store.list(type);
  }

  namedKey(purpose: KeyPurpose): NamedKey {
    return this.#openKeyring().namedKey(purpose);
  }

  namedKeyOf(purpose: KeyPurpose, version: number): Buffer | undefined {
    return this.#openKeyring().namedKeyOf(purpose, version);
  }

  namedVersions(purpose: KeyPurpose): readonly number[] {
    return this.#openKeyring().namedVersions(purpose);
  }

  rotateNamedKey(purpose: KeyPurpose): Promise<number> {
    return this.#changes.rotateNamedKey(purpose);
  }

  dropNamedKey(purpose: KeyPurpose, version: number): Promise<void> {
    return this.#changes.dropNamedKey(purpose, version);
  }

  rotateKek(): Promise<{ term: number }> {
    return this.#changes.rotateKek();
  }

  rewrapped(): Promise<void> {
    return this.#rewrapping.settled();
  }

  async stageRoot(given: RootGiven = {}): Promise<readonly SlotInfo[]> {
    return (await this.#changes.stageRoot(given)).map(slotInfo);
  }

  confirmRoot(given: RootGiven = {}): Promise<void> {
    return this.#changes.confirmRoot(given);
  }

  cancelRoot(): Promise<void> {
    return this.#changes.cancelRoot();
  }

  async lendRootKey<Result>(use: (rootKey: Buffer) => Promise<Result>): Promise<Result> {
    return this.#openKeyring().lendRootKey(use);
  }

  readonly slots = {
    list: async (): Promise<readonly SlotInfo[]> => (await this.status()).slots,

    add: async (kind: SlotKind, given: SlotGiven): Promise<{ id: string }> => {
      this.#openKeyring(); // before a key file is made for it
      const { epoch } = await this.#changes.current();
      const unlocker = await unlockerForSlot(kind, given, this.#options);
      const createdAt = this.#clock.now();
      const id = newId("slot", createdAt);
      const wrapped = await this.#openKeyring().lendRootKey((rootKey) => unlocker.wrap(id, rootKey));
      try {
        await this.#store.addSlot({ ...wrapped, label: given.label ?? kind, createdAt }, epoch);
      } catch (error) {
        await discardUnstored([wrapped], this.#store, this.#options);
        throw error;
      }
      return { id };
    },

    remove: async (id: string): Promise<void> => {
      const { slots } = await this.#changes.current();
      await this.#store.removeSlot(id);
      await discardSlots(
        slots.filter((slot) => slot.id === id),
        this.#options,
      );
    },
  };

  onChange(listener: (sealed: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first start. `undefined` if the database turns out to hold a vault by now. */
  async #create(): Promise<Started | undefined> {
    const { unlocker, why } = await firstSlot(this.#options);
    const createdAt = this.#clock.now();
    const rootKey = systemRandom(keySizeBytes);
    const term = wrapNewTerm(rootKey, 1);
    let created = false;
    try {
      const wrapped = await unlocker.wrap(newId("slot", createdAt), rootKey);
      created = await this.#store.createFirst({ ...wrapped, label: "auto", createdAt }, term);
      if (!created) await unlocker.discard(wrapped).catch(() => undefined);
    } finally {
      if (!created) wipe(rootKey);
    }
    if (!created) return undefined;
    this.#install(openKeyring(rootKey, [term]));
    return { how: unlocker.kind, created: true, why };
  }

  /** Opens with what the options give, if that can be done; installs nothing, and makes no key. */
  async #openStored(stored: StoredKeys): Promise<Started & { readonly keyring?: Keyring; readonly tryAgain: boolean }> {
    const { opened, unavailable } = await unwrapRootKey(startUnlockers(this.#options), stored.slots);
    if (opened === undefined) {
      const reason = await explainUnopened({ options: this.#options, slots: stored.slots, unavailable });
      if (reason.end !== undefined) throw reason.end;
      const { problem, tryAgain } = reason;
      const why = problem?.message ?? "it waits for a passphrase";
      return { how: null, created: false, why, tryAgain, ...(problem === undefined ? {} : { problem }) };
    }
    const keyring = openKeyring(opened.rootKey, stored.terms, stored.keys, stored.epoch);
    return { how: opened.slot.kind, created: false, why: openedBecause(opened.slot), tryAgain: false, keyring };
  }

  /** One attempt in the background; whether to try again. Whoever sealed the vault meanwhile has the last word. */
  async #reopen(isWanted: () => boolean): Promise<boolean> {
    if (!this.sealed) return false; // somebody was faster
    try {
      const { keyring, how, why, tryAgain } = await this.#openStored(await this.#store.loadKeys());
      if (!isWanted()) keyring?.wipe();
      else if (keyring !== undefined) {
        this.#install(keyring);
        this.#log?.info({ slot: how, why }, "the vault is open");
      }
      return tryAgain;
    } catch (thrown) {
      const error = asAppError(thrown);
      const again = error.code === "database_unavailable";
      if (!again) this.#log?.error({ problem: describe(error) }, "the vault stays sealed, and is not tried again");
      return again;
    }
  }

  #open(ref: RecordRef, { version, term, origins, sealed }: StoredRecord): Secret {
    const kek = this.#openKeyring().kek(term);
    const bytes = kek && openRecord(kek, { ...ref, version, term, origins }, sealed);
    if (bytes === undefined) throw unreadable(ref);
    const value = new Secret(bytes.toString("utf8"));
    wipe(bytes);
    return value;
  }

  /** Under a term that this instance does not know, another one has sealed it: the keys are read once more. */
  async #find(ref: RecordRef): Promise<StoredRecord | undefined> {
    const record = await this.#store.find(ref);
    if (record === undefined || this.#openKeyring().kek(record.term) !== undefined) return record;
    await this.#keys.renew();
    return this.#store.find(ref); // it may have moved from one term to another meanwhile
  }

  async #put(ref: RecordRef, value: Secret, origins: readonly string[]): Promise<StoredVersion> {
    const version = (await this.#store.version(ref)) + 1;
    const keyring = this.#openKeyring();
    const term = keyring.newestTerm;
    const kek = keyring.kek(term);
    if (kek === undefined) throw unreadable(ref);
    const bytes = secretBytes(value);
    try {
      const sealed = sealRecord(kek, { ...ref, version, term, origins }, bytes);
      const updatedAt = this.#clock.now();
      await this.#store.put(ref, { version, term, origins, sealed }, updatedAt);
      return { version, updatedAt };
    } finally {
      wipe(bytes);
    }
  }

  #openKeyring(): Keyring {
    return this.#keys.ring();
  }

  /** Two that unseal at once bring the same keys: the second's are not needed. */
  #install(keyring: Keyring): void {
    if (!this.#keys.install(keyring)) return;
    this.#tell(false);
    this.#rewrapping.begin();
  }

  #tell(sealed: boolean): void {
    for (const listener of this.#listeners) listener(sealed);
  }
}

function slotInfo({ id, kind, label, createdAt }: StoredSlot): SlotInfo {
  return { id, kind, label, created_at: isoTime(createdAt) };
}

function unreadable({ type, id, field }: RecordRef): AppError {
  return new AppError("vault_record_unreadable", { id: `${type}/${id}/${field}` });
}

function cacheKey({ type, id, field }: RecordRef): string {
  return `${type}\0${id}\0${field}`;
}
