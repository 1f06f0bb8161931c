import { createCipheriv, createDecipheriv, timingSafeEqual } from "node:crypto";
import { deriveBytes, keyMemory, keySizeBytes, type RandomBytes, systemRandom, wipe } from "./key-material.ts";

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
/** GCM encrypts from its second block on; the first one makes the tag. */
const firstBlock = 2;
const derivation = Buffer.from("portcullis box 1");

export function sealBox(
  key: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
  random: RandomBytes,
): Buffer {
  const nonce = random(nonceBytes);
  const derived = deriveKeys(key, nonce);
  try {
    const { ciphertext, tag } = encrypt(derived.encryption, nonce, associatedData, plaintext);
    return Buffer.concat([derived.commitment, nonce, ciphertext, tag]);
  } finally {
    wipe(derived.encryption, derived.mask);
  }
}

function encrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): { readonly ciphertext: Buffer; readonly tag: Buffer } {
  const cipher = createCipheriv(algorithm, key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(associatedData);
  const ciphertext = cipher.update(plaintext);
  cipher.final();
  return { ciphertext, tag: cipher.getAuthTag() };
}

/** The plaintext, in memory that the caller wipes. Not for keys: Node leaves a copy behind (see `openKeyBox`). */
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
    wipe(derived.encryption, derived.mask);
  }
}

/**
 * The same for a box that holds a key. A decipher of Node's writes what it opens into memory that is larger than needed,
 * copies it from there, and gives that memory back as it is: half of a key was found in it long after the key was wiped.
 * So no decipher sees a key. Counter mode (what GCM encrypts with) gives it under a mask, and sealing it once more gives
 * the tag, which has to be the one in the box.
 */
export function openKeyBox(key: Uint8Array, associatedData: Uint8Array, box: Uint8Array): Buffer | undefined {
  if (box.length !== boxOverheadBytes + keySizeBytes) return undefined;
  const nonce = box.subarray(commitmentBytes, commitmentBytes + nonceBytes);
  const derived = deriveKeys(key, nonce);
  let opened: Buffer | undefined;
  try {
    if (!timingSafeEqual(derived.commitment, box.subarray(0, commitmentBytes))) return undefined;
    opened = decryptKey(derived, nonce, box.subarray(commitmentBytes + nonceBytes, box.length - tagBytes));
    const { tag } = encrypt(derived.encryption, nonce, associatedData, opened);
    if (timingSafeEqual(tag, box.subarray(box.length - tagBytes))) return opened;
    wipe(opened);
    return undefined;
  } finally {
    wipe(derived.encryption, derived.mask);
  }
}

/** Not authenticated. */
function decryptKey({ encryption, mask }: DerivedKeys, nonce: Uint8Array, ciphertext: Uint8Array): Buffer {
  const counter = Buffer.alloc(nonceBytes + 4);
  counter.set(nonce);
  counter.writeUInt32BE(firstBlock, nonceBytes);
  const opened = keyMemory(keySizeBytes);
  setXor(opened, ciphertext, mask);
  setXor(opened, createCipheriv("aes-256-ctr", encryption, counter).update(opened), mask);
  return opened;
}

function setXor(target: Uint8Array, one: Uint8Array, other: Uint8Array): void {
  for (let index = 0; index < target.length; index++) target[index] = (one[index] ?? 0) ^ (other[index] ?? 0);
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

interface DerivedKeys {
  readonly encryption: Buffer;
  readonly commitment: Buffer;
  /** Hides a key on its way through memory that is not wiped. */
  readonly mask: Buffer;
}

function deriveKeys(key: Uint8Array, nonce: Uint8Array): DerivedKeys {
  const bytes = deriveBytes(key, nonce, derivation, keySizeBytes + commitmentBytes + keySizeBytes);
  return {
    encryption: bytes.subarray(0, keySizeBytes),
    commitment: bytes.subarray(keySizeBytes, keySizeBytes + commitmentBytes),
    mask: bytes.subarray(keySizeBytes + commitmentBytes),
  };
}
