import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countCharacters } from "./count-characters.ts";

const count = (json: string): number => {
  const bytes = Buffer.from(json);
  return countCharacters(bytes, { start: 0, end: bytes.length });
};

test("as many characters are counted as the text has code points, however it is written", () => {
  const unit = fc.constantFrom(
    "a",
    "é",
    "漢",
    "👋",
    "\\n",
    "\\\\",
    '\\"',
    "\\u00e9",
    "\\ud83d",
    "\\uDC4b",
    "\\ud83d\\udc4b",
  );
  fc.assert(
    fc.property(fc.array(unit), (units) => {
      const json = `"${units.join("")}"`;
      assert.equal(count(json), Array.from(String(JSON.parse(json))).length, json);
    }),
  );
});

test("what is no text has no characters", () => {
  for (const json of ["1", "null", "[]", '""']) assert.equal(count(json), 0);
  assert.equal(countCharacters(Buffer.alloc(0), undefined), 0);
});

test("of a text longer than anybody has read aloud, each byte behind the first MiB counts", () => {
  assert.equal(count(`"${"x".repeat(5_000_000)}"`), 5_000_000);
});
