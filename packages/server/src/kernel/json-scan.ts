import { isUtf8 } from "node:buffer";
import { AppError } from "./errors.ts";
import {
  beginScan,
  objectAt,
  reachedBy,
  type Scan,
  type ScannedObject,
  type ScanRules,
  type Span,
  valueEnd,
} from "./json-grammar.ts";
import { watchKeys, type WatchedKeys } from "./json-key.ts";
import { ascii, EndsEarly, invalidJson, type JsonBytes, jsonBytes, skipSpace } from "./json-token.ts";
import { nextTurn, sliceBytes } from "./turns.ts";

export { watchFirst, watchKeys, type WatchedKeys } from "./json-key.ts";

export type { ScannedObject, ScanRules, Span } from "./json-grammar.ts";

/** For bodies that callers send. */
export const requestRules: ScanRules = { maxDepth: 128, maxValues: 500_000, strict: true };
/** For what providers send. Of a key given twice the last counts, as for most parsers. */
export const replyRules: ScanRules = { maxDepth: 1024, maxValues: 10_000_000, strict: false };

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
  if (rules.strict) requireUtf8(bytes);
  const scanned = objectAt(jsonBytes(bytes), within?.start ?? 0, beginScan(watched, rules));
  requireNothingBehind(bytes, skipSpace(bytes, scanned.end));
  return scanned;
}

/**
 * The same for a body that may be large: a slice in each turn of the event loop. White space and keys are too much here where
 * they fill a slice without a value among them; no program writes that.
 */
export async function scanObjectInSlices(
  bytes: Buffer,
  watched: WatchedKeys,
  rules: ScanRules,
): Promise<ScannedObject> {
  await nextTurn();
  if (rules.strict) requireUtf8(bytes);
  const scan = beginScan(watched, rules, new Uint8Array(rules.maxDepth));
  const scanned = await inSlices(bytes, 0, scan, (source) => objectAt(source, 0, scan));
  requireNothingBehind(bytes, skipSpace(bytes.subarray(0, scanned.end + sliceBytes), scanned.end));
  return scanned;
}

/** A value of any kind: where it lies and, if it is an object, its watched keys. */
export interface ScannedValue extends Span {
  get(key: string): Span | undefined;
}

/** Scans in slices the value that begins at or behind `from`, white space skipped, whatever follows it. Throws what `scanObject` throws. */
export function scanValueInSlices(
  bytes: Buffer,
  from: number,
  watched: WatchedKeys,
  rules: ScanRules,
): Promise<ScannedValue> {
  const scan = beginScan(watched, rules, new Uint8Array(rules.maxDepth));
  return inSlices(bytes, from, scan, (source) => {
    const start = skipSpace(source.bytes, from);
    if (source.bytes[start] === ascii.openBrace) return { start, ...objectAt(source, start, scan) };
    return { start, end: valueEnd(source, start, scan), get: () => undefined };
  });
}

/**
 * Has `look` see the bytes up to a slice behind `from`, then a slice more in each turn, until they hold what it looks for. It
 * is as if they ended there: what runs into the end throws, and goes on next time from where `scan` says it was.
 */
async function inSlices<Found>(
  bytes: Buffer,
  from: number,
  scan: Scan,
  look: (source: JsonBytes) => Found,
): Promise<Found> {
  for (let end = from + sliceBytes; end < bytes.length; end += sliceBytes) {
    const before = reachedBy(scan);
    try {
      return look(jsonBytes(bytes.subarray(0, end)));
    } catch (thrown) {
      if (!(thrown instanceof EndsEarly)) throw thrown;
    }
    if (reachedBy(scan) === before)
      throw invalidJson("there is too much white space, or too long a key,", end - sliceBytes);
    await nextTurn();
  }
  return look(jsonBytes(bytes));
}

function requireUtf8(bytes: Buffer): void {
  if (!isUtf8(bytes)) throw new AppError("invalid_json", { problem: "it is not UTF-8 text" });
}

/**
 * The same as `scanObject` for an object that may be cut off anywhere: finds those watched keys whose values are whole. Never
 * throws for what the bytes are.
 */
export function scanCutObject(whole: Buffer, watched: WatchedKeys, within: Span): Pick<ScannedObject, "get"> {
  const scan = beginScan(watched, replyRules);
  try {
    objectAt(jsonBytes(whole.subarray(0, within.end)), within.start, scan);
  } catch (thrown) {
    if (!(thrown instanceof AppError)) throw thrown; // that it is cut off is what may be expected
  }
  return { get: (key) => scan.spans[watched.names.indexOf(key)] };
}

const noKeys = watchKeys();

/** Where the value lies that begins at or behind `from`, white space skipped; undefined if none does. */
export function valueAt(bytes: Buffer, from: number): Span | undefined {
  try {
    const start = skipSpace(bytes, from);
    return { start, end: valueEnd(jsonBytes(bytes), start, beginScan(noKeys, replyRules)) };
  } catch (thrown) {
    if (thrown instanceof AppError) return undefined;
    throw thrown;
  }
}

function requireNothingBehind(bytes: Buffer, at: number): void {
  if (at < bytes.length) throw invalidJson("there is something behind the end of the object", at);
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
