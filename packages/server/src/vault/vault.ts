import type { Secret } from "../kernel/secret.ts";
import type { SubkeyPurpose } from "./keyring.ts";
import type { SlotGiven, UnsealGiven } from "./opening.ts";
import type { RecordRef } from "./records.ts";
import type { SlotKind } from "./unlockers/index.ts";

export interface SlotInfo {
  readonly id: string;
  readonly kind: SlotKind;
  readonly label: string;
  /** ISO 8601 */
  readonly created_at: string;
}

export interface VaultStatus {
  readonly state: "sealed" | "unsealed";
  readonly slots: readonly SlotInfo[];
  /** The newest term; null before the first start. */
  readonly kek_term: number | null;
  /** How many values are sealed. */
  readonly records: number;
  /** How many of them lie open in the cache. */
  readonly cached: number;
}

export interface Vault {
  status(): Promise<VaultStatus>;
  readonly sealed: boolean;
  /**
   * Opens with what the options give, and says with which kind of slot. A vault that waits for a passphrase stays sealed
   * (`how` null). Creates the root key, the first term and the first slot if the database holds none of these and no
   * record. May be called again to reopen after `seal`.
   *
   * Throws `vault_key_missing`, `vault_cannot_open` (wrong passphrase), `vault_no_slot`, `config_invalid`, `file_unsafe`.
   */
  start(): Promise<{ readonly how: SlotKind | null; readonly created: boolean }>;
  /** Throws `vault_cannot_open` after having tried every slot of the kind, or `vault_no_slot` if there is none. */
  unseal(given: UnsealGiven): Promise<void>;
  /** Forgets every key and every opened value. */
  seal(): void;
  /**
   * Seals a value, replacing the one before. `origins` are the only places it may be sent to, each as
   * `https://api.example.com:443`. Throws `vault_sealed`, or `store_conflict` if somebody else replaced it meanwhile.
   */
  put(ref: RecordRef, value: Secret, origins: readonly string[]): Promise<void>;
  /**
   * Opens a value; with `origin`, only to be sent there. Throws `vault_sealed`, `not_found`, `vault_origin_refused`, and
   * `vault_record_unreadable` for a record that was moved, edited or damaged.
   */
  get(ref: RecordRef, origin?: string): Promise<Secret>;
  /** A value opened lately, if it may be sent to `origin`; else `undefined`, and `get` will tell why. */
  cached(ref: RecordRef, origin: string): Secret | undefined;
  /** Drops a value from the cache. */
  forget(ref: RecordRef): void;
  /** Throws `not_found`. Works while sealed, too. */
  remove(ref: RecordRef): Promise<void>;
  /** 32 bytes derived from the root key, the same at each call, owned by the caller. Throws `vault_sealed`. */
  subkey(purpose: SubkeyPurpose): Buffer;
  readonly slots: {
    list(): Promise<readonly SlotInfo[]>;
    /** Throws `vault_sealed`, `missing_field`, `invalid_request`. */
    add(kind: SlotKind, given: SlotGiven): Promise<{ readonly id: string }>;
    /** Throws `vault_sealed`, `not_found`, `vault_last_slot`. */
    remove(id: string): Promise<void>;
  };
  /** Tells of each change between sealed and unsealed, after it; returns the way to stop being told. */
  onChange(listener: (sealed: boolean) => void): () => void;
}
