import { createCipheriv, createDecipheriv, timingSafeEqual } from "node:crypto";
import { deriveBytes, keySizeBytes, type RandomBytes, systemRandom, wipe } from "./key-material.ts";

/*
 * The one cryptographic construction of the vault: AES-256-GCM under a key derived per box, with a commitment to that
 * key. Everything that is sealed or wrapped is a box.
 *
 *   box = commitment (32) ‖ nonce (12) ‖ ciphertext (as long as the plaintext) ‖ tag (16)
 *
 * The nonce salts the derivation, so that one key may make any number of boxes. The commitment makes a box open under
 * one key only, which AES-GCM alone does not promise. A box that does not open gives `undefined`, whatever the cause.
 */

const commitmentBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;
export const boxOverheadBytes = commitmentBytes + nonceBytes + tagBytes;
const algorithm = "aes-256-gcm";

export function sealBox(
  key: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
  random: RandomBytes,
): Buffer {
  const nonce = random(nonceBytes);
  const derived = deriveKeys(key, nonce);
  try {
    const cipher = createCipheriv(algorithm, derived.encryption, nonce, { authTagLength: tagBytes });
    cipher.setAAD(associatedData);
    const ciphertext = cipher.update(plaintext);
    cipher.final();
    return Buffer.concat([derived.commitment, nonce, ciphertext, cipher.getAuthTag()]);
  } finally {
    wipe(derived.encryption);
  }
}

/** The plaintext, in memory that the caller wipes. */
export function openBox(key: Uint8Array, associatedData: Uint8Array, box: Uint8Array): Buffer | undefined {
  if (box.length < boxOverheadBytes) return undefined;
  const commitment = box.subarray(0, commitmentBytes);
  const nonce = box.subarray(commitmentBytes, commitmentBytes + nonceBytes);
  const derived = deriveKeys(key, nonce);
  let plaintext: Buffer | undefined;
  try {
    if (!timingSafeEqual(derived.commitment, commitment)) return undefined;
    const decipher = createDecipheriv(algorithm, derived.encryption, nonce, { authTagLength: tagBytes });
    decipher.setAAD(associatedData);
    decipher.setAuthTag(box.subarray(box.length - tagBytes));
    plaintext = decipher.update(box.subarray(commitmentBytes + nonceBytes, box.length - tagBytes));
    decipher.final();
    return plaintext;
  } catch {
    wipe(plaintext); // not authenticated
    return undefined;
  } finally {
    wipe(derived.encryption);
  }
}

/**
 * Randomness for so many boxes that are sealed at once: their nonces are drawn together, as each drawing costs half as much
 * as a box. Whatever else is asked for has memory of its own.
 */
export function randomForBoxes(count: number): RandomBytes {
  const nonces = systemRandom(count * nonceBytes);
  let used = 0;
  return (sizeBytes) => {
    if (sizeBytes !== nonceBytes || used === nonces.length) return systemRandom(sizeBytes);
    used += nonceBytes;
    return nonces.subarray(used - nonceBytes, used);
  };
}

/** The fields, each preceded by its length in bytes (32 bits, big-endian), so that no two lists give the same bytes. */
export function encodeFields(fields: readonly string[]): Buffer {
  const mostBytes = fields.reduce((sum, field) => sum + 4 + 3 * field.length, 0);
  const bytes = Buffer.allocUnsafe(mostBytes);
  let end = 0;
  for (const field of fields) {
    const sizeBytes = bytes.write(field, end + 4, "utf8");
    end = bytes.writeUInt32BE(sizeBytes, end) + sizeBytes;
  }
  return bytes.subarray(0, end);
}

function deriveKeys(key: Uint8Array, nonce: Uint8Array): { readonly encryption: Buffer; readonly commitment: Buffer } {
  const bytes = deriveBytes(key, nonce, "portcullis box 1", keySizeBytes + commitmentBytes);
  return { encryption: bytes.subarray(0, keySizeBytes), commitment: bytes.subarray(keySizeBytes) };
}
