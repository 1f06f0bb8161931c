import * as crypto from "node:crypto";
import { promisify } from "node:util";
import { AppError } from "../../kernel/errors.ts";
import type { Secret } from "../../kernel/secret.ts";
import { keySizeBytes, systemRandom, wipe } from "../key-material.ts";
import { passphraseBytes } from "../key-text.ts";
import { fixedKeySource, keyedUnlocker, type Unlocker } from "./unlocker.ts";

/*
 * Opens with a passphrase, made into a key by argon2id (RFC 9106) where this Node.js has it (24.7 and newer), else by
 * scrypt (RFC 7914). The slot's parameters name the function, its cost and the salt in the style of a PHC string:
 *
 *   {"kdf":"$argon2id$v=19$m=65536,t=3,p=1$<salt>"}      {"kdf":"$scrypt$ln=17,r=8,p=1$<salt>"}
 *
 * They come from the database, so they are held to a range before any work: below it a passphrase could be guessed
 * cheaply, above it opening would take the machine's memory.
 */

interface Range {
  readonly least: number;
  readonly most: number;
}
type Costs = Readonly<Record<string, number>>;

interface Derivation {
  readonly prefix: string;
  readonly fresh: Costs;
  readonly ranges: Readonly<Record<string, Range>>;
  derive(passphrase: Uint8Array, salt: Uint8Array, costs: Costs): Promise<Buffer>;
}

const scrypt = promisify<Uint8Array, Uint8Array, number, crypto.ScryptOptions, Buffer>(crypto.scrypt);

/** m in KiB, t passes, p lanes. */
const argon2id: Derivation = {
  prefix: "$argon2id$v=19$",
  fresh: { m: 65_536, t: 3, p: 1 },
  ranges: { m: { least: 19_456, most: 1_048_576 }, t: { least: 2, most: 10 }, p: { least: 1, most: 4 } },
  derive(passphrase, salt, { m: memory = 0, t: passes = 0, p: parallelism = 0 }) {
    if (!hasArgon2) {
      const problem = "this vault has a passphrase slot made with argon2id, which this Node.js does not have";
      throw new AppError("config_invalid", { problem, advice: "use Node.js 24.7 or newer" });
    }
    const options = { message: passphrase, nonce: salt, memory, passes, parallelism, tagLength: keySizeBytes };
    return promisify(crypto.argon2)("argon2id", options);
  },
};

/** Memory is 2^ln × r × 128 bytes. */
const scryptKdf: Derivation = {
  prefix: "$scrypt$",
  fresh: { ln: 17, r: 8, p: 1 },
  ranges: { ln: { least: 17, most: 20 }, r: { least: 8, most: 8 }, p: { least: 1, most: 4 } },
  derive(passphrase, salt, { ln = 0, r = 0, p = 0 }) {
    const options = { N: 2 ** ln, r, p, maxmem: 2 ** ln * r * 256 };
    return scrypt(passphrase, salt, keySizeBytes, options);
  },
};

const derivations = { argon2id, scrypt: scryptKdf } as const;
const hasArgon2 = "argon2" in crypto;
const saltRange: Range = { least: 16, most: 64 };
const shortest = 12;

export type PassphraseKdf = keyof typeof derivations;

/** `kdf` is for new slots; an existing one names its own. */
export function passphraseUnlocker(
  passphrase: Secret,
  kdf: PassphraseKdf = hasArgon2 ? "argon2id" : "scrypt",
): Unlocker {
  const source = fixedKeySource("passphrase", {
    newParams: () => formatParams(derivations[kdf]),
    async key(params) {
      const parsed = parseParams(params);
      if (parsed === undefined) return undefined;
      const bytes = passphraseBytes(passphrase);
      try {
        return await parsed.derivation.derive(bytes, parsed.salt, parsed.costs);
      } finally {
        wipe(bytes);
      }
    },
  });
  return keyedUnlocker(source);
}

/** Throws `invalid_request` for a new passphrase that is too short to protect anything. */
export function checkNewPassphrase(passphrase: Secret): void {
  if (passphrase.length < shortest) {
    throw new AppError("invalid_request", { problem: `a passphrase needs at least ${shortest} characters` });
  }
}

function formatParams({ prefix, fresh }: Derivation): string {
  const costs = Object.entries(fresh).map(([name, value]) => `${name}=${value}`);
  const salt = systemRandom(saltRange.least).toString("base64").replaceAll("=", "");
  return JSON.stringify({ kdf: `${prefix}${costs.join(",")}$${salt}` });
}

/** `undefined` for anything that this module would not have written, or whose cost is out of range. */
function parseParams(params: string): { derivation: Derivation; costs: Costs; salt: Buffer } | undefined {
  const kdf = /^\{"kdf":"([\w$=,+/]+)"\}$/.exec(params)?.[1];
  const derivation = Object.values(derivations).find(({ prefix }) => kdf?.startsWith(prefix));
  if (kdf === undefined || derivation === undefined) return undefined;
  const [costText = "", saltText = "", ...rest] = kdf.slice(derivation.prefix.length).split("$");
  const names = Object.keys(derivation.ranges);
  const pattern = new RegExp(`^${names.map((name) => `${name}=(\\d{1,7})`).join(",")}$`);
  const values = pattern.exec(costText)?.slice(1).map(Number);
  const salt = Buffer.from(saltText, "base64");
  if (values === undefined || rest.length > 0 || !isWithin(salt.length, saltRange)) return undefined;
  const costs = Object.fromEntries(names.map((name, index) => [name, values[index] ?? 0]));
  const inRange = Object.entries(derivation.ranges).every(([name, range]) => isWithin(costs[name] ?? 0, range));
  return inRange ? { derivation, costs, salt } : undefined;
}

function isWithin(value: number, { least, most }: Range): boolean {
  return value >= least && value <= most;
}
