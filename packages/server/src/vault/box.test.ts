import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import { describe, test } from "node:test";
import fc from "fast-check";
import { boxOverheadBytes, encodeFields, openBox, openKeyBox, sealBox } from "./box.ts";
import { deriveBytes, systemRandom } from "./key-material.ts";

const key = systemRandom(32);
const data = Buffer.from("where it belongs");

describe("a box", () => {
  test("gives back what was sealed, of any length", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 60 }), (plaintext, associatedData) => {
        const box = sealBox(key, associatedData, plaintext, systemRandom);
        assert.equal(box.length, plaintext.length + boxOverheadBytes);
        assert.deepEqual(openBox(key, associatedData, box), Buffer.from(plaintext));
      }),
    );
  });

  test("does not open once any one bit of it is another", () => {
    const box = sealBox(key, data, Buffer.from("value"), systemRandom);
    for (let bit = 0; bit < box.length * 8; bit++) {
      const flipped = Buffer.from(box);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(openBox(key, data, flipped), undefined, `bit ${bit}`);
    }
    assert.equal(openBox(key, data, box)?.toString(), "value");
  });

  test("does not open cut short anywhere, nor with bytes added", () => {
    const box = sealBox(key, data, Buffer.from("value"), systemRandom);
    for (let length = 0; length < box.length; length++) {
      assert.equal(openBox(key, data, box.subarray(0, length)), undefined, `first ${length} bytes`);
      assert.equal(openBox(key, data, box.subarray(box.length - length)), undefined, `last ${length} bytes`);
    }
    assert.equal(openBox(key, data, Buffer.concat([box, Buffer.alloc(1)])), undefined);
  });

  test("does not open with another key or in another place", () => {
    const box = sealBox(key, data, Buffer.from("value"), systemRandom);
    assert.equal(openBox(systemRandom(32), data, box), undefined);
    assert.equal(openBox(key, Buffer.from("elsewhere"), box), undefined);
    assert.equal(openBox(key, Buffer.alloc(0), box), undefined);
  });

  test("whose tag is authentic but commits to another key does not open", () => {
    const nonce = systemRandom(12);
    const derived = deriveBytes(key, nonce, "portcullis box 1", 64);
    const cipher = createCipheriv("aes-256-gcm", derived.subarray(0, 32), nonce);
    cipher.setAAD(data);
    const sealed = Buffer.concat([nonce, cipher.update("value"), cipher.final(), cipher.getAuthTag()]);
    assert.ok(openBox(key, data, Buffer.concat([derived.subarray(32), sealed])), "the test makes boxes as we do");
    assert.equal(openBox(key, data, Buffer.concat([systemRandom(32), sealed])), undefined);
  });

  test("is another each time", () => {
    const boxes = Array.from({ length: 50 }, () =>
      sealBox(key, data, Buffer.from("value"), systemRandom).toString("hex"),
    );
    assert.equal(new Set(boxes).size, 50);
  });
});

describe("a box with a key in it", () => {
  const inside = systemRandom(32);

  test("opens to the same key both ways", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), fc.uint8Array({ maxLength: 60 }), (plain, place) => {
        const box = sealBox(key, place, plain, systemRandom);
        assert.deepEqual(openKeyBox(key, place, box), openBox(key, place, box));
        assert.deepEqual(openKeyBox(key, place, box), Buffer.from(plain));
      }),
    );
  });

  test("does not open once any one bit of it is another, nor with another key or in another place", () => {
    const box = sealBox(key, data, inside, systemRandom);
    for (let bit = 0; bit < box.length * 8; bit++) {
      const flipped = Buffer.from(box);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      assert.equal(openKeyBox(key, data, flipped), undefined, `bit ${bit}`);
    }
    assert.equal(openKeyBox(systemRandom(32), data, box), undefined);
    assert.equal(openKeyBox(key, Buffer.from("elsewhere"), box), undefined);
    assert.deepEqual(openKeyBox(key, data, box), inside);
  });

  test("does not open with anything but 32 bytes in it", () => {
    for (const size of [0, 16, 31, 33, 64]) {
      const box = sealBox(key, data, systemRandom(size), systemRandom);
      assert.ok(openBox(key, data, box));
      assert.equal(openKeyBox(key, data, box), undefined, `${size} bytes`);
    }
  });

  test("gives it in memory of its own", () => {
    const opened = openKeyBox(key, data, sealBox(key, data, inside, systemRandom));
    assert.equal(opened?.buffer.byteLength, 32);
  });
});

describe("the encoding of fields", () => {
  test("gives different bytes for different lists, wherever the borders lie", () => {
    const lists = fc.array(fc.string({ maxLength: 4 }), { maxLength: 4 });
    fc.assert(
      fc.property(lists, lists, (one, other) => {
        assert.equal(encodeFields(one).equals(encodeFields(other)), JSON.stringify(one) === JSON.stringify(other));
      }),
    );
    assert.ok(!encodeFields(["ab", "c"]).equals(encodeFields(["a", "bc"])));
    assert.ok(!encodeFields(["a", ""]).equals(encodeFields(["a"])));
  });
});
