import { AppError } from "../kernel/errors.ts";
import { wipe } from "./key-material.ts";
import { allows, isKey, keyFilesOf, malformedEnvironmentKey, type OpeningOptions } from "./opening.ts";
import { readKeyFile, type SlotKind, type WrappedKey } from "./unlockers/index.ts";

/*
 * Why a start did not open the vault. Some reasons end the start: waiting would mend nothing, and somebody has to act.
 * Others leave it sealed: a passphrase may come, a key ring may be unlocked, a service may answer again.
 */

export type Unopened =
  | { readonly end: AppError }
  /** `problem` is undefined if nothing is wrong: the vault waits for the passphrase of one of its slots. */
  | { readonly end?: undefined; readonly problem: AppError | undefined; readonly tryAgain: boolean };

interface Tried {
  readonly options: OpeningOptions;
  readonly slots: readonly WrappedKey[];
  readonly unavailable: ReadonlyMap<SlotKind, AppError>;
}

export async function explainUnopened({ options, slots, unavailable }: Tried): Promise<Unopened> {
  const has = (kind: SlotKind): boolean => allows(options, kind) && slots.some((slot) => slot.kind === kind);
  if (slots.length === 0) {
    return { end: keyMissing("no unlock slot that is known here is left in it", "restore it from a backup") };
  }
  const { environmentKey, passphrase } = options;
  if (environmentKey !== undefined && allows(options, "environment") && !isKey(environmentKey)) {
    return { end: malformedEnvironmentKey() };
  }
  const problem = [...unavailable.values()][0];
  // A key ring is not asked again by itself: it may put its question to somebody's screen each time.
  if (problem !== undefined) return { problem, tryAgain: unavailable.has("transit") || unavailable.has("aws-kms") };
  if (environmentKey !== undefined && allows(options, "environment")) {
    const what = "the key in PORTCULLIS_ROOT_KEY does not open it";
    return { end: keyMissing(what, `set the key it was created with; ${neverNew}`) };
  }
  if (passphrase !== undefined && has("passphrase")) return { end: new AppError("vault_cannot_open") };
  const wrong = await wrongKey(options, has);
  if (wrong !== undefined) return { end: wrong };
  if (has("passphrase")) return { problem: undefined, tryAgain: false };
  return { end: missingKey(options, has) };
}

type Has = (kind: SlotKind) => boolean;

const neverNew = "no new one is made for existing data";

/** A key that is there and opens nothing: nobody meant that, whatever else could open the vault. */
async function wrongKey(options: OpeningOptions, has: Has): Promise<AppError | undefined> {
  if (has("key-file")) {
    for (const path of keyFilesOf(options)) {
      const key = await readKeyFile(path);
      wipe(key);
      if (key === undefined) continue;
      const what = `the key file ${path} is not the one it was sealed with`;
      return keyMissing(what, `put its own back from a backup; ${neverNew}`);
    }
  }
  const { transit, awsKms } = options;
  if (has("transit") && transit !== undefined) {
    const what = `the Transit key ${transit.mount}/${transit.key} is not the one it was sealed with`;
    return keyMissing(what, `name its own in \`vault.transit\`; ${neverNew}`);
  }
  if (has("aws-kms") && awsKms !== undefined) {
    const what = `the KMS key ${awsKms.keyId} is not the one it was sealed with`;
    return keyMissing(what, `name its own in \`vault.aws_kms\`; ${neverNew}`);
  }
  return undefined;
}

/** Which key is not there. */
function missingKey({ keyFile, keyRing, unlocker }: OpeningOptions, has: Has): AppError {
  if (has("key-file"))
    return keyMissing(`its key file ${keyFile} is missing`, `put it back from a backup; ${neverNew}`);
  if (has("environment")) {
    return keyMissing("PORTCULLIS_ROOT_KEY is not set", `set the key it was created with; ${neverNew}`);
  }
  if (has("key-ring")) {
    const what = keyRing === undefined ? "no key ring is looked for" : "the key ring has no entry that opens it";
    const advice = "start it as the user, and on the machine, that has the entry `portcullis` in the key ring";
    return keyMissing(what, `${advice}; ${neverNew}`);
  }
  if (has("transit")) return keyMissing("`vault.transit` is not set", `set it to where its key is; ${neverNew}`);
  if (has("aws-kms")) return keyMissing("`vault.aws_kms` is not set", `set it to where its key is; ${neverNew}`);
  return new AppError("vault_no_slot", { kind: unlocker });
}

function keyMissing(what: string, advice: string): AppError {
  return new AppError("vault_key_missing", { what, advice });
}
