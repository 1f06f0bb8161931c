import type { IdSource } from "./vendor.ts";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Ids that look like the vendors', from a small generator (xorshift32): no secret, but the same for the same seed. */
export function createIds(seed: number): IdSource {
  let state = (seed | 0) ^ 0x2545f491 || 1;
  return (prefix, length) => {
    let id = prefix;
    for (let index = 0; index < length; index++) {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      id += alphabet.charAt((state >>> 0) % alphabet.length);
    }
    return id;
  };
}
