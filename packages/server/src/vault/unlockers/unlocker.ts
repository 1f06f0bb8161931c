import { wipe } from "../key-material.ts";
import { slotPlace, unwrapKey, wrapKey } from "../wrapped-key.ts";

export const slotKinds = ["key-file", "passphrase", "environment", "key-ring", "transit", "aws-kms"] as const;

export type SlotKind = (typeof slotKinds)[number];

/** A slot of another kind was made by a newer version: it stays, and opens nothing here. */
export function isSlotKind(kind: string): kind is SlotKind {
  return slotKinds.some((known) => known === kind);
}

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
   * secret: `file_unsafe`, and `vault_unlocker_unavailable` for a key ring or service that does not answer.
   */
  unwrap(slot: WrappedKey): Promise<Buffer | undefined>;
  /** Takes away what lies outside the vault for a slot that is no more: its entry in the key ring. */
  discard(slot: WrappedKey): Promise<void>;
}

/** What a slot's key is found by. */
export type SlotParams = Pick<WrappedKey, "id" | "params">;

/** Where an unlocker's own 32-byte keys come from. */
export interface UnlockKeySource {
  readonly kind: SlotKind;
  /** The key for a new slot, in memory that is wiped after use, and the parameters it is found by again. */
  create(slotId: string): Promise<{ readonly params: string; readonly key: Buffer | undefined }>;
  /** The key of a slot, in memory that is wiped after use; `undefined` if there is none. */
  key(slot: SlotParams): Promise<Buffer | undefined>;
  discard(slot: SlotParams): Promise<void>;
}

/** An unlocker that wraps the root key itself, under a key that it gets from `source`. */
export function keyedUnlocker(source: UnlockKeySource): Unlocker {
  const { kind } = source;
  return {
    kind,
    async wrap(id, rootKey) {
      const { params, key } = await source.create(id);
      if (key === undefined) throw new TypeError(`a ${kind} slot is made only once its key is there`);
      try {
        return { id, kind, params, wrapped: wrapKey(key, slotPlace({ id, kind, params }), rootKey) };
      } finally {
        wipe(key);
      }
    },
    async unwrap(slot) {
      if (slot.kind !== kind) return undefined;
      const key = await source.key(slot);
      try {
        return key === undefined ? undefined : unwrapKey(key, slotPlace(slot), slot.wrapped);
      } finally {
        wipe(key);
      }
    },
    async discard(slot) {
      if (slot.kind === kind) await source.discard(slot);
    },
  };
}

/** A source that has one key, or one way to it, for all its slots, and keeps nothing outside the vault for any of them. */
export function fixedKeySource(
  kind: SlotKind,
  { newParams, key }: { newParams(): string; key(params: string): Promise<Buffer | undefined> },
): UnlockKeySource {
  return {
    kind,
    async create() {
      const params = newParams();
      return { params, key: await key(params) };
    },
    key: ({ params }) => key(params),
    discard: () => Promise.resolve(),
  };
}
