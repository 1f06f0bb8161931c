import { createHash } from "node:crypto";
import { isFields, lineOf, textOf, timeOf, type Fields } from "./fields.ts";
import { failed, type Finding } from "./finding.ts";

/*
 * A JSON file of callers' keys: an object `{key: {user, service, …}}`, or a list of records that have a `key` each. The
 * keys themselves are not taken: new ones are made that say the same. Of an old key a digest tells it from others.
 */

/** The records, by key; `undefined` if it is no such file. */
export function keyRecordsOf(content: unknown): readonly (readonly [place: string, record: Fields])[] | undefined {
  if (Array.isArray(content)) {
    const records = content.filter(isFields);
    const isList = records.some((record) => typeof record["key"] === "string");
    return isList ? content.map((record, index) => [`entry ${index + 1}`, isFields(record) ? record : {}]) : undefined;
  }
  if (!isFields(content)) return undefined;
  const entries = Object.entries(content);
  const known = [
    "user",
    "service",
    "description",
    "created",
    "created_at",
    "last_used",
    "expires",
    "expires_at",
    "disabled",
  ];
  const isRecord = (value: unknown): boolean => isFields(value) && known.some((name) => name in value);
  if (entries.length === 0 || !entries.some(([, value]) => isRecord(value))) return undefined;
  return entries.map(([key, record], index) => [
    `entry ${index + 1}`,
    isFields(record) ? { key, ...record } : { key, unreadable: true },
  ]);
}

export function readKeyRecords(records: readonly (readonly [place: string, record: Fields])[]): readonly Finding[] {
  return records.map(([place, record]) => readRecord(place, record));
}

function readRecord(place: string, record: Fields): Finding {
  const key = textOf(record["key"]);
  const name = lineOf(record["description"]) ?? lineOf(record["user"]) ?? place;
  if (key === undefined || "unreadable" in record) return failed(place, "key", name, "it is no record of a key");
  const expiry = record["expires"] ?? record["expires_at"];
  const isEndless = expiry === undefined || expiry === null || expiry === "";
  const expires = timeOf(expiry);
  if (!isEndless && expires === undefined) {
    return failed(place, "key", name, "its time of expiry cannot be read; write it like 2027-01-31T00:00:00Z");
  }
  const disabled = record["disabled"];
  if (disabled !== undefined && disabled !== null && typeof disabled !== "boolean") {
    return failed(place, "key", name, "`disabled` is neither true nor false");
  }
  const described = {
    user: lineOf(record["user"]),
    team: lineOf(record["team"]),
    service: lineOf(record["service"]),
    description: lineOf(record["description"]),
  };
  const item = { kind: "key", ...described, expires_at: expires, disabled: disabled ?? false } as const;
  return { place, item: { ...item, source_id: keyDigest(key) } };
}

/** Tells old keys apart without telling any. */
export function keyDigest(key: string): string {
  return createHash("sha256").update(key).digest("hex");
}
