import { crc32 } from "node:zlib";
import type { RequestRecord } from "./record.ts";
import type { RequestsTable } from "../db/index.ts";

/**
 * The journal's lines. Each is `CCCCCCCC K JSON` and a line feed: CRC-32 of what follows it (eight hexadecimal digits),
 * a letter for the kind, and a JSON array without line feeds.
 *
 * - `s`, start: the row to be written should no end follow.
 * - `e`, end: the whole final row. It needs no start beside it, so one damaged line of the two loses nothing but time.
 * - `m`, moved: the request's start was written again into a newer segment, and its end will be there.
 *
 * Rows are written by position in the order of `lineColumns`. A new column is only ever added at the end of that list, and
 * has a meaning of its own in a line that ends before it: so end the lines that an older version left, and those of most
 * requests. Media are 0 there, an id is null, and the dialect that a provider was asked in is the caller's own (see
 * `impliedDialect`).
 */
const firstColumns = [
  "request_id",
  "started_at",
  "ended_at",
  "key_id",
  "user_name",
  "team",
  "service",
  "session_id",
  "agent_id",
  "route",
  "dialect",
  "provider",
  "credential_id",
  "requested_model",
  "model",
  "stream",
  "status",
  "outcome",
  "error_code",
  "usage_source",
  "input_tokens",
  "output_tokens",
  "cache_read_tokens",
  "cache_write_tokens",
  "cache_write_1h_tokens",
  "reasoning_tokens",
  "cost_micros",
  "latency_ms",
  "first_byte_ms",
  "request_bytes",
  "response_bytes",
  "attempts",
] as const satisfies readonly (keyof RequestsTable)[];

/** What is counted beside text. */
export const mediaColumns = [
  "input_audio_tokens",
  "output_audio_tokens",
  "input_image_tokens",
  "output_image_tokens",
  "images",
  "characters",
  "audio_ms",
  "searches",
] as const satisfies readonly (keyof RequestsTable)[];

const replyColumns = [...firstColumns, "response_id"] as const;
const countedColumns = [...replyColumns, ...mediaColumns] as const;
const lineColumns = [...countedColumns, "upstream_dialect", "dropped"] as const;

/** The columns of a request that used nothing but text; in the others the rest is 0. */
export const textColumns = [...replyColumns, "upstream_dialect", "dropped"] as const;
export const columns = [...textColumns, ...mediaColumns] as const;

const outcomeIndex = firstColumns.indexOf("outcome");
const attemptsIndex = firstColumns.indexOf("attempts");
const dialectIndex = firstColumns.indexOf("dialect");

/** A row's values in the order of `columns`: of all of them, or of `textColumns`. */
export type RowValues = readonly Value[];
type Value = string | number | null;

export type Line =
  | { readonly kind: "start"; readonly requestId: string; readonly json: string }
  | { readonly kind: "moved"; readonly requestId: string }
  | EndLine
  | DamagedLine;

interface EndLine {
  readonly kind: "end";
  readonly requestId: string;
  readonly values: RowValues;
}

interface DamagedLine {
  readonly kind: "damaged";
  readonly text: string;
}

const lineFeed = 10;
const space = 32;
const quote = 34;
const movedLetter = 109;
const startLetter = 115;
/** Where a line's JSON begins: behind the checksum and the kind. */
const jsonOffset = 11;
/** Ample: the texts of a row are cut, so that its line takes 6,000 bytes at the most. */
export const maxLineBytes = 8_192;

/** A line, written to the beginning of `target`: there it stands until the next one is. */
export function encodeStart(row: RequestRecord, target?: Buffer): Buffer {
  return encode("s", lineValuesOf(row), target);
}

export function encodeEnd(row: RequestRecord, target?: Buffer): Buffer {
  return encode("e", lineValuesOf(row), target);
}

export function encodeMoved(requestId: string): Buffer {
  return encode("m", [requestId]);
}

/** What a line needs to say of a row. */
function lineValuesOf(row: RequestRecord): RowValues {
  const { outcome, attempts, dialect } = row;
  const values = firstValuesOf(row);
  const isPlain = row.dropped === null && row.upstream_dialect === impliedDialect(outcome, attempts, dialect);
  const isText = row.images === undefined;
  if (isPlain && isText && row.response_id === null) return values;
  values.push(row.response_id);
  if (isPlain && isText) return values;
  for (const column of mediaColumns) values.push(row[column] ?? null); // null for all media where there was only text
  if (!isPlain) values.push(row.upstream_dialect, row.dropped);
  return values;
}

/** In the order of `firstColumns`. One by one: this is done twice for each request. */
function firstValuesOf(row: RequestRecord): Value[] {
  return [
    row.request_id,
    row.started_at,
    row.ended_at,
    row.key_id,
    row.user_name,
    row.team,
    row.service,
    row.session_id,
    row.agent_id,
    row.route,
    row.dialect,
    row.provider,
    row.credential_id,
    row.requested_model,
    row.model,
    row.stream,
    row.status,
    row.outcome,
    row.error_code,
    row.usage_source,
    row.input_tokens,
    row.output_tokens,
    row.cache_read_tokens,
    row.cache_write_tokens,
    row.cache_write_1h_tokens,
    row.reasoning_tokens,
    row.cost_micros,
    row.latency_ms,
    row.first_byte_ms,
    row.request_bytes,
    row.response_bytes,
    row.attempts,
  ];
}

/** What the provider was asked in, unless a line says otherwise: nothing was translated, and a start asks nobody. */
function impliedDialect(outcome: Value, attempts: Value, dialect: Value): Value {
  return outcome === "interrupted" || attempts === 0 ? null : dialect;
}

export function valuesOf(row: RequestRecord): RowValues {
  if (row.images === undefined) return textColumns.map((column) => row[column]);
  return columns.map((column) => row[column] ?? null);
}

const checksumsOfKinds = { s: crc32("s "), e: crc32("e "), m: crc32("m ") } as const;

function encode(kind: "s" | "e" | "m", values: RowValues, target: Buffer = Buffer.allocUnsafe(maxLineBytes)): Buffer {
  const json = JSON.stringify(values);
  const endOffset = jsonOffset + target.write(json, jsonOffset);
  if (endOffset > target.length - 4) throw new RangeError("a journal line is longer than any may be");
  writeHex(target, crc32(json, checksumsOfKinds[kind]));
  target[8] = space;
  target[9] = kind.charCodeAt(0);
  target[10] = space;
  target[endOffset] = lineFeed;
  return target.subarray(0, endOffset + 1);
}

const hexDigits = Buffer.from("0123456789abcdef");

/** Eight digits, at the beginning of `target`. */
function writeHex(target: Buffer, value: number): void {
  for (let offset = 7, rest = value; offset >= 0; offset--, rest >>>= 4) target[offset] = hexDigits[rest & 15] ?? 0;
}

function hasHex(bytes: Buffer, value: number): boolean {
  for (let offset = 7, rest = value; offset >= 0; offset--, rest >>>= 4) {
    if (bytes[offset] !== hexDigits[rest & 15]) return false;
  }
  return true;
}

/** Whole lines, and where the last of them ends; what follows has no line feed yet. */
interface Lines<Kind extends Line> {
  readonly lines: readonly Kind[];
  readonly usedBytes: number;
}

/** Reads all lines. */
export function decodeLines(bytes: Buffer): Lines<Line> {
  const lines: Line[] = [];
  const usedBytes = eachLine(bytes, (from, to) => lines.push(decodeLine(bytes.subarray(from, to))));
  return { lines, usedBytes };
}

/** Reads ends and what is damaged, but for starts and `moved` lines: of those `followStarts` tells. */
export function decodeEnds(bytes: Buffer): Lines<EndLine | DamagedLine> {
  const lines: (EndLine | DamagedLine)[] = [];
  const usedBytes = eachLine(bytes, (from, to) => {
    if (isAdmission(bytes, from)) return;
    const line = decodeLine(bytes.subarray(from, to));
    if (line.kind === "end" || line.kind === "damaged") lines.push(line);
  });
  return { lines, usedBytes };
}

/**
 * Adds the starts in these lines to `open`, by request, as JSON, and takes out what has ended or was moved; `report` gets the
 * text of a start or a `moved` line that is damaged. Ends are taken at their word if all of the file's are known to be
 * readable. Returns where the last whole line ends.
 */
export function followStarts(
  bytes: Buffer,
  open: Map<string, string>,
  endsAreReadable: boolean,
  report: (text: string) => void,
): number {
  return eachLine(bytes, (from, to) => {
    if (endsAreReadable && !isAdmission(bytes, from)) return void open.delete(idAt(bytes, from));
    const line = decodeLine(bytes.subarray(from, to));
    if (line.kind === "start") open.set(line.requestId, line.json);
    else if (line.kind !== "damaged") open.delete(line.requestId);
    else if (isAdmission(bytes, from)) report(line.text);
  });
}

/**
 * Zero bytes before a line are room that was set aside (or, after a power cut, a page that never reached the disk) and are
 * passed over.
 */
function eachLine(bytes: Buffer, act: (from: number, to: number) => void): number {
  let from = 0;
  for (let to = bytes.indexOf(lineFeed); to !== -1; to = bytes.indexOf(lineFeed, from)) {
    while (bytes[from] === 0) from++;
    act(from, to);
    from = to + 1;
  }
  return from;
}

/** Whether a line says that it is a start or a `moved` line. */
function isAdmission(bytes: Buffer, from: number): boolean {
  const kind = bytes[from + 9];
  return (kind === startLetter || kind === movedLetter) && bytes[from + 8] === space && bytes[from + 10] === space;
}

/** The request of a line, as it stands in its JSON. */
function idAt(bytes: Buffer, from: number): string {
  const idOffset = from + jsonOffset + 2;
  return bytes.toString("utf8", idOffset, bytes.indexOf(quote, idOffset));
}

function decodeLine(bytes: Buffer): Line {
  if (bytes[8] !== space || bytes[10] !== space || !hasHex(bytes, crc32(bytes.subarray(9)))) return damaged(bytes);
  const json = bytes.toString("utf8", jsonOffset);
  const requestId = json.slice(2, json.indexOf('"', 2));
  const kind = String.fromCharCode(bytes[9] ?? 0);
  if (kind === "s") return { kind: "start", requestId, json };
  if (kind === "m") return { kind: "moved", requestId };
  const values = kind === "e" ? decodeRow(json) : undefined;
  return values === undefined ? damaged(bytes) : { kind: "end", requestId, values };
}

function damaged(bytes: Buffer): Line {
  return { kind: "damaged", text: bytes.toString() };
}

/** The row in a start's or end's JSON; `undefined` if it is not one that this version can read. */
export function decodeRow(json: string): RowValues | undefined {
  const values = parse(json);
  if (!Array.isArray(values) || !values.every(isValue)) return undefined;
  switch (values.length) {
    case firstColumns.length:
      values.push(null, impliedIn(values), null);
      return values;
    case replyColumns.length:
      values.push(impliedIn(values), null);
      return values;
    case countedColumns.length:
      return rowOf(values, [impliedIn(values), null]);
    case lineColumns.length:
      return rowOf(values, values.slice(countedColumns.length));
    default:
      return undefined;
  }
}

function impliedIn(values: RowValues): Value {
  return impliedDialect(values[outcomeIndex] ?? null, values[attemptsIndex] ?? null, values[dialectIndex] ?? null);
}

/** The values in the order of `columns`, from a line that has those of media before the translation's. */
function rowOf(values: RowValues, translation: RowValues): RowValues {
  const media = values.slice(replyColumns.length, countedColumns.length);
  return [...values.slice(0, replyColumns.length), ...translation, ...(media[0] === null ? [] : media)];
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

function isValue(value: unknown): value is Value {
  return typeof value === "string" || typeof value === "number" || value === null;
}
