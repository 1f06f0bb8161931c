import { randomFillSync } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford base32, lower case: no i, l, o, u
const letters = Buffer.from(alphabet);

/** Cryptographically random bytes, refilled in blocks (one system call per 256 ids). */
const pool = Buffer.alloc(4096);
let poolOffset = pool.length;

const timeLength = 10;
const idLength = 26;
/** The characters of the latest id; those of the time stay as long as it does. */
const codes = Array.from({ length: idLength }, () => 0);
let lastMs = -1;

/** A ULID (https://github.com/ulid/spec) in lower case: 48 bits of time, 80 random bits, sortable by time. */
export function ulid(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    let value = nowMs;
    for (let index = timeLength - 1; index >= 0; index--, value = Math.floor(value / 32)) {
      codes[index] = letters[value % 32] ?? 0;
    }
  }
  if (poolOffset === pool.length) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  for (let index = timeLength; index < idLength; index++) codes[index] = letters[(pool[poolOffset++] ?? 0) & 31] ?? 0;
  return String.fromCharCode(...codes);
}

/** An id that says what it names: `key_01jc…`. */
export function newId(prefix: string, nowMs: number): string {
  return `${prefix}_${ulid(nowMs)}`;
}

/** Base32 (Crockford, lower case) of any bytes, most significant bit first, last group zero-padded. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((value >>> bits) & 31);
    }
  }
  return bits === 0 ? text : text + alphabet.charAt((value << (5 - bits)) & 31);
}
