import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openRecord, rewrapRecord, sealRecord, type RecordPlace } from "./envelope.ts";
import { deriveBytes, systemRandom } from "./key-material.ts";
import vectors from "./vectors.json" with { type: "json" };

/*
 * What somebody could make of sealed records who can write them but has no key: other bits, other lengths, other places,
 * parts of several. Of 200 records of both algorithms none may open but as it was sealed.
 */

const keks = new Map([1, 2].map((term) => [term, systemRandom(32)]));
const kekOf = (term: number): Buffer => keks.get(term) ?? assert.fail();

interface Sealed {
  readonly place: RecordPlace;
  readonly value: string;
  readonly bytes: Buffer;
}

const originsOf = (index: number): string[] =>
  Array.from({ length: index % 3 }, (_, each) => `https://api${each}.example.com:443`);

/** 200 records, of neighbouring places: ids, fields, types, versions, terms and origins differ in one thing at a time. */
const records: readonly Sealed[] = Array.from({ length: 200 }, (_, index) => {
  const place: RecordPlace = {
    type: index % 2 === 0 ? "credential" : "secret",
    id: `cred_${Math.floor(index / 40)}`,
    field: index % 4 < 2 ? "value" : "other",
    version: 1 + (Math.floor(index / 4) % 5),
    term: 1 + (Math.floor(index / 20) % 2),
    origins: originsOf(index),
  };
  const value = `sk-${index}`.padEnd(3 + (index % 40), "x");
  return { place, value, bytes: sealRecord(kekOf(place.term), place, Buffer.from(value)) };
});

const opens = (place: RecordPlace, bytes: Uint8Array): string | undefined => {
  const kek = keks.get(place.term);
  return kek && openRecord(kek, place, bytes)?.toString();
};

describe("of 200 sealed records", () => {
  test("each opens in its own place", () => {
    for (const { place, value, bytes } of records) assert.equal(opens(place, bytes), value);
  });

  test("none opens once any one bit of it is another", () => {
    let flipped = 0;
    for (const { place, bytes } of records) {
      const copy = Buffer.from(bytes);
      for (let bit = 0; bit < copy.length * 8; bit++, flipped++) {
        const byte = bit >> 3;
        copy[byte] = (copy[byte] ?? 0) ^ (1 << (bit & 7));
        assert.equal(opens(place, copy), undefined, `bit ${bit}`);
        copy[byte] = (copy[byte] ?? 0) ^ (1 << (bit & 7));
      }
    }
    assert.ok(flipped > 200 * 162 * 8);
  });

  test("none opens cut short at any byte", () => {
    for (const { place, bytes } of records) {
      for (let length = 0; length < bytes.length; length++) {
        assert.equal(opens(place, bytes.subarray(0, length)), undefined);
      }
    }
  });

  test("none opens in the place of any other that differs in row, field, version, term or origins", () => {
    let swaps = 0;
    for (const one of records) {
      for (const other of records) {
        if (JSON.stringify(one.place) === JSON.stringify(other.place)) continue;
        swaps++;
        assert.equal(opens(other.place, one.bytes), undefined);
        const renamed = Buffer.from(one.bytes);
        renamed.writeUInt32BE(other.place.term, 6); // as far as the header can be made to agree
        assert.equal(opens(other.place, renamed), undefined);
      }
    }
    assert.ok(swaps > 30_000);
  });

  test("none opens with the DEK, the nonce, the value or the tag of another", () => {
    for (const [index, one] of records.entries()) {
      const other = records[(index + 1) % records.length] ?? assert.fail();
      for (const border of [42, 54, 86, 102, 134, 146]) {
        const mixed = Buffer.concat([one.bytes.subarray(0, border), other.bytes.subarray(border)]);
        assert.equal(opens(one.place, mixed), undefined, `border ${border}`);
        assert.equal(opens(other.place, mixed), undefined, `border ${border}`);
      }
    }
  });

  test("none that was altered can be re-wrapped into one that opens", () => {
    for (const { place, bytes } of records.slice(0, 40)) {
      const next = { term: 3, kek: systemRandom(32) };
      for (let byte = 0; byte < bytes.length; byte++) {
        const altered = Buffer.from(bytes.with(byte, (bytes[byte] ?? 0) ^ 0x10));
        const moved = rewrapRecord(kekOf(place.term), place, altered, next);
        const opened = moved && openRecord(next.kek, { ...place, term: 3 }, moved);
        assert.equal(opened, undefined, `byte ${byte}`);
      }
      for (const other of [{ id: "x" }, { version: 99 }, { field: "x" }, { origins: ["https://evil.example:443"] }]) {
        assert.equal(rewrapRecord(kekOf(place.term), { ...place, ...other }, bytes, next), undefined);
      }
    }
  });
});

describe("re-wrapping", () => {
  test("changes the term and the DEK's box, and leaves the value's box to the byte", () => {
    const { place, value, bytes } = records[0] ?? assert.fail();
    const next = { term: 7, kek: systemRandom(32) };
    const moved = rewrapRecord(kekOf(place.term), place, bytes, next) ?? assert.fail();
    assert.deepEqual(moved.subarray(102), bytes.subarray(102));
    assert.notDeepEqual(moved.subarray(10, 102), bytes.subarray(10, 102));
    assert.equal(openRecord(next.kek, { ...place, term: 7 }, moved)?.toString(), value);
    assert.equal(openRecord(kekOf(place.term), place, moved), undefined);
  });

  test("makes a record of algorithm 1 one of algorithm 2, and one of no known algorithm nothing", () => {
    const root = Buffer.from(vectors.root_key, "hex");
    assert.equal(deriveBytes(root, Buffer.alloc(0), "portcullis token 1", 32).toString("hex"), vectors.subkeys.token);
    const {
      kek_term: term,
      sealed,
      value,
      ...rest
    } = vectors.records.find(({ algorithm }) => algorithm === 1) ?? assert.fail();
    const kek = Buffer.from(vectors.terms.find((each) => each.term === term)?.kek ?? "", "hex");
    const next = { term: 9, kek: systemRandom(32) };
    const bytes = Buffer.from(sealed, "hex");
    const moved = rewrapRecord(kek, { ...rest, term }, bytes, next) ?? assert.fail();
    assert.deepEqual([bytes[5], moved[5]], [1, 2]);
    assert.equal(openRecord(next.kek, { ...rest, term: 9 }, moved)?.toString(), value);
    for (const algorithm of [0, 3, 255]) {
      assert.equal(rewrapRecord(kek, { ...rest, term }, bytes.with(5, algorithm), next), undefined);
    }
  });
});
