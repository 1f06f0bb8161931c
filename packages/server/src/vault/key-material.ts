import { hkdfSync, randomFillSync } from "node:crypto";
import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";

/*
 * Keys and opened values live in memory of their own, so that they can be overwritten when they have done their work:
 * outside Node's shared pool, and outside the heap of JavaScript, where a small buffer is moved by the garbage collector
 * and leaves copies behind that nobody can reach (`Buffer.allocUnsafeSlow` is not enough). They never become a string on
 * the way; a value that a caller asked for does, at the end.
 */

export const keySizeBytes = 32;

/** Gives that many random bytes, in memory of their own. A parameter, so that the published vectors can be made again. */
export type RandomBytes = (sizeBytes: number) => Buffer;

/** Memory for a key: an `ArrayBuffer` lies outside the heap, stays where it is, and is nobody else's. */
export function keyMemory(sizeBytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(sizeBytes));
}

export const systemRandom: RandomBytes = (sizeBytes) => randomFillSync(keyMemory(sizeBytes));

/** HKDF (RFC 5869) with SHA-256. */
export function deriveBytes(key: Uint8Array, salt: Uint8Array, info: string, sizeBytes: number): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, info, sizeBytes));
}

/** The UTF-8 bytes of a value that is to be sealed; `invalid_request` if they could not give the same value back. */
export function secretBytes(secret: Secret): Buffer {
  const text = secret.reveal();
  if (!text.isWellFormed()) throw new AppError("invalid_request", { problem: "the value is not valid Unicode text" });
  return textBytes(text);
}

/** The UTF-8 bytes of a passphrase in Unicode normal form C: the same words typed on another keyboard are the same key. */
export function passphraseBytes(passphrase: Secret): Buffer {
  return textBytes(passphrase.reveal().normalize("NFC"));
}

/** 32 bytes from their one base64 spelling (44 characters); `undefined` for anything else. */
export function parseKey(base64: Secret): Buffer | undefined {
  const text = base64.reveal();
  if (!/^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/.test(text)) return undefined;
  const key = keyMemory(keySizeBytes);
  key.write(text, "base64");
  return key;
}

/** A copy that its owner wipes, in memory of its own. */
export function keyCopy(key: Uint8Array): Buffer {
  const copy = keyMemory(key.length);
  copy.set(key);
  return copy;
}

export function wipe(...keys: readonly (Uint8Array | undefined)[]): void {
  for (const key of keys) key?.fill(0);
}

function textBytes(text: string): Buffer {
  const bytes = keyMemory(Buffer.byteLength(text, "utf8"));
  bytes.write(text, "utf8");
  return bytes;
}
