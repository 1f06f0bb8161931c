import { wipe } from "../key-material.ts";
import { slotPlace, unwrapKey, wrapKey } from "../wrapped-key.ts";

export type SlotKind = "key-file" | "passphrase" | "environment";

/** The root key as one slot keeps it. It opens under its own id, kind and parameters alone. */
export interface WrappedKey {
  readonly id: string;
  readonly kind: SlotKind;
  /** JSON; what the unlocker needs besides its secret. */
  readonly params: string;
  readonly wrapped: Uint8Array;
}

/** One way to lock the root key away and to get it back. */
export interface Unlocker {
  readonly kind: SlotKind;
  /** Wraps the root key for a new slot. */
  wrap(slotId: string, rootKey: Uint8Array): Promise<WrappedKey>;
  /**
   * The root key, in memory that the caller wipes. `undefined` means that this unlocker does not open this slot: the
   * secret is another one, or the slot was altered, which nobody is told apart. Errors are for what is not about the
   * secret (`file_unsafe`).
   */
  unwrap(slot: WrappedKey): Promise<Buffer | undefined>;
}

/** Where an unlocker's own 32-byte key comes from. */
export interface UnlockKeySource {
  readonly kind: SlotKind;
  /** Parameters for a new slot. */
  newParams(): string;
  /** The key for a slot with these parameters, in memory that is wiped after use; `undefined` if there is none. */
  key(params: string): Promise<Buffer | undefined>;
}

/** An unlocker that wraps the root key itself, under a key that it gets from `source`. */
export function keyedUnlocker(source: UnlockKeySource): Unlocker {
  const { kind } = source;
  return {
    kind,
    async wrap(id, rootKey) {
      const params = source.newParams();
      const key = await source.key(params);
      if (key === undefined) throw new TypeError(`a ${kind} slot is made only once its key is there`);
      try {
        return { id, kind, params, wrapped: wrapKey(key, slotPlace({ id, kind, params }), rootKey) };
      } finally {
        wipe(key);
      }
    },
    async unwrap(slot) {
      if (slot.kind !== kind) return undefined;
      const key = await source.key(slot.params);
      try {
        return key === undefined ? undefined : unwrapKey(key, slotPlace(slot), slot.wrapped);
      } finally {
        wipe(key);
      }
    },
  };
}
