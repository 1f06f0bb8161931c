import { randomFillSync } from "node:crypto";

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"; // Crockford base32, lower case: no i, l, o, u
const pool = Buffer.alloc(4096);
let poolOffset = pool.length;

/** Cryptographically random bytes from a pool that is refilled in blocks (one system call per 256 ids). */
function randomBytes(count: number): Buffer {
  if (poolOffset + count > pool.length) {
    randomFillSync(pool);
    poolOffset = 0;
  }
  const bytes = pool.subarray(poolOffset, poolOffset + count);
  poolOffset += count;
  return bytes;
}

let lastMs = -1;
let timePart = "";

/** A ULID (https://github.com/ulid/spec) in lower case: 48 bits of time, 80 random bits, sortable by time. */
export function ulid(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs;
    timePart = "";
    for (let value = nowMs, index = 0; index < 10; index++, value = Math.floor(value / 32)) {
      timePart = alphabet.charAt(value % 32) + timePart;
    }
  }
  const bytes = randomBytes(16);
  let text = timePart;
  for (let index = 0; index < 16; index++) text += alphabet.charAt((bytes[index] ?? 0) & 31);
  return text;
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
