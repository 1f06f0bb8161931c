import { AppError } from "./errors.ts";

/**
 * The tokens of JSON (RFC 8259), found in bytes without decoding them. Every function takes the offset of a
 * token's first byte and gives the offset behind it, or throws `invalid_json` naming the byte that is wrong.
 * A read behind the end counts as a zero byte, which no token contains.
 */
export interface JsonBytes {
  readonly bytes: Buffer;
  /** The same memory, to read several bytes at once. */
  readonly view: DataView;
}

export const ascii = {
  tab: 0x09,
  lineFeed: 0x0a,
  carriageReturn: 0x0d,
  space: 0x20,
  quote: 0x22,
  plus: 0x2b,
  comma: 0x2c,
  minus: 0x2d,
  dot: 0x2e,
  zero: 0x30,
  nine: 0x39,
  colon: 0x3a,
  upperA: 0x41,
  upperE: 0x45,
  upperZ: 0x5a,
  openBracket: 0x5b,
  backslash: 0x5c,
  closeBracket: 0x5d,
  underscore: 0x5f,
  e: 0x65,
  f: 0x66,
  n: 0x6e,
  t: 0x74,
  u: 0x75,
  openBrace: 0x7b,
  closeBrace: 0x7d,
} as const;

export function jsonBytes(bytes: Buffer): JsonBytes {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

export function invalidJson(problem: string, at: number): AppError {
  return new AppError("invalid_json", { problem: `${problem} at byte ${at}` });
}

/** `invalid_json` of bytes that are sound as far as they go: more of them might put it right. */
export class EndsEarly extends AppError {
  constructor(problem: string) {
    super("invalid_json", { problem });
  }
}

/** What to say about a byte that cannot be where it is. */
export function unexpected(bytes: Buffer, at: number): AppError {
  if (at < bytes.length) return invalidJson("there is an unexpected character", at);
  return new EndsEarly(`it ends too early, after ${bytes.length} bytes`);
}

const spaces = new Uint8Array(256);
for (const byte of [ascii.space, ascii.lineFeed, ascii.carriageReturn, ascii.tab]) spaces[byte] = 1;

/** The first byte at or behind `from` that is not JSON white space. */
export function skipSpace(bytes: Buffer, from: number): number {
  let at = from;
  while (spaces[bytes[at] ?? 0] === 1) at++;
  return at;
}

const simpleEscapes = new Uint8Array(256);
for (const character of '"\\/bfnrt') simpleEscapes[character.charCodeAt(0)] = 1;

/**
 * The closing quote of a string that goes on at `from`. Escapes are checked, raw control characters refused. If the bytes
 * end before the string does, `~at`, where `at` is how far it was checked: with more of the bytes, it goes on there.
 *
 * Eight bytes at a time are tested for one that needs a look: a quote, a backslash, or anything below 0x20.
 * `(word - 0x21…) & ~word & 0x80…` is not zero when some byte is below 0x21; the exclusive or with 0x02…
 * before it swaps 0x20 with 0x22 and keeps the control characters among themselves, so one comparison finds
 * quotes and control characters together. Bytes of 0x80 and above never count. The lowest bit set marks the
 * first such byte.
 */
export function closingQuote({ bytes, view }: JsonBytes, from: number): number {
  const lastPair = bytes.length - 8;
  let at = from;
  for (;;) {
    if (at <= lastPair) {
      const low = view.getInt32(at, true);
      const high = view.getInt32(at + 4, true);
      const lowSlash = low ^ 0x5c5c5c5c;
      const highSlash = high ^ 0x5c5c5c5c;
      const lowHits = ((((low ^ 0x02020202) - 0x21212121) & ~low) | ((lowSlash - 0x01010101) & ~lowSlash)) & 0x80808080;
      const highHits =
        ((((high ^ 0x02020202) - 0x21212121) & ~high) | ((highSlash - 0x01010101) & ~highSlash)) & 0x80808080;
      if ((lowHits | highHits) === 0) {
        at += 8;
        continue;
      }
      at += lowHits === 0 ? 4 + (trailingZeros(highHits) >> 3) : trailingZeros(lowHits) >> 3;
    } else if (at >= bytes.length) {
      return ~at;
    }
    const byte = bytes[at] ?? 0;
    if (byte === ascii.quote) return at;
    if (byte === ascii.backslash) {
      at = escapesEnd(bytes, at);
      if (at < 0) return at;
    } else if (byte < ascii.space) {
      throw invalidJson("there is a raw control character in a string", at);
    } else {
      at++;
    }
  }
}

function trailingZeros(word: number): number {
  return 31 - Math.clz32(word & -word);
}

/**
 * Behind the escapes that follow each other from `from` on: escaped text of another script consists of nothing else. If the
 * bytes end within one, `~at` of it.
 */
function escapesEnd(bytes: Buffer, from: number): number {
  let at = from;
  do {
    const character = bytes[at + 1] ?? 0;
    if (simpleEscapes[character] === 1) at += 2;
    else if (character === ascii.u && isHex(bytes, at + 2)) at += 6;
    else if (isCutEscape(bytes, at)) return ~at;
    else throw invalidJson("there is a malformed escape", at);
  } while (bytes[at] === ascii.backslash);
  return at;
}

/** Whether the bytes end within what may be an escape. */
function isCutEscape(bytes: Buffer, from: number): boolean {
  return /^\\(?:u[0-9a-fA-F]{0,3})?$/.test(bytes.toString("latin1", from, from + 6));
}

/** Whether four hexadecimal digits stand at `at`. */
function isHex(bytes: Buffer, at: number): boolean {
  const first = hexDigit(bytes[at] ?? 0) | hexDigit(bytes[at + 1] ?? 0);
  return (first | hexDigit(bytes[at + 2] ?? 0) | hexDigit(bytes[at + 3] ?? 0)) >= 0;
}

const hexValues = new Int8Array(256).fill(-1);
for (const digit of "0123456789abcdefABCDEF") hexValues[digit.charCodeAt(0)] = Number.parseInt(digit, 16);

/** The value of a hexadecimal digit, or -1. */
export function hexDigit(byte: number): number {
  return hexValues[byte] ?? -1;
}

/** Behind `true`, `false` or `null` at `from`. */
export function literalEnd(bytes: Buffer, from: number): number {
  const first = bytes[from];
  const word = first === ascii.t ? "true" : first === ascii.f ? "false" : first === ascii.n ? "null" : "";
  if (word === "") throw unexpected(bytes, from);
  for (let index = 1; index < word.length; index++) {
    if (bytes[from + index] !== word.charCodeAt(index)) throw unexpected(bytes, from + index);
  }
  return from + word.length;
}

/**
 * Behind the number at `from`. A number too large for a double is refused: re-serialised, it would turn into null. So is
 * one with more digits than any program writes, which would only keep the scan busy.
 */
export function numberEnd(bytes: Buffer, from: number): number {
  const first = bytes[from] === ascii.minus ? from + 1 : from;
  const wholeEnd = digitsEnd(bytes, first);
  if (bytes[first] === ascii.zero && wholeEnd > first + 1) {
    throw invalidJson("there is a number with a leading zero", from);
  }
  const mantissaEnd = bytes[wholeEnd] === ascii.dot ? digitsEnd(bytes, wholeEnd + 1) : wholeEnd;
  let end = mantissaEnd;
  let largest = wholeEnd - first; // it is below ten to this power
  if (bytes[end] === ascii.e || bytes[end] === ascii.upperE) {
    const signed = bytes[end + 1] === ascii.plus || bytes[end + 1] === ascii.minus;
    end = digitsEnd(bytes, signed ? end + 2 : end + 1);
    largest += exponent(bytes, mantissaEnd + 1, end);
  }
  if (end === bytes.length) throw unexpected(bytes, end); // no object ends so: it may go on
  if (largest > 308 && !isFiniteNumber(bytes, first, end)) {
    throw invalidJson("there is a number too large to be represented", from);
  }
  return end;
}

/** The longest double, written out in full, has 1,077 digits. */
const mostDigits = 2_000;

function digitsEnd(bytes: Buffer, from: number): number {
  const limit = from + mostDigits;
  let at = from;
  while (at < limit) {
    const byte = bytes[at] ?? 0;
    if (byte < ascii.zero || byte > ascii.nine) break;
    at++;
  }
  if (at === from) throw unexpected(bytes, at);
  if (at === limit) throw invalidJson(`there is a number of more than ${mostDigits} digits`, from);
  return at;
}

/** The leading digits of the smallest value that rounds to infinity, 2¹⁰²⁴ − 2⁹⁷⁰ ≈ 1.797693134862315807937 × 10³⁰⁸. */
const overflowDigits = "179769313486231580793";

/**
 * Whether a number (unsigned, well-formed) is finite as a double, told from its decimal magnitude: no string
 * is made, so a body full of such numbers costs no more than any other.
 */
function isFiniteNumber(bytes: Buffer, from: number, end: number): boolean {
  let firstDigit = -1; // offset of the first digit that is not zero
  let magnitude = 0; // the power of ten that this digit stands for
  let beforePoint = true;
  let at = from;
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === ascii.e || byte === ascii.upperE) break;
    if (byte === ascii.dot) {
      beforePoint = false;
    } else if (firstDigit >= 0) {
      if (beforePoint) magnitude++;
    } else {
      if (!beforePoint) magnitude--;
      if (byte !== ascii.zero) firstDigit = at;
    }
  }
  if (firstDigit < 0) return true;
  magnitude += exponent(bytes, at + 1, end);
  return magnitude === 308 ? belowOverflow(bytes, firstDigit, at) : magnitude < 308;
}

function exponent(bytes: Buffer, from: number, end: number): number {
  const signed = bytes[from] === ascii.minus || bytes[from] === ascii.plus;
  let value = 0;
  for (let at = signed ? from + 1 : from; at < end; at++) {
    value = Math.min(value * 10 + (bytes[at] ?? 0) - ascii.zero, 1e12);
  }
  return bytes[from] === ascii.minus ? -value : value;
}

function belowOverflow(bytes: Buffer, firstDigit: number, end: number): boolean {
  let at = firstDigit;
  for (let index = 0; index < overflowDigits.length; index++, at++) {
    if (bytes[at] === ascii.dot) at++;
    const digit = at < end ? (bytes[at] ?? 0) : ascii.zero;
    const limit = overflowDigits.charCodeAt(index);
    if (digit !== limit) return digit < limit;
  }
  return false;
}
