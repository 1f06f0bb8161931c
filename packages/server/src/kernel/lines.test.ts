import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AppError } from "./errors.ts";
import { createLineReader, createNdjsonReader } from "./lines.ts";

/** Cuts bytes at the given places, empty chunks included. */
function split(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((one, other) => one - other);
  return places.map((place, index) => bytes.subarray(places[index - 1] ?? 0, place));
}

function linesOf(chunks: readonly Buffer[], carriageReturns = true, limitBytes = 1_000): string[] {
  const found: string[] = [];
  const options = { limitBytes, keepBytes: 4, carriageReturns };
  const reader = createLineReader(options, (bytes, start, end, cut) => {
    found.push(`${cut ? "…" : ""}${bytes.toString("utf8", start, end)}`);
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return found;
}

const text = fc
  .array(fc.constantFrom("a", "é", "漢字", "\n", "\r", "\r\n", "\n\n", " ", "data: x"), { maxLength: 30 })
  .map((parts) => parts.join(""));
const cuts = fc.array(fc.nat(200), { maxLength: 12 });

test("lines end with a line feed, a carriage return or both, however the bytes are split", () => {
  fc.assert(
    fc.property(text, cuts, (whole, places) => {
      const expected = whole.split(/\r\n|\r|\n/);
      if (expected.at(-1) === "") expected.pop();
      assert.deepEqual(linesOf(split(Buffer.from(whole), places)), expected);
    }),
    { numRuns: 2_000 },
  );
});

test("where only line feeds end lines, a carriage return is a byte like any other", () => {
  fc.assert(
    fc.property(text, cuts, (whole, places) => {
      const expected = whole.split("\n");
      if (expected.at(-1) === "") expected.pop();
      assert.deepEqual(linesOf(split(Buffer.from(whole), places), false), expected);
    }),
  );
});

test("a byte-order mark is left out at the start and nowhere else, however it is split", () => {
  const bytes = Buffer.from("\ufeffone\n\ufefftwo");
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(linesOf(split(bytes, [cut])), ["one", "\ufefftwo"]);
  }
});

test("of a line past the limit the last part is reported, and the next line is whole again", () => {
  assert.deepEqual(linesOf([Buffer.from("0123"), Buffer.from("4567"), Buffer.from("89\nnext\n")], true, 8), [
    "…456789",
    "next",
  ]);
});

test("lines stay as they are after the call that reported them", () => {
  const kept: [Buffer, number, number][] = [];
  const reader = createLineReader({ limitBytes: 100, keepBytes: 0, carriageReturns: true }, (bytes, start, end) => {
    kept.push([bytes, start, end]);
  });
  for (const chunk of ["on", "e\ntw", "o\nthree\nfo", "ur\n"]) reader.push(Buffer.from(chunk));
  assert.deepEqual(
    kept.map(([bytes, start, end]) => bytes.toString("utf8", start, end)),
    ["one", "two", "three", "four"],
  );
});

test("a chunk of nothing but carriage returns takes time in proportion to its size", () => {
  const started = performance.now();
  assert.equal(linesOf([Buffer.alloc(1_000_000, "\r")]).length, 1_000_000);
  assert.ok(performance.now() - started < 5_000);
});

test("newline-delimited JSON comes out line by line, however it is split", () => {
  const documents = fc.array(
    fc.tuple(fc.json({ noUnicodeString: false }), fc.constantFrom("\n", "\r\n", "\n\n", "\n \n")),
    { maxLength: 8 },
  );
  fc.assert(
    fc.property(documents, fc.boolean(), cuts, (lines, ended, places) => {
      const whole = lines.map(([json, end]) => json + end).join("");
      const reader = createNdjsonReader(10_000);
      const chunks = split(Buffer.from(ended ? whole : whole.trimEnd()), places);
      const found = [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.end()];
      assert.deepEqual(
        found.map((line): unknown => JSON.parse(line.toString())),
        lines.map(([json]): unknown => JSON.parse(json)),
      );
    }),
  );
});

test("a document past the limit is refused, wherever the bytes are split", () => {
  const bytes = Buffer.from(`{"a":1}\n{"b":"${"x".repeat(50)}"}\n`);
  const isTooLarge = (thrown: unknown) => thrown instanceof AppError && thrown.code === "event_too_large";
  for (let cut = 0; cut <= bytes.length; cut++) {
    const reader = createNdjsonReader(40);
    assert.throws(() => split(bytes, [cut]).forEach((chunk) => void reader.push(chunk)), isTooLarge);
  }
  const endless = createNdjsonReader(40);
  assert.throws(() => {
    for (let count = 0; count < 50; count++) endless.push(Buffer.from("x"));
  }, isTooLarge);
});
