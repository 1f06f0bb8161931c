import type { WrappedTerm } from "./keyring.ts";
import type { WrappedKey } from "./unlockers/index.ts";

/** Names one sealed value: a field of an object. */
export interface RecordRef {
  readonly type: "credential" | "secret";
  readonly id: string;
  readonly field: string;
}

/** A record as the store has it. Nothing in it is to be believed before its sealed bytes have opened under it. */
export interface StoredRecord {
  readonly version: number;
  readonly term: number;
  readonly origins: readonly string[];
  readonly sealed: Uint8Array;
}

/** A slot as the store has it. */
export interface StoredSlot extends WrappedKey {
  readonly label: string;
  readonly createdAt: number;
}

/** A key with a purpose of its own, as the store keeps it: wrapped by the root key. */
export interface WrappedNamedKey {
  readonly purpose: string;
  readonly version: number;
  readonly wrapped: Uint8Array;
  readonly createdAt: number;
}

/** Everything that one root key wraps, and the slots that wrap it. */
export interface RootWrapped {
  readonly slots: readonly StoredSlot[];
  readonly terms: readonly WrappedTerm[];
  readonly keys: readonly WrappedNamedKey[];
}

/** Everything that opening a vault needs. */
export interface StoredKeys extends RootWrapped {
  /** 1 for the first root key, one more with each rotation that was confirmed. */
  readonly epoch: number;
  /** The root key that is to follow, until it is confirmed or given up. */
  readonly staged: RootWrapped | undefined;
}

/** A record of a list: everything but its bytes. */
export interface RecordInfo extends RecordRef {
  readonly version: number;
  readonly term: number;
  readonly origins: readonly string[];
  /** Milliseconds. */
  readonly updatedAt: number;
}

/**
 * The vault at rest: wrapped keys and sealed records. It sees no key and no value. Every change is all or nothing, also
 * when the process is killed or the disk is full.
 *
 * What a root key wraps is added with the `epoch` of that root key. If another instance has rotated the root key
 * meanwhile, that is `store_conflict`, and nothing is written.
 */
export interface VaultStore {
  loadKeys(): Promise<StoredKeys>;
  /**
   * Stores the first slot and the first term together, if there is no slot, no term and no record at all; else nothing,
   * and `false`. Of any number of instances that try at once, one succeeds.
   */
  createFirst(slot: StoredSlot, term: WrappedTerm): Promise<boolean>;
  addSlot(slot: StoredSlot, epoch: number): Promise<void>;
  /** Throws `not_found`, or `vault_last_slot`: one slot always stays, also when two are removed at once. */
  removeSlot(id: string): Promise<void>;
  /** Throws `store_conflict` if there is such a term already. */
  addTerm(term: WrappedTerm, epoch: number, nowMs: number): Promise<void>;
  /** Removes terms below `newest` that no record is under; those that went. */
  removeUnusedTerms(newest: number): Promise<readonly number[]>;
  /** Throws `store_conflict` if there is one of this purpose and version. */
  addNamedKey(key: WrappedNamedKey, epoch: number): Promise<void>;
  removeNamedKey(purpose: string, version: number): Promise<void>;
  /** Keeps what the next root key wraps beside the present one's; replaces what was staged before. */
  stageRoot(staged: RootWrapped, epoch: number): Promise<void>;
  /**
   * Puts the staged root key in force, in one step: its slots, terms and keys take the place of the present ones, and the
   * epoch rises by one. Throws `store_conflict` if nothing is staged, if no slot is, or if the terms or keys in force are
   * not by number those that were staged.
   */
  confirmRoot(epoch: number): Promise<void>;
  /** Does nothing if nothing is staged. */
  cancelRoot(): Promise<void>;

  find(ref: RecordRef): Promise<StoredRecord | undefined>;
  /** 0 if there is no such record. */
  version(ref: RecordRef): Promise<number>;
  /**
   * Stores the record if the version stored now is its own less one, and its term is there; else `store_conflict`: a term
   * that was removed meanwhile would leave a record that never opens.
   */
  put(ref: RecordRef, record: StoredRecord, nowMs: number): Promise<void>;
  /**
   * Puts re-wrapped bytes in the place of those under another term, each if its version and term are still those given; a
   * record that was replaced or removed meanwhile is left as it is. How many were replaced. Throws `store_conflict` if a
   * new term is not there.
   */
  rewrap(records: readonly Rewrapped[]): Promise<number>;
  /** Whether there was one. */
  remove(ref: RecordRef): Promise<boolean>;
  count(): Promise<number>;
  /** How many are under a term below `term`. */
  countBelow(term: number): Promise<number>;
  /** Up to `limit` records under a term below `term`, with their bytes, but for the first `skip`; in whatever order. */
  someBelow(term: number, limit: number, skip?: number): Promise<readonly (RecordRef & StoredRecord)[]>;
  /** Of a type, by id; all of them. */
  list(type: RecordRef["type"]): Promise<readonly RecordInfo[]>;
  /** Every record with its bytes, in pieces of bounded size, for a copy; consistent only if nobody writes meanwhile. */
  all(): AsyncIterable<readonly FullRecord[]>;
}

/** A record with everything that is stored of it. */
export interface FullRecord extends RecordRef, StoredRecord {
  /** Milliseconds. */
  readonly updatedAt: number;
}

export interface Rewrapped {
  readonly ref: RecordRef;
  readonly version: number;
  readonly oldTerm: number;
  readonly newTerm: number;
  readonly sealed: Uint8Array;
}
