import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import { parseKey, wipe } from "./key-material.ts";
import {
  checkNewPassphrase,
  ensureKeyFile,
  givenKeyUnlocker,
  keyFileUnlocker,
  passphraseUnlocker,
  readKeyFile,
  type SlotKind,
  type Unlocker,
  type WrappedKey,
} from "./unlockers/index.ts";

/*
 * Which unlocker is used when. What is given decides, in a fixed order; what opens first is enough. Nothing here makes a
 * root key, and a key file is made only for a first start or a new slot.
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
  /** PORTCULLIS_ROOT_KEY: 32 bytes in base64. */
  readonly environmentKey?: Secret | undefined;
  /** PORTCULLIS_PASSPHRASE */
  readonly passphrase?: Secret | undefined;
}

/** What a person gives to unseal: a passphrase, or the key of an environment or key-file slot in base64. */
export type UnsealGiven = { readonly passphrase: Secret } | { readonly rootKey: Secret };

/** What a new slot is made from; a key-file slot needs nothing. */
export interface SlotGiven {
  readonly label?: string;
  readonly passphrase?: Secret;
  /** For an environment slot: 32 bytes in base64. */
  readonly rootKey?: Secret;
}

/** Tries the unlockers in order on the slots of their kind, all of them if need be. */
export async function unwrapRootKey(
  unlockers: readonly Unlocker[],
  slots: readonly WrappedKey[],
): Promise<{ readonly rootKey: Buffer; readonly kind: SlotKind } | undefined> {
  for (const unlocker of unlockers) {
    for (const slot of slots.filter(({ kind }) => kind === unlocker.kind)) {
      const rootKey = await unlocker.unwrap(slot);
      if (rootKey !== undefined) return { rootKey, kind: unlocker.kind };
    }
  }
  return undefined;
}

/** The unlockers for a start: the environment's key, then its passphrase, then the key file. */
export function startUnlockers(options: OpeningOptions): readonly Unlocker[] {
  const { environmentKey, passphrase, keyFile } = options;
  const unlockers = [
    environmentKey === undefined ? [] : givenKeyUnlocker("environment", environmentKey),
    passphrase === undefined ? [] : passphraseUnlocker(passphrase),
    keyFileUnlocker(keyFile),
  ];
  return unlockers.flat().filter(({ kind }) => allows(options, kind));
}

export function unsealUnlockers(given: UnsealGiven): readonly Unlocker[] {
  if ("passphrase" in given) return [passphraseUnlocker(given.passphrase)];
  return [givenKeyUnlocker("environment", given.rootKey), givenKeyUnlocker("key-file", given.rootKey)];
}

/** The unlocker that the first slot of a new vault is made with. Creates the key file if it comes to that. */
export async function firstUnlocker(options: OpeningOptions): Promise<Unlocker> {
  const { unlocker, environmentKey, passphrase, keyFile } = options;
  if (environmentKey !== undefined && allows(options, "environment")) {
    if (!isKey(environmentKey)) throw malformedEnvironmentKey();
    return givenKeyUnlocker("environment", environmentKey);
  }
  if (passphrase !== undefined && allows(options, "passphrase")) {
    checkNewPassphrase(passphrase);
    return passphraseUnlocker(passphrase);
  }
  if (allows(options, "key-file")) {
    await ensureKeyFile(keyFile);
    return keyFileUnlocker(keyFile);
  }
  const variable = unlocker === "passphrase" ? "PORTCULLIS_PASSPHRASE" : "PORTCULLIS_ROOT_KEY";
  const problem = `the vault is to be created with ${variable}, which is not set`;
  throw new AppError("config_invalid", { problem, advice: `set ${variable}, or choose another \`vault.unlocker\`` });
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
      await ensureKeyFile(options.keyFile);
      return keyFileUnlocker(options.keyFile);
  }
}

/**
 * Why a start could not open the vault, once it has tried. `undefined` means that nothing is wrong: the vault waits for
 * the passphrase of one of its slots.
 */
export async function explainUnopened(
  options: OpeningOptions,
  slots: readonly WrappedKey[],
): Promise<AppError | undefined> {
  const has = (kind: SlotKind): boolean => allows(options, kind) && slots.some((slot) => slot.kind === kind);
  if (slots.length === 0) return keyMissing("no unlock slot is left in it", "restore the database from a backup");
  if (options.environmentKey !== undefined && allows(options, "environment")) {
    if (!isKey(options.environmentKey)) return malformedEnvironmentKey();
    const what = "the key in PORTCULLIS_ROOT_KEY does not open it";
    return keyMissing(what, `set the key it was created with; ${neverNew}`);
  }
  if (options.passphrase !== undefined && has("passphrase")) return new AppError("vault_cannot_open");
  if (has("key-file")) {
    const key = await readKeyFile(options.keyFile);
    wipe(key);
    if (key !== undefined) {
      const what = `the key file ${options.keyFile} is not the one it was sealed with`;
      return keyMissing(what, `put its own back from a backup; ${neverNew}`);
    }
    if (!has("passphrase")) {
      return keyMissing(`its key file ${options.keyFile} is missing`, `put it back from a backup; ${neverNew}`);
    }
  }
  if (has("passphrase")) return undefined;
  if (has("environment")) {
    return keyMissing("PORTCULLIS_ROOT_KEY is not set", `set the key it was created with; ${neverNew}`);
  }
  return new AppError("vault_no_slot", { kind: options.unlocker });
}

const neverNew = "no new one is made for existing data";

function allows({ unlocker }: OpeningOptions, kind: SlotKind): boolean {
  return unlocker === "auto" || unlocker === kind;
}

function isKey(base64: Secret): boolean {
  const key = parseKey(base64);
  wipe(key);
  return key !== undefined;
}

function keyMissing(what: string, advice: string): AppError {
  return new AppError("vault_key_missing", { what, advice });
}

function malformedEnvironmentKey(): AppError {
  const advice = "make one with `openssl rand -base64 32`";
  return new AppError("config_invalid", { problem: "PORTCULLIS_ROOT_KEY is not 32 bytes in base64", advice });
}
