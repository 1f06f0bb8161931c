import { timingSafeEqual } from "node:crypto";
import { AppError } from "../kernel/errors.ts";
import { deriveBytes, keyCopy, keySizeBytes, systemRandom, wipe } from "./key-material.ts";
import type { WrappedNamedKey } from "./store.ts";
import { namedKeyPlace, termPlace, unwrapKey, wrapKey } from "./wrapped-key.ts";

/*
 * The keys of an unsealed vault, in memory and nowhere else. All of them are wiped with the ring; what it gives away is a
 * copy that belongs to whoever asked, but for the KEKs, which nobody keeps.
 *
 * A named key has a purpose and a version. Of a purpose that has no version stored, version 0 is derived from the root
 * key. It is stored before anything is added to it or the root key is replaced, so that it outlasts both; from then on
 * what is stored counts alone, and a version that was removed is gone.
 */

/** What other modules use keys for: the pepper of key look-ups, the audit HMAC, the wrapping of signing keys. */
export type KeyPurpose = (typeof keyPurposes)[number];

export const keyPurposes = ["token", "audit", "sign"] as const;

/** A KEK as the store keeps it. */
export interface WrappedTerm {
  readonly term: number;
  readonly wrapped: Uint8Array;
}

/** A key with its version, owned by the caller. */
export interface NamedKey {
  readonly version: number;
  readonly key: Buffer;
}

/** What one root key wraps, slots apart. */
interface WrappedKeys {
  readonly terms: readonly WrappedTerm[];
  readonly keys: readonly WrappedNamedKey[];
}

export interface Keyring {
  /** Of its root key. */
  readonly epoch: number;
  /** In rising order. */
  readonly terms: readonly number[];
  /** The term that new records are sealed under. */
  readonly newestTerm: number;
  /** The KEK of a term, still owned by the ring; `undefined` if there is no such term. */
  kek(term: number): Buffer | undefined;
  namedKey(purpose: KeyPurpose): NamedKey;
  namedKeyOf(purpose: KeyPurpose, version: number): Buffer | undefined;
  /** In rising order. */
  namedVersions(purpose: KeyPurpose): readonly number[];
  /** Whether the newest of this purpose is derived, and stored nowhere. */
  isDerived(purpose: KeyPurpose): boolean;
  /** A new KEK. */
  newTerm(term: number): WrappedTerm;
  /** A key as it is to be stored under this root key. */
  wrapNamedKey(purpose: KeyPurpose, version: number, key: Uint8Array, createdAt: number): WrappedNamedKey;
  /** All that was stored, wrapped by another root key: the same KEKs and named keys. */
  wrapAllBy(rootKey: Uint8Array, stored: WrappedKeys): WrappedKeys;
  /** Whether both have the same KEKs and the same stored named keys. */
  holdsTheSameAs(other: Keyring): boolean;
  /** What the same root key opens by now. */
  renewed(stored: WrappedKeys): Keyring;
  /** Lends the root key for wrapping it once more. */
  lendRootKey<Result>(use: (rootKey: Buffer) => Promise<Result>): Promise<Result>;
  wipe(): void;
}

/** Takes ownership of `rootKey`, also when it throws: it is wiped with the ring. */
export function openKeyring(
  rootKey: Buffer,
  terms: readonly WrappedTerm[],
  keys: readonly WrappedNamedKey[] = [],
  epoch = 1,
): Keyring {
  const ring = new Ring(rootKey, epoch);
  try {
    ring.open({ terms, keys });
    return ring;
  } catch (error) {
    ring.wipe();
    throw error;
  }
}

/** A new KEK, wrapped by the root key. */
export function wrapNewTerm(rootKey: Uint8Array, term: number): WrappedTerm {
  const kek = systemRandom(keySizeBytes);
  try {
    return { term, wrapped: wrapBy(rootKey, "kek", termPlace(term), kek) };
  } finally {
    wipe(kek);
  }
}

class Ring implements Keyring {
  readonly epoch: number;
  readonly #rootKey: Buffer;
  readonly #keks = new Map<number, Buffer>();
  readonly #named = new Map<string, Buffer>();

  constructor(rootKey: Buffer, epoch: number) {
    this.#rootKey = rootKey;
    this.epoch = epoch;
  }

  open({ terms, keys }: WrappedKeys): void {
    const wrapping = { kek: derive(this.#rootKey, "kek"), keys: derive(this.#rootKey, "keys") };
    try {
      for (const { term, wrapped } of terms) {
        this.#keks.set(term, unwrapped(wrapping.kek, termPlace(term), wrapped, "key terms"));
      }
      for (const { purpose, version, wrapped } of keys) {
        const place = namedKeyPlace(purpose, version);
        this.#named.set(nameOf(purpose, version), unwrapped(wrapping.keys, place, wrapped, "named keys"));
      }
    } finally {
      wipe(wrapping.kek, wrapping.keys);
    }
    if (this.#keks.size === 0) throw notIts("key terms");
  }

  get terms(): readonly number[] {
    return [...this.#keks.keys()].toSorted(byNumber);
  }

  get newestTerm(): number {
    return Math.max(...this.#keks.keys());
  }

  kek(term: number): Buffer | undefined {
    return this.#keks.get(term);
  }

  namedKey(purpose: KeyPurpose): NamedKey {
    const version = this.namedVersions(purpose).at(-1) ?? 0;
    return { version, key: this.namedKeyOf(purpose, version) ?? derive(this.#rootKey, purpose) };
  }

  namedKeyOf(purpose: KeyPurpose, version: number): Buffer | undefined {
    if (version === 0 && this.isDerived(purpose)) return derive(this.#rootKey, purpose);
    const key = this.#named.get(nameOf(purpose, version));
    return key && keyCopy(key);
  }

  namedVersions(purpose: KeyPurpose): readonly number[] {
    const versions = this.#storedVersions(purpose);
    return versions.length === 0 ? [0] : versions.toSorted(byNumber);
  }

  isDerived(purpose: KeyPurpose): boolean {
    return this.#storedVersions(purpose).length === 0;
  }

  newTerm(term: number): WrappedTerm {
    return wrapNewTerm(this.#rootKey, term);
  }

  wrapNamedKey(purpose: KeyPurpose, version: number, key: Uint8Array, createdAt: number): WrappedNamedKey {
    const wrapped = wrapBy(this.#rootKey, "keys", namedKeyPlace(purpose, version), key);
    return { purpose, version, wrapped, createdAt };
  }

  wrapAllBy(rootKey: Uint8Array, { terms, keys }: WrappedKeys): WrappedKeys {
    return {
      terms: terms.map(({ term }) => {
        return { term, wrapped: wrapBy(rootKey, "kek", termPlace(term), present(this.#keks.get(term))) };
      }),
      keys: keys.map(({ purpose, version, createdAt }) => {
        const key = present(this.#named.get(nameOf(purpose, version)));
        return { purpose, version, createdAt, wrapped: wrapBy(rootKey, "keys", namedKeyPlace(purpose, version), key) };
      }),
    };
  }

  holdsTheSameAs(other: Keyring): boolean {
    return other instanceof Ring && sameKeys(this.#keks, other.#keks) && sameKeys(this.#named, other.#named);
  }

  renewed({ terms, keys }: WrappedKeys): Keyring {
    return openKeyring(keyCopy(this.#rootKey), terms, keys, this.epoch);
  }

  async lendRootKey<Result>(use: (rootKey: Buffer) => Promise<Result>): Promise<Result> {
    const copy = keyCopy(this.#rootKey); // sealing the vault meanwhile must not wrap a wiped key
    try {
      return await use(copy);
    } finally {
      wipe(copy);
    }
  }

  wipe(): void {
    wipe(this.#rootKey, ...this.#keks.values(), ...this.#named.values());
  }

  #storedVersions(purpose: KeyPurpose): number[] {
    const prefix = nameOf(purpose, "");
    return [...this.#named.keys()]
      .filter((name) => name.startsWith(prefix))
      .map((name) => Number(name.slice(prefix.length)));
  }
}

function wrapBy(rootKey: Uint8Array, label: "kek" | "keys", place: readonly string[], key: Uint8Array): Buffer {
  const wrappingKey = derive(rootKey, label);
  try {
    return wrapKey(wrappingKey, place, key);
  } finally {
    wipe(wrappingKey);
  }
}

function unwrapped(wrappingKey: Uint8Array, place: readonly string[], wrapped: Uint8Array, what: string): Buffer {
  const key = unwrapKey(wrappingKey, place, wrapped);
  if (key === undefined) throw notIts(what);
  return key;
}

function notIts(what: string): AppError {
  const advice = "restore the database from a backup";
  return new AppError("vault_key_missing", { what: `its ${what} do not belong to its unlock slots`, advice });
}

/** What was stored when the ring was opened is in it. */
function present(key: Buffer | undefined): Buffer {
  if (key === undefined) throw new AppError("store_conflict", { what: "vault's keys" });
  return key;
}

function sameKeys<Name>(one: ReadonlyMap<Name, Buffer>, other: ReadonlyMap<Name, Buffer>): boolean {
  const isSame = ([name, key]: [Name, Buffer]): boolean => {
    const counterpart = other.get(name);
    return counterpart !== undefined && timingSafeEqual(key, counterpart);
  };
  return one.size === other.size && [...one].every(isSame);
}

function nameOf(purpose: string, version: number | ""): string {
  return `${purpose}\0${version}`;
}

function byNumber(one: number, other: number): number {
  return one - other;
}

function derive(rootKey: Uint8Array, purpose: KeyPurpose | "kek" | "keys"): Buffer {
  return deriveBytes(rootKey, Buffer.alloc(0), `portcullis ${purpose} 1`, keySizeBytes);
}
