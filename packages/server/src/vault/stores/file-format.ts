import type { FullRecord, RecordRef } from "../store.ts";
import {
  asBytes,
  asCount,
  asList,
  asObject,
  asText,
  base64,
  Malformed,
  namedKeyFromJson,
  namedKeyToJson,
  rootFromJson,
  rootToJson,
  slotFromJson,
  slotToJson,
  termFromJson,
  termToJson,
  type Json,
} from "./key-json.ts";
import type { DatedTerm, KeyImage } from "./movable.ts";

/*
 * The vault as a JSON text, with a line for each slot, term, key and record. The text as a whole has to be in order, or it
 * is refused. A single record need not be: what cannot be read of it stays in the file, to the letter, and does not open.
 */

export interface FileContent {
  /** Of this vault; the database says which one it wants. */
  readonly id: string;
  readonly keys: KeyImage;
  /** By `keyOf`. */
  readonly records: ReadonlyMap<string, FileRecord>;
  /** Lines in the place of a record that do not even say where they belong. */
  readonly strays: readonly string[];
}

export interface FileRecord {
  readonly record: FullRecord;
  /** As it stands in the file. */
  readonly line: string;
}

const format = "portcullis vault 1";
const parts: readonly string[] = ["format", "id", "epoch", "slots", "terms", "keys", "staged", "records"];

export function emptyContent(id: string): FileContent {
  const keys = { epoch: 1, slots: [], terms: [], keys: [], staged: undefined };
  return { id, keys, records: new Map(), strays: [] };
}

export function keyOf({ type, id, field }: RecordRef): string {
  return JSON.stringify([type, id, field]);
}

export function fileRecord(record: FullRecord): FileRecord {
  const { type, id, field, version, term, origins, sealed, updatedAt } = record;
  const bound = { type, id, field, version, kek_term: term, origins };
  return { record, line: JSON.stringify({ ...bound, updated_at: updatedAt, sealed: base64(sealed) }) };
}

export function formatFile({ id, keys, records, strays }: FileContent): string {
  const { epoch, slots, terms, keys: namedKeys, staged } = keys;
  const recordLines = [...Array.from(records.values(), ({ line }) => line), ...strays];
  const lines = (items: readonly Json[]): readonly string[] => items.map((item) => JSON.stringify(item));
  return [
    "{",
    `"format": ${JSON.stringify(format)},`,
    `"id": ${JSON.stringify(id)},`,
    `"epoch": ${epoch},`,
    `"slots": ${list(lines(slots.map(slotToJson)))},`,
    `"terms": ${list(lines(terms.map((term) => ({ ...termToJson(term), created_at: term.createdAt }))))},`,
    `"keys": ${list(lines(namedKeys.map(namedKeyToJson)))},`,
    `"staged": ${staged === undefined ? "null" : JSON.stringify(rootToJson(staged))},`,
    `"records": ${list(recordLines)}`,
    "}\n",
  ].join("\n");
}

/** Throws `Malformed`. */
export function parseFile(text: string): FileContent {
  const json = asObject(parseJson(text), "the whole");
  if (json["format"] !== format) throw new Malformed(`"format" is not "${format}"`);
  const unknown = Object.keys(json).find((part) => !parts.includes(part));
  if (unknown !== undefined) throw new Malformed("it has a part that this version does not know");
  return {
    id: asText(json["id"], "id"),
    keys: {
      epoch: asCount(json["epoch"], "epoch"),
      slots: asList(json["slots"], "slots", slotFromJson),
      terms: asList(json["terms"], "terms", datedTermFromJson),
      keys: asList(json["keys"], "keys", namedKeyFromJson),
      staged: json["staged"] === null ? undefined : rootFromJson(json["staged"], "staged"),
    },
    ...readRecords(asList(json["records"], "records", (item) => item)),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text.
    throw new Malformed(text.endsWith("}\n") ? "it is not JSON" : "it is not JSON, as if its end were missing");
  }
}

function datedTermFromJson(json: unknown, at: string): DatedTerm {
  return { ...termFromJson(json, at), createdAt: asCount(asObject(json, at)["created_at"], `${at}.created_at`) };
}

function readRecords(items: readonly unknown[]): Pick<FileContent, "records" | "strays"> {
  const records = new Map<string, FileRecord>();
  const strays: string[] = [];
  for (const item of items) {
    const ref = refFromJson(item);
    const known = ref && records.get(keyOf(ref));
    if (ref === undefined) strays.push(JSON.stringify(item));
    else if (known === undefined) records.set(keyOf(ref), recordFromJson(ref, item));
    // Two for one place: which of them counts nobody can tell, so neither opens.
    else records.set(keyOf(ref), unreadable(ref, `${known.line},\n${JSON.stringify(item)}`));
  }
  return { records, strays };
}

function refFromJson(json: unknown): RecordRef | undefined {
  try {
    const { type, id, field } = asObject(json, "record");
    // A type of a later version is carried along: nobody here asks for it.
    const place = { type: asText(type, "type"), id: asText(id, "id"), field: asText(field, "field") };
    return place as typeof place & { type: RecordRef["type"] };
  } catch {
    return undefined;
  }
}

function recordFromJson(ref: RecordRef, json: unknown): FileRecord {
  try {
    const { version, kek_term, origins, updated_at, sealed } = asObject(json, "record");
    return fileRecord({
      ...ref,
      version: asVersion(version),
      term: asCount(kek_term, "kek_term"),
      origins: asList(origins, "origins", asText),
      updatedAt: asCount(updated_at, "updated_at"),
      sealed: asBytes(sealed, "sealed"),
    });
  } catch {
    return unreadable(ref, JSON.stringify(json));
  }
}

/** Whether a line stands for a record that cannot be told. */
export function isUnreadable({ record }: FileRecord): boolean {
  return record.version === 0;
}

/** Stands where a record should; it opens under no key, and a new value may take its place. */
function unreadable(ref: RecordRef, line: string): FileRecord {
  return { record: { ...ref, version: 0, term: 0, origins: [], updatedAt: 0, sealed: Buffer.alloc(0) }, line };
}

function asVersion(json: unknown): number {
  if (json === 0) throw new Malformed("version is 0");
  return asCount(json, "version");
}

function list(lines: readonly string[]): string {
  return lines.length === 0 ? "[]" : `[\n${lines.join(",\n")}\n]`;
}
