import { AppError } from "../kernel/errors.ts";
import type { Secret } from "../kernel/secret.ts";
import { keyMemory, keySizeBytes } from "./key-material.ts";

/* Keys and values that somebody gave as text, made bytes in memory that can be wiped (`key-material.ts`). */

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

function textBytes(text: string): Buffer {
  const bytes = keyMemory(Buffer.byteLength(text, "utf8"));
  bytes.write(text, "utf8");
  return bytes;
}
