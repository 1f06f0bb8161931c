import type { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import type { KeyPurpose, NamedKey } from "./keyring.ts";
import type { SlotGiven, UnsealGiven } from "./opening.ts";
import type { RotationStatus } from "./rotation/rewrapping.ts";
import type { RootGiven } from "./rotation/staged-root.ts";
import type { RecordInfo, RecordRef } from "./store.ts";
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
  /** The move to the newest term, while it is not complete. */
  readonly rotation: RotationStatus | null;
  /** The slots of a new root key that waits to be confirmed. */
  readonly staged_slots: readonly SlotInfo[] | null;
}

/** Which version of a value was stored, and when (milliseconds). */
export interface StoredVersion {
  readonly version: number;
  readonly updatedAt: number;
}

/** What a start came to. */
export interface Started {
  /** The kind of slot that opened the vault; null if it stays sealed for now. */
  readonly how: SlotKind | null;
  readonly created: boolean;
  /** Why it is this kind, or why it stays sealed: for people. */
  readonly why: string;
  /** What keeps it sealed, other than that nobody has given its passphrase (`vault_unlocker_unavailable`). */
  readonly problem?: AppError;
}

export interface Vault {
  status(): Promise<VaultStatus>;
  readonly sealed: boolean;
  /**
   * Opens with what the options give, and says with which kind of slot. A vault that waits for a passphrase stays sealed
   * (`how` null), and so does one whose key ring or service cannot be asked; it goes on asking a service by itself, until
   * that answers or `seal` is called. Creates the root key, the first term and the first slot if the database holds none of these and no
   * record. May be called again to reopen after `seal`.
   *
   * Throws `vault_key_missing`, `vault_cannot_open` (wrong passphrase), `vault_no_slot`, `config_invalid`, `file_unsafe`.
   */
  start(): Promise<Started>;
  /** Throws `vault_cannot_open` after having tried every slot of the kind, or `vault_no_slot` if there is none. */
  unseal(given: UnsealGiven): Promise<void>;
  /** Forgets every key and every opened value. */
  seal(): void;
  /**
   * Seals a value, replacing the one before. `origins` are the only places it may be sent to, each as
   * `https://api.example.com:443`. Throws `vault_sealed`, or `store_conflict` if somebody else replaced it meanwhile.
   */
  put(ref: RecordRef, value: Secret, origins: readonly string[]): Promise<StoredVersion>;
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
  /** What is stored of a type, without the values. Works while sealed, too; nothing in it is to be believed before it opens. */
  list(type: RecordRef["type"]): Promise<readonly RecordInfo[]>;
  /** The newest key of this purpose: 32 bytes, the same at each call, owned by the caller. Throws `vault_sealed`. */
  namedKey(purpose: KeyPurpose): NamedKey;
  /** `undefined` if there is no such version, or no longer. Throws `vault_sealed`. */
  namedKeyOf(purpose: KeyPurpose, version: number): Buffer | undefined;
  /** In rising order; the first version is 0. Throws `vault_sealed`. */
  namedVersions(purpose: KeyPurpose): readonly number[];
  /** Adds a version, which is the newest from then on, and says which. Earlier ones stay until they are dropped. */
  rotateNamedKey(purpose: KeyPurpose): Promise<number>;
  /** For good. Throws `invalid_request` for the newest version. */
  dropNamedKey(purpose: KeyPurpose, version: number): Promise<void>;
  /**
   * Begins a new KEK term: what is sealed from now on is under it, and the records of earlier terms follow in the
   * background, also after a restart. A term goes once no record is under it. `status` shows how far it is.
   */
  rotateKek(): Promise<{ readonly term: number }>;
  /** Resolves once no record is being re-wrapped: all are, or something holds it up that `status` names. */
  rewrapped(): Promise<void>;
  /**
   * Makes a new root key and a slot for each present one, under new ids but with the secret that opens it now; nothing is
   * in force before `confirmRoot`. Throws `vault_slots_left` with the slots whose secret is neither given nor among what
   * this instance was started with.
   */
  stageRoot(given?: RootGiven): Promise<readonly SlotInfo[]>;
  /**
   * Puts the staged root key in force, in one step, once it has been seen to open from one of its slots and to lead to the
   * same keys. Other instances with the same vault go on. Throws `vault_root_not_staged`, `vault_cannot_open`,
   * `store_conflict`.
   */
  confirmRoot(given?: RootGiven): Promise<void>;
  /** Gives the staged root key up; nothing happens if there is none. */
  cancelRoot(): Promise<void>;
  /**
   * Lends the root key for as long as `use` takes; it is wiped afterwards. For what has to outlive this machine's slots,
   * and nothing else. Throws `vault_sealed`.
   */
  lendRootKey<Result>(use: (rootKey: Buffer) => Promise<Result>): Promise<Result>;
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
