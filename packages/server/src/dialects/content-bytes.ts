import { ascii, skipSpace } from "../kernel/json-token.ts";

/** Keys whose strings are text that a model generated. */
const contentKeys = [
  "text",
  "input",
  "content",
  "refusal",
  "response",
  "thinking",
  "arguments",
  "reasoning",
  "partial_json",
  "reasoning_content",
].map((key) => Buffer.from(key));

/** OpenRouter's second copy of what `reasoning` says. */
const copyKey = Buffer.from("reasoning_details");

const nesting = new Int8Array(256);
for (const character of "{[") nesting[character.charCodeAt(0)] = 1;
for (const character of "}]") nesting[character.charCodeAt(0)] = -1;

/**
 * How many bytes of generated text the JSON value at `from` holds: itself if it is a string, else the strings
 * under content keys, at any depth. Escapes count as written. Made for estimates: it stops at the end of the
 * value or at `end`, and is content with JSON that is cut off or malformed.
 */
export function contentBytes(bytes: Buffer, from: number, end: number): number {
  let total = 0;
  let depth = 0;
  let isValue = true; // the next string is a value, as nothing but white space lies between it and a colon
  let counts = true;
  let copyDepth = 0; // above zero: inside the copy, a member of an object at this depth
  for (let at = skipSpace(bytes, from); at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === ascii.quote) {
      const close = closeOf(bytes, at + 1, end);
      if (!isValue) {
        if (depth <= copyDepth) copyDepth = 0;
        if (copyDepth === 0 && isWord(bytes, at + 1, close, copyKey)) copyDepth = depth;
        counts = copyDepth === 0 && isContentKey(bytes, at + 1, close);
      } else if (counts) {
        total += close - at - 1;
      }
      isValue = false;
      at = close;
    } else {
      depth += nesting[byte] ?? 0;
      isValue = byte === ascii.colon || (isValue && byte <= ascii.space);
    }
    if (depth <= 0) return total;
  }
  return total;
}

function closeOf(bytes: Buffer, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const byte = bytes[at];
    if (byte === ascii.quote) return at;
    at += byte === ascii.backslash ? 2 : 1;
  }
  return end;
}

function isContentKey(bytes: Buffer, start: number, end: number): boolean {
  for (const key of contentKeys) if (isWord(bytes, start, end, key)) return true;
  return false;
}

function isWord(bytes: Buffer, start: number, end: number, word: Buffer): boolean {
  return end - start === word.length && startsWith(bytes, start, word);
}

/** Whether the word stands at this offset. */
export function startsWith(bytes: Buffer, at: number, word: Buffer): boolean {
  for (let index = 0; index < word.length; index++) if (bytes[at + index] !== word[index]) return false;
  return true;
}

/**
 * Finds the value of the first `delta` (or another key, followed by its colon) of one stream's events, one after another;
 * -1 in an event without. From event to event it mostly lies at the same distance from the start, which is tried first.
 */
export function createDeltaFinder(key = "delta"): (bytes: Buffer, start: number, end: number) => number {
  const deltaKey = Buffer.from(`"${key}":`);
  let distance = 0;
  return (bytes, start, end) => {
    const tried = start + distance + deltaKey.length;
    if (tried < end && startsWith(bytes, start + distance, deltaKey)) return tried;
    const found = bytes.subarray(start, end).indexOf(deltaKey);
    if (found < 0) return -1;
    distance = found;
    return start + distance + deltaKey.length;
  };
}

/** Measures the generated text in a stream's events, one after another. */
export function createDeltaMeter(key?: string): (bytes: Buffer, start: number, end: number) => number {
  const find = createDeltaFinder(key);
  return (bytes, start, end) => {
    const value = find(bytes, start, end);
    return value < 0 ? 0 : contentBytes(bytes, value, end);
  };
}
