import { hkdfSync, randomFillSync } from "node:crypto";

/*
 * Keys and opened values live in memory of their own, so that they can be overwritten when they have done their work:
 * outside Node's shared pool, and outside the heap of JavaScript, where a small buffer is moved by the garbage collector
 * and leaves copies behind that nobody can reach (`Buffer.allocUnsafeSlow` is not enough). They never become a string on
 * the way; a value that a caller asked for does, at the end.
 *
 * This is loaded by the thread that re-wraps, too, and so imports nothing else of ours (`key-text.ts` has what needs more).
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
export function deriveBytes(key: Uint8Array, salt: Uint8Array, info: string | Uint8Array, sizeBytes: number): Buffer {
  return Buffer.from(hkdfSync("sha256", key, salt, info, sizeBytes));
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
