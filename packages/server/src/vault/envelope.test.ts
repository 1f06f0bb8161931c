import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { openRecord, sealRecord, type RecordPlace } from "./envelope.ts";
import { systemRandom } from "./key-material.ts";

const kek = systemRandom(32);
const place: RecordPlace = {
  type: "credential",
  id: "cred_1",
  field: "value",
  version: 3,
  term: 1,
  origins: ["https://api.example.com:443", "https://eu.example.com:443"],
};

describe("a sealed record", () => {
  test("opens in its place to the same value, whatever the value and the place", () => {
    const text = fc.string({ unit: "grapheme", maxLength: 20 });
    const places = fc.record({
      type: text,
      id: text,
      field: text,
      version: fc.integer({ min: 1 }),
      term: fc.integer({ min: 1, max: 2 ** 32 - 1 }),
      origins: fc.array(text, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(places, fc.uint8Array({ maxLength: 200 }), (anyPlace, value) => {
        const sealed = sealRecord(kek, anyPlace, value);
        assert.equal(sealed.length, 162 + value.length);
        assert.deepEqual(openRecord(kek, anyPlace, new Uint8Array(sealed)), Buffer.from(value));
      }),
    );
  });

  test("does not open once any one bit of it is another", () => {
    const sealed = sealRecord(kek, place, Buffer.from("sk-value"));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(openRecord(kek, place, flipped), undefined, `bit ${bit}`);
    }
    assert.equal(openRecord(kek, place, sealed)?.toString(), "sk-value");
  });

  test("does not open cut short at any byte, nor with bytes added", () => {
    const sealed = sealRecord(kek, place, Buffer.from("sk-value"));
    for (let length = 0; length < sealed.length; length++) {
      assert.equal(openRecord(kek, place, sealed.subarray(0, length)), undefined, `length ${length}`);
    }
    assert.equal(openRecord(kek, place, Buffer.concat([sealed, Buffer.alloc(1)])), undefined);
    assert.equal(openRecord(kek, place, Buffer.concat([Buffer.alloc(1), sealed])), undefined);
  });

  test("does not open in any other place", () => {
    const sealed = sealRecord(kek, place, Buffer.from("sk-value"));
    const [first = "", second = ""] = place.origins;
    const others: Partial<RecordPlace>[] = [
      { type: "secret" },
      { id: "cred_2" },
      { field: "other" },
      { version: 2 },
      { version: 4 },
      { term: 2 },
      { origins: [] },
      { origins: [first] },
      { origins: [second, first] },
      { origins: [first, second, "https://evil.example:443"] },
      { origins: [first, "https://evil.example:443"] },
      { origins: [first + second] },
      { id: "cred_1v", field: "alue" },
    ];
    for (const other of others) {
      assert.equal(openRecord(kek, { ...place, ...other }, sealed), undefined, JSON.stringify(other));
    }
  });

  test("does not open under another term's key, even when header and row agree on the term", () => {
    const sealed = sealRecord(kek, place, Buffer.from("sk-value"));
    const moved = Buffer.from(sealed);
    moved.writeUInt32BE(2, 6);
    assert.equal(openRecord(kek, { ...place, term: 2 }, moved), undefined);
    assert.equal(openRecord(systemRandom(32), place, sealed), undefined);
  });

  test("does not open when put together from the parts of two, sealed in the same place", () => {
    const one = sealRecord(kek, place, Buffer.from("sk-value"));
    const other = sealRecord(kek, place, Buffer.from("sk-other"));
    for (const border of [102, 134, 146, one.length - 16]) {
      const mixed = Buffer.concat([one.subarray(0, border), other.subarray(border)]);
      assert.equal(openRecord(kek, place, mixed), undefined, `border ${border}`);
    }
  });
});
