import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import { wipe } from "./key-material.ts";
import { parseKey } from "./key-text.ts";
import type { VaultStore } from "./store.ts";
import {
  awsKmsUnlocker,
  checkNewPassphrase,
  ensureKeyFile,
  givenKeyUnlocker,
  keyFileUnlocker,
  keyRingUnlocker,
  passphraseUnlocker,
  transitUnlocker,
  type AwsKmsKey,
  type KeyRing,
  type SlotKind,
  type TransitKey,
  type Unlocker,
  type WrappedKey,
} from "./unlockers/index.ts";

/*
 * Which unlocker is used when. What is given decides, in a fixed order; what opens first is enough. Nothing here makes a
 * root key, and a key file or an entry of the key ring is made only for a first start or a new slot.
 */

/**
 * What the start-up options give. It is kept as long as the vault, so that a sealed vault can be reopened without a
 * restart: where sealing has to withstand a look into memory, unseal by hand instead.
 */
export interface OpeningOptions {
  /** The one kind to use at start, or `auto`: whatever is given. */
  readonly unlocker: "auto" | SlotKind;
  /** Absolute path. */
  readonly keyFile: string;
  /** Whether `keyFile` was chosen by somebody, and is not just where such a file would lie. */
  readonly keyFileChosen?: boolean | undefined;
  /** Absolute path of a key file that the system hands to the service, if it does. It is used, never made. */
  readonly credentialFile?: string | undefined;
  /** PORTCULLIS_ROOT_KEY: 32 bytes in base64. */
  readonly environmentKey?: Secret | undefined;
  /** PORTCULLIS_PASSPHRASE */
  readonly passphrase?: Secret | undefined;
  /** Without one, no key ring is looked for. */
  readonly keyRing?: KeyRing | undefined;
  readonly transit?: TransitKey | undefined;
  readonly awsKms?: AwsKmsKey | undefined;
}

/** What a person gives to unseal: a passphrase, or the key of an environment or key-file slot in base64. */
export type UnsealGiven = { readonly passphrase: Secret } | { readonly rootKey: Secret };

/** What a new slot is made from; only passphrase and environment slots need anything. */
export interface SlotGiven {
  readonly label?: string;
  readonly passphrase?: Secret;
  /** For an environment slot: 32 bytes in base64. */
  readonly rootKey?: Secret;
}

/** What came of trying the slots. */
export interface Unwrapping<Slot> {
  readonly opened: { readonly rootKey: Buffer; readonly slot: Slot } | undefined;
  /** The kinds whose key ring or service could not be asked, and why (`vault_unlocker_unavailable`). */
  readonly unavailable: ReadonlyMap<SlotKind, AppError>;
}

/**
 * Tries the unlockers in order on the slots of their kind, all of them if need be. A passphrase is tried on every one of
 * its slots also after it has opened one: how long that takes tells nobody which.
 */
export async function unwrapRootKey<Slot extends WrappedKey>(
  unlockers: readonly Unlocker[],
  slots: readonly Slot[],
): Promise<Unwrapping<Slot>> {
  const unavailable = new Map<SlotKind, AppError>();
  let opened: { readonly rootKey: Buffer; readonly slot: Slot } | undefined;
  for (const unlocker of unlockers) {
    for (const slot of slots.filter(({ kind }) => kind === unlocker.kind)) {
      const rootKey = await unwrapWith(unlocker, slot, unavailable);
      if (rootKey === undefined) continue;
      if (opened === undefined) opened = { rootKey, slot };
      else wipe(rootKey);
      if (unlocker.kind !== "passphrase") break;
    }
    if (opened !== undefined) break;
  }
  return { opened, unavailable };
}

/** The unlockers for a start: what lies here first, then what has to be asked. */
export function startUnlockers(options: OpeningOptions): readonly Unlocker[] {
  const { environmentKey, passphrase, keyRing, transit, awsKms } = options;
  const unlockers = [
    environmentKey === undefined ? [] : givenKeyUnlocker("environment", environmentKey),
    passphrase === undefined ? [] : passphraseUnlocker(passphrase),
    keyFilesOf(options).map((path) => keyFileUnlocker(path)),
    keyRing === undefined ? [] : keyRingUnlocker(keyRing),
    transit === undefined ? [] : transitUnlocker(transit),
    awsKms === undefined ? [] : awsKmsUnlocker(awsKms),
  ];
  return unlockers.flat().filter(({ kind }) => allows(options, kind));
}

export function unsealUnlockers(given: UnsealGiven): readonly Unlocker[] {
  if ("passphrase" in given) return [passphraseUnlocker(given.passphrase)];
  return [givenKeyUnlocker("environment", given.rootKey), givenKeyUnlocker("key-file", given.rootKey)];
}

/** The unlocker that a further slot is made with. Creates the key file if it comes to that. */
export async function unlockerForSlot(kind: SlotKind, given: SlotGiven, options: OpeningOptions): Promise<Unlocker> {
  switch (kind) {
    case "passphrase":
      if (given.passphrase === undefined) throw new AppError("missing_field", { field: "passphrase" });
      checkNewPassphrase(given.passphrase);
      return passphraseUnlocker(given.passphrase);
    case "environment":
      if (given.rootKey === undefined) throw new AppError("missing_field", { field: "root_key" });
      if (!isKey(given.rootKey))
        throw new AppError("invalid_request", { problem: "the key is not 32 bytes in base64" });
      return givenKeyUnlocker("environment", given.rootKey);
    case "key-file":
      return newKeyFileUnlocker(options);
    case "key-ring":
    case "transit":
    case "aws-kms":
      return configuredUnlocker(kind, options);
  }
}

/** The unlocker of a kind that needs nothing but the configuration. Throws `config_invalid` if that lacks it. */
export function configuredUnlocker(kind: "key-ring" | "transit" | "aws-kms", options: OpeningOptions): Unlocker {
  const { keyRing, transit, awsKms } = options;
  if (kind === "key-ring" && keyRing !== undefined) return keyRingUnlocker(keyRing);
  if (kind === "transit" && transit !== undefined) return transitUnlocker(transit);
  if (kind === "aws-kms" && awsKms !== undefined) return awsKmsUnlocker(awsKms);
  const section = { "key-ring": "key ring", transit: "`vault.transit`", "aws-kms": "`vault.aws_kms`" }[kind];
  const advice = kind === "key-ring" ? "choose another `vault.unlocker`" : `set ${section} in portcullis.yaml`;
  throw new AppError("config_invalid", {
    problem: `there is no ${section} to make a slot of the kind ${kind} with`,
    advice,
  });
}

/** The unlocker of the key file that there is, or that is made now. */
export async function newKeyFileUnlocker(options: OpeningOptions): Promise<Unlocker> {
  const path = options.credentialFile ?? options.keyFile;
  await ensureKeyFile(path);
  return keyFileUnlocker(path);
}

/** Takes away what lies outside the vault for slots that are no more. What cannot be taken away stays, and opens nothing. */
export async function discardSlots(slots: readonly WrappedKey[], options: OpeningOptions): Promise<void> {
  for (const unlocker of startUnlockers({ ...options, unlocker: "auto" })) {
    for (const slot of slots) await unlocker.discard(slot).catch(() => undefined);
  }
}

/**
 * The same for new slots whose storing failed: only if they turn out not to be stored. A failure may have come after the
 * change was made, and then their keys are needed.
 */
export async function discardUnstored(
  made: readonly WrappedKey[],
  store: Pick<VaultStore, "loadKeys">,
  options: OpeningOptions,
): Promise<void> {
  const stored = await store.loadKeys().catch(() => undefined);
  if (stored === undefined) return;
  const kept = new Set([...stored.slots, ...(stored.staged?.slots ?? [])].map(({ id }) => id));
  const lost = made.filter(({ id }) => !kept.has(id));
  await discardSlots(lost, options);
}

const openers: Readonly<Record<SlotKind, string>> = {
  "key-file": "a key file opened it: whoever reads that file and the database reads every secret",
  passphrase: "PORTCULLIS_PASSPHRASE opened it",
  environment: "PORTCULLIS_ROOT_KEY opened it",
  "key-ring": "the key ring of the operating system opened it",
  transit: "the Transit key of `vault.transit` opened it",
  "aws-kms": "the KMS key of `vault.aws_kms` opened it",
};

/** Why a start opened with this slot, for people. */
export function openedBecause({ kind }: WrappedKey): string {
  return openers[kind];
}

/** Where the key may lie, the one to use first. */
export function keyFilesOf({ credentialFile, keyFile }: OpeningOptions): readonly string[] {
  return credentialFile === undefined ? [keyFile] : [credentialFile, keyFile];
}

export function allows({ unlocker }: Pick<OpeningOptions, "unlocker">, kind: SlotKind): boolean {
  return unlocker === "auto" || unlocker === kind;
}

export function isKey(base64: Secret): boolean {
  const key = parseKey(base64);
  wipe(key);
  return key !== undefined;
}

export function malformedEnvironmentKey(): AppError {
  const advice = "make one with `openssl rand -base64 32`";
  return new AppError("config_invalid", { problem: "PORTCULLIS_ROOT_KEY is not 32 bytes in base64", advice });
}

async function unwrapWith(
  unlocker: Unlocker,
  slot: WrappedKey,
  unavailable: Map<SlotKind, AppError>,
): Promise<Buffer | undefined> {
  if (unavailable.has(unlocker.kind)) return undefined; // it would be asked, and waited for, once more for each slot
  try {
    return await unlocker.unwrap(slot);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "vault_unlocker_unavailable") throw error;
    unavailable.set(unlocker.kind, error);
    return undefined;
  }
}
