import { createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";

/*
 * The Fernet format (https://github.com/fernet/spec): base64url of
 *
 *   0x80 | 8 bytes of time | 16 bytes of IV | AES-128-CBC ciphertext | HMAC-SHA-256 of all that stands before it
 *
 * A key is 32 bytes, base64url too: 16 for the HMAC, then 16 for AES. The HMAC is checked first, in constant time; nothing
 * is decrypted that was not made with the key. How old a token is does not matter here.
 */

const version = 0x80;
const headBytes = 1 + 8 + 16;
const blockBytes = 16;
const macBytes = 32;
const mostTokenCharacters = 1024 * 1024;

/** Keys from text: one, or several with white space or commas between them, as for tokens that outlived a rotation. */
export function parseFernetKeys(text: string): readonly Buffer[] | undefined {
  const words = text.split(/[\s,]+/).filter((word) => word !== "");
  if (words.length === 0 || words.length > 20) return undefined;
  if (!words.every((word) => /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]=$/.test(word))) return undefined;
  return words.map((word) => Buffer.from(word, "base64url"));
}

/** Whether a text has the look of a token: any begins with the version and, for the next few centuries, zeros. */
export function looksLikeFernet(text: string): boolean {
  return /^gAAAA[\w-]+={0,2}$/.test(text.trim());
}

/** What a token holds; `undefined` if none of the keys made it, or if it was changed since. */
export function openFernet(token: string, keys: readonly Buffer[]): Buffer | undefined {
  const bytes = decodeToken(token.trim());
  if (bytes === undefined) return undefined;
  for (const key of keys) {
    if (isAuthentic(bytes, key)) return decrypt(bytes, key);
  }
  return undefined;
}

function decodeToken(token: string): Buffer | undefined {
  if (token.length > mostTokenCharacters || !/^[\w-]+={0,2}$/.test(token)) return undefined;
  const bytes = Buffer.from(token, "base64url");
  const cipherBytes = bytes.length - headBytes - macBytes;
  if (bytes[0] !== version || cipherBytes < blockBytes || cipherBytes % blockBytes !== 0) return undefined;
  return bytes;
}

function isAuthentic(bytes: Buffer, key: Buffer): boolean {
  const signed = bytes.subarray(0, -macBytes);
  const expected = createHmac("sha256", key.subarray(0, 16)).update(signed).digest();
  return timingSafeEqual(expected, bytes.subarray(-macBytes));
}

function decrypt(bytes: Buffer, key: Buffer): Buffer | undefined {
  const decipher = createDecipheriv("aes-128-cbc", key.subarray(16), bytes.subarray(9, headBytes));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(headBytes, -macBytes)), decipher.final()]);
  } catch {
    return undefined; // made with the key, but not as the format says
  }
}
