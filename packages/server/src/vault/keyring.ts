import { AppError } from "../kernel/errors.ts";
import { deriveBytes, keySizeBytes, systemRandom, wipe } from "./key-material.ts";
import { termPlace, unwrapKey, wrapKey } from "./wrapped-key.ts";

/** What other modules may derive from the root key: the pepper of key look-ups, the audit HMAC, the wrapping of signing keys. */
export type SubkeyPurpose = "token" | "audit" | "sign";

/** A KEK as the database keeps it. */
export interface WrappedTerm {
  readonly term: number;
  readonly wrapped: Uint8Array;
}

/** The keys of an unsealed vault, in memory and nowhere else. */
export interface Keyring {
  /** The term that new records are sealed under. */
  readonly newestTerm: number;
  /** The KEK of a term, still owned by the ring; `undefined` if there is no such term. */
  kek(term: number): Buffer | undefined;
  /** A copy that belongs to the caller. */
  subkey(purpose: SubkeyPurpose): Buffer;
  /** Lends the root key for wrapping it once more. */
  lendRootKey<Result>(use: (rootKey: Buffer) => Promise<Result>): Promise<Result>;
  wipe(): void;
}

/** Takes ownership of `rootKey`, also when it throws: it is wiped with the ring. */
export function openKeyring(rootKey: Buffer, terms: readonly WrappedTerm[]): Keyring {
  const keks = new Map<number, Buffer>();
  const wrappingKey = subkeyOf(rootKey, "kek");
  for (const { term, wrapped } of terms) {
    const kek = unwrapKey(wrappingKey, termPlace(term), wrapped);
    if (kek !== undefined) keks.set(term, kek);
  }
  wipe(wrappingKey);
  const close = (): void => wipe(rootKey, ...keks.values());
  if (keks.size === 0 || keks.size !== terms.length) {
    close();
    const what = "its key terms do not belong to its unlock slots";
    throw new AppError("vault_key_missing", { what, advice: "restore the database from a backup" });
  }
  return {
    newestTerm: Math.max(...keks.keys()),
    kek: (term) => keks.get(term),
    subkey: (purpose) => subkeyOf(rootKey, purpose),
    async lendRootKey(use) {
      const copy = Buffer.allocUnsafeSlow(keySizeBytes);
      rootKey.copy(copy); // sealing the vault meanwhile must not wrap a wiped key
      try {
        return await use(copy);
      } finally {
        wipe(copy);
      }
    },
    wipe: close,
  };
}

/** A new KEK, wrapped by the root key. */
export function wrapNewTerm(rootKey: Uint8Array, term: number): WrappedTerm {
  const kek = systemRandom(keySizeBytes);
  const wrappingKey = subkeyOf(rootKey, "kek");
  try {
    return { term, wrapped: wrapKey(wrappingKey, termPlace(term), kek) };
  } finally {
    wipe(kek, wrappingKey);
  }
}

function subkeyOf(rootKey: Uint8Array, purpose: SubkeyPurpose | "kek"): Buffer {
  return deriveBytes(rootKey, Buffer.alloc(0), `portcullis ${purpose} 1`, keySizeBytes);
}
