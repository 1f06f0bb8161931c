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
  | { readonly kind: "end"; readonly requestId: string; readonly values: RowValues }
  | { readonly kind: "moved"; readonly requestId: string }
  | { readonly kind: "damaged"; readonly text: string };

const lineFeed = 10;

export function encodeStart(row: RequestRecord): Buffer {
  return encode("s", lineValuesOf(row));
}

export function encodeEnd(row: RequestRecord): Buffer {
  return encode("e", lineValuesOf(row));
}

export function encodeMoved(requestId: string): Buffer {
  return encode("m", [requestId]);
}

/** What a line needs to say of a row. */
function lineValuesOf(row: RequestRecord): RowValues {
  const { outcome, attempts, dialect } = row;
  const isPlain = row.dropped === null && row.upstream_dialect === impliedDialect(outcome, attempts, dialect);
  if (!isPlain) return lineColumns.map((column) => row[column] ?? null); // null for all media where there was only text
  if (row.images !== undefined) return countedColumns.map((column) => row[column] ?? null);
  if (row.response_id !== null) return replyColumns.map((column) => row[column]);
  return firstColumns.map((column) => row[column]);
}

/** What the provider was asked in, unless a line says otherwise: nothing was translated, and a start asks nobody. */
function impliedDialect(outcome: Value, attempts: Value, dialect: Value): Value {
  return outcome === "interrupted" || attempts === 0 ? null : dialect;
}

export function valuesOf(row: RequestRecord): RowValues {
  if (row.images === undefined) return textColumns.map((column) => row[column]);
  return columns.map((column) => row[column] ?? null);
}

function encode(kind: "s" | "e" | "m", values: RowValues): Buffer {
  const body = `${kind} ${JSON.stringify(values)}`;
  return Buffer.from(`${crc32(body).toString(16).padStart(8, "0")} ${body}\n`);
}

/**
 * Reads whole lines. `usedBytes` is where the last of them ends; what follows has no line feed yet. Zero bytes before a
 * line are room that was set aside (or, after a power cut, a page that never reached the disk) and are passed over.
 */
export function decodeLines(bytes: Buffer): { readonly lines: readonly Line[]; readonly usedBytes: number } {
  const lines: Line[] = [];
  let from = 0;
  for (let to = bytes.indexOf(lineFeed); to !== -1; to = bytes.indexOf(lineFeed, from)) {
    while (bytes[from] === 0) from++;
    lines.push(decodeLine(bytes.subarray(from, to)));
    from = to + 1;
  }
  return { lines, usedBytes: from };
}

function decodeLine(bytes: Buffer): Line {
  const [checksum, body] = [bytes.toString("latin1", 0, 9), bytes.subarray(9)];
  if (!/^[0-9a-f]{8} $/.test(checksum) || Number.parseInt(checksum, 16) !== crc32(body)) return damaged(bytes);
  const [kind, json] = [body.toString("latin1", 0, 2), body.toString("utf8", 2)];
  const requestId = json.slice(2, json.indexOf('"', 2));
  if (kind === "s ") return { kind: "start", requestId, json };
  if (kind === "m ") return { kind: "moved", requestId };
  const values = kind === "e " ? decodeRow(json) : undefined;
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
      return [...values, null, impliedIn(values), null];
    case replyColumns.length:
      return [...values, impliedIn(values), null];
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
