import { AppError } from "../kernel/errors.ts";
import { wipe } from "./key-material.ts";
import {
  allows,
  configuredUnlocker,
  isKey,
  malformedEnvironmentKey,
  newKeyFileUnlocker,
  type OpeningOptions,
} from "./opening.ts";
import {
  checkNewPassphrase,
  givenKeyUnlocker,
  keyRingUnlocker,
  passphraseUnlocker,
  readKeyFile,
  ringProblem,
  type Unlocker,
} from "./unlockers/index.ts";

/** What the first slot of a new vault is made with, and why that. */
export interface FirstSlot {
  readonly unlocker: Unlocker;
  /** `PORTCULLIS_PASSPHRASE is set` */
  readonly why: string;
}

/**
 * Chooses by what is given: secrets of the environment, then a service that is configured, then a key file that was chosen
 * or lies there. With nothing given, the key ring if it works, tried out, else a key file, which is made then.
 */
export async function firstSlot(options: OpeningOptions): Promise<FirstSlot> {
  const { unlocker } = options;
  const given = fromEnvironment(options);
  if (given !== undefined) return given;
  if (unlocker === "auto") return firstOfAuto(options);
  const why = "`vault.unlocker` says so";
  if (unlocker === "key-file") return { unlocker: await newKeyFileUnlocker(options), why };
  if (unlocker === "passphrase" || unlocker === "environment") throw notSet(unlocker);
  return { unlocker: configuredUnlocker(unlocker, options), why };
}

function fromEnvironment(options: OpeningOptions): FirstSlot | undefined {
  const { environmentKey, passphrase } = options;
  if (environmentKey !== undefined && allows(options, "environment")) {
    if (!isKey(environmentKey)) throw malformedEnvironmentKey();
    return { unlocker: givenKeyUnlocker("environment", environmentKey), why: "PORTCULLIS_ROOT_KEY is set" };
  }
  if (passphrase !== undefined && allows(options, "passphrase")) {
    checkNewPassphrase(passphrase);
    return { unlocker: passphraseUnlocker(passphrase), why: "PORTCULLIS_PASSPHRASE is set" };
  }
  return undefined;
}

async function firstOfAuto(options: OpeningOptions): Promise<FirstSlot> {
  if (options.transit !== undefined) {
    return { unlocker: configuredUnlocker("transit", options), why: "`vault.transit` is set" };
  }
  if (options.awsKms !== undefined) {
    return { unlocker: configuredUnlocker("aws-kms", options), why: "`vault.aws_kms` is set" };
  }
  const given = await givenKeyFile(options);
  if (given !== undefined) return { unlocker: await newKeyFileUnlocker(options), why: given };
  const problem = await ringProblem(options.keyRing);
  if (problem === undefined && options.keyRing !== undefined) {
    return { unlocker: keyRingUnlocker(options.keyRing), why: "the key ring of the operating system works" };
  }
  return { unlocker: await newKeyFileUnlocker(options), why: `the key ring cannot be used: ${problem}` };
}

/** Why the key file is meant; `undefined` if nothing speaks for it. */
async function givenKeyFile({ credentialFile, keyFile, keyFileChosen = false }: OpeningOptions) {
  if (credentialFile !== undefined) return "the system gives this service a key file";
  if (keyFileChosen) return "`vault.key_file` is set";
  const key = await readKeyFile(keyFile);
  wipe(key);
  return key === undefined ? undefined : "there is a key file already";
}

function notSet(unlocker: "passphrase" | "environment"): AppError {
  const variable = unlocker === "passphrase" ? "PORTCULLIS_PASSPHRASE" : "PORTCULLIS_ROOT_KEY";
  const problem = `the vault is to be created with ${variable}, which is not set`;
  return new AppError("config_invalid", { problem, advice: `set ${variable}, or choose another \`vault.unlocker\`` });
}
