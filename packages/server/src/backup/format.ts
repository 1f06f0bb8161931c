import type { Value } from "../db/index.ts";

/*
 * What an opened backup says, line by line: newline-delimited JSON in UTF-8, described for other readers in
 * docs/backup.md. Whatever changes the meaning of a line changes `formatVersion`.
 *
 *   {"format":"portcullis-backup","version":1,…}   the header
 *   {"vault_root_key":"<base64>"}
 *   {"padding":"…"}
 *   {"table":"keys","columns":["id",…]}            a table; its rows follow, each a list in the order of the columns
 *   ["key_…",{"base64":"…"},…]
 *   {"end":{"rows":{"keys":1,…},"sha256":"<hex>"}} the last: rows per table, and the digest of all bytes before it
 */

export const formatName = "portcullis-backup";
export const formatVersion = 1;
/** No line is longer. */
export const maxLineBytes = 64 * 1024 * 1024;

export interface Header {
  readonly format: typeof formatName;
  readonly version: typeof formatVersion;
  /** ISO 8601 */
  readonly made_at: string;
  /** The version of Portcullis that wrote it. */
  readonly product: string;
  /** The number of the newest migration that the database had seen. */
  readonly schema: number;
  readonly engine: string;
}

export interface End {
  readonly rows: Readonly<Record<string, number>>;
  readonly sha256: string;
}

/** A row as a line. Bytes are an object with the one member `base64`, which no other value is. */
export function rowText(values: readonly Value[]): string {
  return JSON.stringify(values.map((value) => (value instanceof Uint8Array ? { base64: toBase64(value) } : value)));
}

/** `undefined` if it is not a row of so many columns. */
export function parseRow(line: readonly unknown[], columns: number): Value[] | undefined {
  const values = line.map(parseValue);
  return values.length === columns && values.every((value) => value !== undefined) ? values : undefined;
}

function parseValue(value: unknown): Value | undefined {
  if (value === null || typeof value === "string") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : undefined;
  if (typeof value !== "object" || !("base64" in value) || typeof value.base64 !== "string") return undefined;
  const bytes = Buffer.from(value.base64, "base64");
  return Object.keys(value).length === 1 && toBase64(bytes) === value.base64 ? bytes : undefined;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
