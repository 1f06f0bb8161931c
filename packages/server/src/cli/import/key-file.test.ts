import assert from "node:assert/strict";
import test from "node:test";
import { timeOf } from "./fields.ts";
import { keyRecordsOf, readKeyRecords } from "./key-file.ts";
import { fixtureText, summarise } from "./test/fixtures.ts";

function read(content: unknown) {
  const records = keyRecordsOf(content);
  assert.ok(records !== undefined);
  return readKeyRecords(records);
}

test("a key file gives keys with what was said of them, without the old keys", () => {
  const findings = read(JSON.parse(fixtureText("keys.json")));
  assert.deepEqual(summarise(findings), [
    "entry 1: key ada Ada's laptop",
    "entry 2: key bob",
    "entry 3: key eve",
    "entry 4: failed key mallory",
    "entry 5: key ada Ada's laptop",
  ]);
  assert.doesNotMatch(JSON.stringify(findings), /canary/);
  const items = findings.flatMap((finding) => ("item" in finding && finding.item.kind === "key" ? [finding.item] : []));
  assert.equal(items[0]?.expires_at, "2099-06-01T00:00:00.000Z", "a time without a zone is UTC");
  assert.deepEqual(
    items.map(({ disabled }) => disabled),
    [false, true, false, false],
  );
  assert.equal(new Set(items.map(({ source_id }) => source_id)).size, 4, "two keys that say the same stay two");
});

test("a list of records is read as well", () => {
  const record = { user: "ada", service: "chat", created_at: "2025-01-01", last_used: null, disabled: false };
  const list = [{ key: "one", ...record, expires_at: null }, { key: "two", ...record, expires_at: 4_102_444_800 }, 7];
  assert.deepEqual(summarise(read(list)), ["entry 1: key ada", "entry 2: key ada", "entry 3: failed key entry 3"]);
});

test("what is said wrongly fails alone", () => {
  const records = { a: { user: "u", disabled: "yes" }, b: 7, c: { user: "u", expires: {} }, d: { user: "fine" } };
  assert.deepEqual(
    summarise(read(records)).map((line) => line.split(" ")[2]),
    ["failed", "failed", "failed", "key"],
  );
});

test("other JSON is no key file", () => {
  for (const content of [null, 7, "text", [], {}, [1], { a: 1 }, { Providers: [] }]) {
    assert.equal(keyRecordsOf(content), undefined, JSON.stringify(content));
  }
});

test("times come in many forms, and what is none gives none", () => {
  const cases: readonly (readonly [unknown, string | undefined])[] = [
    ["2027-01-31", "2027-01-31T00:00:00.000Z"],
    ["2027-01-31T08:00:00", "2027-01-31T08:00:00.000Z"],
    ["2027-01-31 08:00", "2027-01-31T08:00:00.000Z"],
    ["2027-01-31T08:00:00.123456+02:00", "2027-01-31T06:00:00.123Z"],
    [1_800_000_000, "2027-01-15T08:00:00.000Z"],
    [1_800_000_000_000, "2027-01-15T08:00:00.000Z"],
    [1_800_000_000n, "2027-01-15T08:00:00.000Z"],
    ["tomorrow", undefined],
    ["2027-13-45", undefined],
    [Number.MAX_VALUE, undefined],
    [true, undefined],
  ];
  for (const [given, expected] of cases) assert.equal(timeOf(given), expected, String(given));
});
