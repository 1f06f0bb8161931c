import { isUtf8 } from "node:buffer";
import { AppError } from "./errors.ts";
import { refusePrototypeKey, watchedIndex, type WatchedKeys } from "./json-key.ts";
import {
  ascii,
  closingQuote,
  invalidJson,
  type JsonBytes,
  jsonBytes,
  literalEnd,
  numberEnd,
  skipSpace,
  unexpected,
} from "./json-token.ts";

export { watchKeys, type WatchedKeys } from "./json-key.ts";

/** Bytes `start` (inclusive) to `end` (exclusive). */
export interface Span {
  readonly start: number;
  readonly end: number;
}

export interface ScanRules {
  /** How deep arrays and objects may nest, the outermost counted; at most 1024. */
  readonly maxDepth: number;
  /** How many values the whole may hold: bounds the time a scan takes, whatever the bytes are. */
  readonly maxValues: number;
  /**
   * Whether to refuse what two parsers may read differently, beyond what JSON forbids: bytes that are not
   * UTF-8, a watched key given twice or in another letter case (Go's decoder ignores case), and keys spelt
   * `__proto__`, at any depth. What is checked here must be what the provider will see.
   */
  readonly strict: boolean;
}

/** For bodies that callers send. */
export const requestRules: ScanRules = { maxDepth: 128, maxValues: 500_000, strict: true };
/** For what providers send. Of a key given twice the last counts, as for most parsers. */
export const replyRules: ScanRules = { maxDepth: 1024, maxValues: 10_000_000, strict: false };

export interface ScannedObject {
  /** Where the value of a watched key lies, without the white space around it; undefined if the key is absent. */
  get(key: string): Span | undefined;
  /** Offset behind the opening brace: where a further member can be inserted. */
  readonly insertAt: number;
  readonly isEmpty: boolean;
}

/**
 * Checks that the bytes (or the part of them that `within` names) are one JSON object and nothing else, and
 * finds the watched top-level keys. One pass, no recursion, nothing is decoded or copied.
 *
 * Stricter than `JSON.parse` in four things, always: the outermost value must be an object, nesting and the
 * number of values are bounded, and numbers must be finite. `rules.strict` adds more.
 *
 * @throws AppError `invalid_json` with the offset of the fault, or `body_too_deep`.
 */
export function scanObject(whole: Buffer, watched: WatchedKeys, rules: ScanRules, within?: Span): ScannedObject {
  const bytes = within === undefined ? whole : whole.subarray(0, within.end);
  if (rules.strict && !isUtf8(bytes)) throw new AppError("invalid_json", { problem: "it is not UTF-8 text" });
  const opening = skipSpace(bytes, within?.start ?? 0);
  if (bytes[opening] !== ascii.openBrace) throw notAnObject(bytes, opening);
  const spans: (Span | undefined)[] = watched.names.map(() => undefined);
  const insertAt = opening + 1;
  const firstKey = skipSpace(bytes, insertAt);
  const isEmpty = bytes[firstKey] === ascii.closeBrace;
  const closing = isEmpty ? firstKey : scanMembers(jsonBytes(bytes), firstKey, watched, rules, spans);
  const behind = skipSpace(bytes, closing + 1);
  if (behind < bytes.length) throw invalidJson("there is something behind the end of the object", behind);
  return { get: (key) => spans[watched.names.indexOf(key)], insertAt, isEmpty };
}

/**
 * The same for an object that may be cut off anywhere: finds those watched keys whose values are whole. Never
 * throws for what the bytes are.
 */
export function scanCutObject(whole: Buffer, watched: WatchedKeys, within: Span): Pick<ScannedObject, "get"> {
  const bytes = whole.subarray(0, within.end);
  const spans: (Span | undefined)[] = watched.names.map(() => undefined);
  try {
    const opening = skipSpace(bytes, within.start);
    if (bytes[opening] === ascii.openBrace) {
      scanMembers(jsonBytes(bytes), skipSpace(bytes, opening + 1), watched, replyRules, spans);
    }
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown; // that it is cut off is what may be expected
  }
  return { get: (key) => spans[watched.names.indexOf(key)] };
}

/** Where the value lies that begins at or behind `from`, white space skipped; undefined if none does. */
export function valueAt(bytes: Buffer, from: number): Span | undefined {
  try {
    const start = skipSpace(bytes, from);
    return { start, end: valueEnd(jsonBytes(bytes), start, replyRules, { values: replyRules.maxValues }) };
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

function notAnObject(bytes: Buffer, at: number): AppError {
  if (at >= bytes.length) return new AppError("invalid_json", { problem: "it is empty" });
  const isMark = bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
  return invalidJson(isMark ? "there is a byte-order mark" : "it is not an object: there is no `{`", at);
}

/** Scans `key: value, …` from the first key on, and gives the offset of the closing brace. */
function scanMembers(
  source: JsonBytes,
  firstKey: number,
  watched: WatchedKeys,
  rules: ScanRules,
  spans: (Span | undefined)[],
): number {
  const { bytes } = source;
  const budget = { values: rules.maxValues };
  let at = firstKey;
  for (;;) {
    if (bytes[at] !== ascii.quote) throw unexpected(bytes, at);
    const key = at + 1;
    const keyEnd = closingQuote(source, key);
    const mayBe = watched.firstBytes[bytes[key] ?? 0] === 1;
    const index = mayBe ? watchedIndex(bytes, key, keyEnd, watched, rules.strict) : -1;
    if (rules.strict) refusePrototypeKey(bytes, key, keyEnd);
    const start = valueStart(bytes, keyEnd + 1);
    const end = valueEnd(source, start, rules, budget);
    if (index >= 0) {
      if (rules.strict && spans[index] !== undefined) {
        throw invalidJson(`the key \`${watched.names[index]}\` is given a second time`, key - 1);
      }
      spans[index] = { start, end };
    }
    at = skipSpace(bytes, end);
    if (bytes[at] === ascii.closeBrace) return at;
    if (bytes[at] !== ascii.comma) throw unexpected(bytes, at);
    at = skipSpace(bytes, at + 1);
  }
}

/** Passes the colon behind a key. */
function valueStart(bytes: Buffer, keyEnd: number): number {
  const colon = skipSpace(bytes, keyEnd);
  if (bytes[colon] !== ascii.colon) throw unexpected(bytes, colon);
  return skipSpace(bytes, colon + 1);
}

/** The opening brackets of the containers that are open, outermost first. One for all: a scan never stops half-way. */
const openings = new Uint8Array(1024);

/**
 * The end of the value that begins at `from`. In words: before a value, a container is opened (and, unless it is
 * empty, its first member is next), or a plain value is passed; behind a value, a comma leads to the next member
 * of the innermost container, and its closing bracket (always its opening one + 2) ends a value one level up.
 */
function valueEnd(source: JsonBytes, from: number, rules: ScanRules, budget: { values: number }): number {
  const { bytes } = source;
  let depth = 1; // the outermost object
  let at = from;
  for (;;) {
    if (--budget.values < 0) throw invalidJson(`there is a value too many (${rules.maxValues} are allowed)`, at);
    const byte = bytes[at] ?? 0;
    if (byte === ascii.openBrace || byte === ascii.openBracket) {
      if (depth >= rules.maxDepth) throw new AppError("body_too_deep", { limit: rules.maxDepth });
      openings[depth++] = byte;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== byte + 2) {
        at = memberStart(source, at, byte, rules);
        continue;
      }
    } else {
      at = plainValueEnd(source, at, byte);
    }
    while (depth > 1) {
      at = skipSpace(bytes, at);
      const next = bytes[at] ?? 0;
      const opening = openings[depth - 1] ?? 0;
      if (next === ascii.comma) {
        at = memberStart(source, skipSpace(bytes, at + 1), opening, rules);
        break;
      }
      if (next !== opening + 2) throw unexpected(bytes, at);
      at++;
      depth--;
    }
    if (depth === 1) return at;
  }
}

function plainValueEnd(source: JsonBytes, at: number, byte: number): number {
  if (byte === ascii.quote) return closingQuote(source, at + 1) + 1;
  return byte <= ascii.nine ? numberEnd(source.bytes, at) : literalEnd(source.bytes, at);
}

/** The value of the member at `at`: in an object, its key and colon are passed. */
function memberStart(source: JsonBytes, at: number, opening: number, rules: ScanRules): number {
  if (opening === ascii.openBracket) return at;
  const { bytes } = source;
  if (bytes[at] !== ascii.quote) throw unexpected(bytes, at);
  const keyEnd = closingQuote(source, at + 1);
  if (rules.strict) refusePrototypeKey(bytes, at + 1, keyEnd);
  return valueStart(bytes, keyEnd + 1);
}

/** The decoded text, or undefined if the value is not a string. */
export function readString(bytes: Buffer, span: Span | undefined): string | undefined {
  if (span === undefined || bytes[span.start] !== ascii.quote) return undefined;
  const raw = bytes.toString("utf8", span.start + 1, span.end - 1);
  return raw.includes("\\") ? String(JSON.parse(`"${raw}"`)) : raw;
}

/** The value, or undefined if it is not `true` or `false`. */
export function readBoolean(bytes: Buffer, span: Span | undefined): boolean | undefined {
  if (span === undefined) return undefined;
  const first = bytes[span.start];
  return first === ascii.t ? true : first === ascii.f ? false : undefined;
}

/** The value, or undefined if it is not a number without a fraction that a double holds exactly. */
export function readInteger(bytes: Buffer, span: Span | undefined): number | undefined {
  if (span === undefined || (bytes[span.start] ?? 0) > ascii.nine || bytes[span.start] === ascii.quote)
    return undefined;
  const value = Number(bytes.toString("latin1", span.start, span.end));
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Any value of a scanned part, parsed whole: for small parts. */
export function readValue(bytes: Buffer, span: Span | undefined): unknown {
  return span === undefined ? undefined : JSON.parse(bytes.toString("utf8", span.start, span.end));
}

/** Bytes to put in the place of a span; a span of no length is an insertion. */
export interface Edit extends Span {
  readonly replacement: Buffer;
}
