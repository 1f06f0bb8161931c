import type { WrappedTerm } from "../keyring.ts";
import type { FullRecord, VaultStore, WrappedNamedKey } from "../store.ts";
import type { AnySlot, RootImage } from "./key-json.ts";

/** A term with its time, in milliseconds. */
export interface DatedTerm extends WrappedTerm {
  readonly createdAt: number;
}

/** Everything but the records, as it is stored: with slots of every kind. */
export interface KeyImage {
  readonly epoch: number;
  readonly slots: readonly AnySlot[];
  readonly terms: readonly DatedTerm[];
  readonly keys: readonly WrappedNamedKey[];
  readonly staged: RootImage | undefined;
}

/**
 * A store that a vault can be moved from and to. What the move in question may do is noted in the database under its id,
 * and looked up there in the step that does it: a move that was given up meanwhile does nothing any more.
 */
export interface MovableStore extends VaultStore {
  /** Read anew from where it lies. Throws if anything there could not be taken along. */
  readKeys(): Promise<KeyImage>;
  /** Takes over a whole vault, in one step. Throws if this store is in force, or holds what it must not replace. */
  fill(moveId: string, keys: KeyImage, records: AsyncIterable<readonly FullRecord[]>): Promise<void>;
  /** Removes everything there is. Throws if this store is in force. */
  clear(moveId: string): Promise<void>;
}
