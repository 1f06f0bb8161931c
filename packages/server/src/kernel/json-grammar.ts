import { AppError } from "./errors.ts";
import { refusePrototypeKey, watchedIndex, type WatchedKeys } from "./json-key.ts";
import {
  ascii,
  closingQuote,
  EndsEarly,
  invalidJson,
  type JsonBytes,
  literalEnd,
  numberEnd,
  skipSpace,
  unexpected,
} from "./json-token.ts";

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

export interface ScannedObject {
  /** Where the value of a watched key lies, without the white space around it; undefined if the key is absent. */
  get(key: string): Span | undefined;
  /** Offset behind the opening brace: where a further member can be inserted. */
  readonly insertAt: number;
  readonly isEmpty: boolean;
}

/** A scan under way. Where the bytes ended too early, it says where to go on once there are more of them. */
export interface Scan {
  readonly watched: WatchedKeys;
  readonly rules: ScanRules;
  /** Where the watched keys' values lie, as far as they were found. */
  readonly spans: (Span | undefined)[];
  /** The opening brackets of the containers that are open, outermost first. */
  readonly openings: Uint8Array;
  /** Behind this brace or comma is the top-level member that is looked at. */
  member: number;
  /** The latest value that was begun with within it, how many containers are open around that, and how many more there may be. */
  value: number;
  depth: number;
  values: number;
  /** How far the string was checked that did not end in time. */
  checked: number;
}

/** For scans that run to their end before any other begins. */
const sharedOpenings = new Uint8Array(1024);

/** A scan that does not run to its end at once needs `openings` of its own, as many as may be open. */
export function beginScan(watched: WatchedKeys, rules: ScanRules, openings: Uint8Array = sharedOpenings): Scan {
  return {
    watched,
    rules,
    spans: watched.names.map(() => undefined),
    openings,
    member: -1,
    value: -1,
    depth: 1,
    values: rules.maxValues,
    checked: -1,
  };
}

/** Grows as long as the scan makes headway. */
export function reachedBy({ member, value, checked }: Scan): number {
  return Math.max(member, value, checked);
}

/** The object that begins at or behind `from`, white space skipped; `end` is behind its closing brace. */
export function objectAt(source: JsonBytes, from: number, scan: Scan): ScannedObject & { readonly end: number } {
  const { bytes } = source;
  const opening = skipSpace(bytes, from);
  if (bytes[opening] !== ascii.openBrace) throw notAnObject(bytes, opening);
  const insertAt = opening + 1;
  const isEmpty = bytes[skipSpace(bytes, insertAt)] === ascii.closeBrace;
  const end = objectEnd(source, opening, scan);
  const { spans, watched } = scan;
  return { get: (key) => spans[watched.names.indexOf(key)], insertAt, isEmpty, end };
}

function objectEnd(source: JsonBytes, opening: number, scan: Scan): number {
  const first = skipSpace(source.bytes, opening + 1);
  if (source.bytes[first] === ascii.closeBrace) return first + 1;
  if (scan.member < 0) scan.member = opening + 1;
  return scanMembers(source, scan) + 1;
}

function notAnObject(bytes: Buffer, at: number): AppError {
  if (at >= bytes.length) return new EndsEarly("it is empty");
  const isMark = bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf;
  return invalidJson(isMark ? "there is a byte-order mark" : "it is not an object: there is no `{`", at);
}

/** Scans `key: value, …` from the member on that `scan` is at, and gives the offset of the closing brace. */
function scanMembers(source: JsonBytes, scan: Scan): number {
  const { bytes } = source;
  const { watched, rules } = scan;
  for (;;) {
    const key = skipSpace(bytes, scan.member) + 1;
    if (bytes[key - 1] !== ascii.quote) throw unexpected(bytes, key - 1);
    const keyEnd = closingQuote(source, key);
    if (keyEnd < 0) throw unexpected(bytes, bytes.length);
    const mayBe = watched.firstBytes[bytes[key] ?? 0] === 1;
    const index = mayBe ? watchedIndex(bytes, key, keyEnd, watched, rules.strict) : -1;
    if (rules.strict) refusePrototypeKey(bytes, key, keyEnd);
    const start = valueStart(bytes, keyEnd + 1);
    const isList = index >= 0 && index === watched.list?.index;
    const end = isList ? listEnd(source, start, watched.list.keys, scan) : valueEnd(source, start, scan);
    const at = skipSpace(bytes, end);
    if (bytes[at] !== ascii.comma && bytes[at] !== ascii.closeBrace) throw unexpected(bytes, at);
    if (index >= 0) keepSpan(scan, index, { start, end }, key);
    if (bytes[at] === ascii.closeBrace) return at;
    scan.member = at + 1;
  }
}

function keepSpan({ rules, spans, watched }: Scan, index: number, span: Span, key: number): void {
  if (rules.strict && spans[index] !== undefined) {
    throw invalidJson(`the key \`${watched.names[index]}\` is given a second time`, key - 1);
  }
  spans[index] = span;
}

/** Behind a value, of which the first item is scanned for `keys` if it is a list of objects. */
function listEnd(source: JsonBytes, start: number, keys: WatchedKeys, scan: Scan): number {
  const { bytes } = source;
  const { spans, watched, openings } = scan;
  const first = skipSpace(bytes, start + 1);
  const isList = bytes[start] === ascii.openBracket && bytes[first] === ascii.openBrace;
  const item = beginScan(keys, scan.rules, openings);
  item.values = scan.values;
  const end = isList ? objectEnd(source, first, item) : valueEnd(source, start, scan);
  const before = watched.names.length - keys.names.length;
  for (let index = 0; index < keys.names.length; index++) spans[before + index] = item.spans[index];
  if (!isList) return end;
  scan.values = item.values;
  const at = skipSpace(bytes, end);
  if (bytes[at] === ascii.closeBracket) return at + 1;
  if (bytes[at] !== ascii.comma) throw unexpected(bytes, at);
  // as if the scan had come here by itself
  openings[1] = ascii.openBracket;
  scan.depth = 2;
  scan.value = skipSpace(bytes, at + 1);
  return valueEnd(source, start, scan);
}

/** Passes the colon behind a key. */
function valueStart(bytes: Buffer, keyEnd: number): number {
  const colon = skipSpace(bytes, keyEnd);
  if (bytes[colon] !== ascii.colon) throw unexpected(bytes, colon);
  return skipSpace(bytes, colon + 1);
}

/**
 * The end of the value that begins at `from`. In words: before a value, a container is opened (and, unless it is
 * empty, its first member is next), or a plain value is passed; behind a value, a comma leads to the next member
 * of the innermost container, and its closing bracket (always its opening one + 2) ends a value one level up.
 */
export function valueEnd(source: JsonBytes, from: number, scan: Scan): number {
  const { bytes } = source;
  const { rules, openings } = scan;
  begin(bytes, from, scan);
  let at = scan.value;
  let { depth, values } = scan;
  for (;;) {
    const byte = bytes[at];
    if (byte === undefined) throw unexpected(bytes, at);
    scan.value = at;
    scan.depth = depth;
    scan.values = values;
    if (values-- === 0) throw invalidJson(`there is a value too many (${rules.maxValues} are allowed)`, at);
    if (byte === ascii.openBrace || byte === ascii.openBracket) {
      if (depth >= rules.maxDepth) throw new AppError("body_too_deep", { limit: rules.maxDepth });
      openings[depth++] = byte;
      at = skipSpace(bytes, at + 1);
      if (bytes[at] !== byte + 2) {
        at = memberStart(source, at, byte, rules);
        continue;
      }
    } else {
      at = plainValueEnd(source, at, byte, scan);
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
    if (depth === 1) {
      scan.values = values;
      return at;
    }
  }
}

/** Sets out from a top-level value, or from where the scan was within it when the bytes ended. */
function begin(bytes: Buffer, from: number, scan: Scan): void {
  if (from >= bytes.length) throw unexpected(bytes, from);
  if (scan.value >= from) return;
  scan.value = from;
  scan.depth = 1; // the outermost object
}

function plainValueEnd(source: JsonBytes, at: number, byte: number, scan: Scan): number {
  if (byte === ascii.quote) return stringEnd(source, at, scan);
  return byte <= ascii.nine ? numberEnd(source.bytes, at) : literalEnd(source.bytes, at);
}

/** Behind the string whose opening quote is at `opening`. */
function stringEnd(source: JsonBytes, opening: number, scan: Scan): number {
  const close = closingQuote(source, scan.checked > opening ? scan.checked : opening + 1);
  if (close >= 0) return close + 1;
  scan.checked = ~close;
  throw unexpected(source.bytes, source.bytes.length);
}

/** The value of the member at `at`: in an object, its key and colon are passed. */
function memberStart(source: JsonBytes, at: number, opening: number, rules: ScanRules): number {
  if (opening === ascii.openBracket) return at;
  const { bytes } = source;
  if (bytes[at] !== ascii.quote) throw unexpected(bytes, at);
  const keyEnd = closingQuote(source, at + 1);
  if (keyEnd < 0) throw unexpected(bytes, bytes.length);
  if (rules.strict) refusePrototypeKey(bytes, at + 1, keyEnd);
  return valueStart(bytes, keyEnd + 1);
}
