import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import { base32 } from "../kernel/ids.ts";
import { Secret } from "../kernel/secret.ts";

/*
 * A key reads `pc_<id>_<secret>_<check>`: 16 characters of id, 52 of secret (32 random bytes), 7 of CRC-32 over
 * all that stands before it. An admin key reads `pca_…`, so that people and secret scanners tell them apart.
 * The check rejects what was cut or mistyped before anything is looked up; it protects nothing.
 * What is stored is the id and HMAC-SHA-256(pepper, secret): with the database alone, no key can be made or guessed.
 */
const shape = /^(pca?)_([0-9a-hjkmnp-tv-z]{16})_([0-9a-hjkmnp-tv-z]{52})_([0-9a-hjkmnp-tv-z]{7})$/;

export type KeyKind = "caller" | "admin";

export interface ParsedKey {
  readonly kind: KeyKind;
  readonly id: string;
  readonly secret: string;
}

export interface MintedKey {
  readonly id: string;
  readonly text: Secret;
  /** The secret part alone, as `hashSecret` takes it. */
  readonly secret: string;
  readonly lastFour: string;
}

/** Makes a new key, or a new secret for the key `id` (rotation keeps the id, and with it the key's history). */
export function mintKey(kind: KeyKind, id: string = base32(randomBytes(10))): MintedKey {
  const secret = base32(randomBytes(32));
  const head = `${kind === "admin" ? "pca" : "pc"}_${id}_${secret}`;
  const text = new Secret(`${head}_${checkOf(head)}`);
  return { id, text, secret, lastFour: text.lastFour };
}

/** Reads a key's parts; `undefined` for anything that is not a whole, unmistyped key. */
export function parseKey(text: string): ParsedKey | undefined {
  if (!text.startsWith("pc") || text.length > 88) return undefined;
  const match = shape.exec(text);
  if (match === null) return undefined;
  const [, prefix, id = "", secret = "", check] = match;
  if (checkOf(text.slice(0, text.length - 8)) !== check) return undefined;
  return { kind: prefix === "pca" ? "admin" : "caller", id, secret };
}

/** The id within a key's text; `undefined` for what is no key. Says nothing of whether the key opens anything. */
export function keyIdIn(text: string): string | undefined {
  return parseKey(text)?.id;
}

/** What is stored of a key's secret: HMAC-SHA-256 under the vault's pepper, 32 bytes. */
export function hashSecret(pepper: Buffer, secret: string): Buffer {
  return createHmac("sha256", pepper).update(secret, "latin1").digest();
}

/** Compares two digests of equal length without telling where they differ. */
export function sameDigest(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}

function checkOf(head: string): string {
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(head));
  return base32(check);
}
