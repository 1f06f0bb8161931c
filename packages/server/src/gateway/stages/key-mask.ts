import type { StreamFilter } from "../../dialects/index.ts";

const blotText = "[redacted]";
const blot = Buffer.from(blotText);

/** The bytes with the key, should it stand in them, blotted out; the same buffer if it does not. */
export function maskKey(bytes: Buffer, key: Buffer): Buffer {
  if (bytes.indexOf(key) === -1) return bytes;
  const { parts, rest } = cutOut(bytes, key);
  return Buffer.concat([...parts, rest]);
}

/** The same for headers, names and values in turn. */
export function maskKeyInHeaders(headers: readonly string[], key: string): readonly string[] {
  const holdsKey = (text: string): boolean => text.length >= key.length && text.includes(key);
  return headers.some(holdsKey) ? headers.map((text) => text.replaceAll(key, blotText)) : headers;
}

/** So much of the beginning of a key tells whose it is, and no more. */
const leastTelling = 8;

/** The same for a text that may have been cut: also where what it ends with is how the key begins. */
export function maskCutKey(text: Buffer, key: Buffer): Buffer {
  const masked = maskKey(text, key);
  const cutBytes = beginningAtEnd(masked, key);
  return cutBytes < leastTelling ? masked : Buffer.concat([masked.subarray(0, masked.length - cutBytes), blot]);
}

/**
 * Does the same to a reply that goes on as it comes, also where the key is cut in two: what may be the beginning of the
 * key waits for what follows. Of a reply that breaks off there, it is not to be passed on: it may be all but the end.
 */
export function createKeyMask(key: Buffer): StreamFilter {
  let held: Buffer | undefined;
  return {
    push(chunk) {
      const bytes = held === undefined ? chunk : Buffer.concat([held, chunk]);
      const { parts, rest } = cutOut(bytes, key);
      const heldBytes = beginningAtEnd(rest, key);
      held = heldBytes === 0 ? undefined : rest.subarray(rest.length - heldBytes);
      if (parts.length === 0 && heldBytes === 0) return bytes;
      const shown = Buffer.concat([...parts, rest.subarray(0, rest.length - heldBytes)]);
      return shown.length === 0 ? undefined : shown;
    },
    end() {
      const last = held;
      held = undefined;
      return last;
    },
  };
}

function cutOut(bytes: Buffer, key: Buffer): { readonly parts: readonly Buffer[]; readonly rest: Buffer } {
  const parts: Buffer[] = [];
  let from = 0;
  for (let found = bytes.indexOf(key); found !== -1; found = bytes.indexOf(key, from)) {
    parts.push(bytes.subarray(from, found), blot);
    from = found + key.length;
  }
  return { parts, rest: bytes.subarray(from) };
}

/** How many of the last bytes are how the key begins. */
function beginningAtEnd(bytes: Buffer, key: Buffer): number {
  const first = key[0] ?? 0;
  let at = Math.max(0, bytes.length - key.length + 1);
  for (at = bytes.indexOf(first, at); at !== -1; at = bytes.indexOf(first, at + 1)) {
    const length = bytes.length - at;
    if (bytes.compare(key, 0, length, at) === 0) return length;
  }
  return 0;
}
