import assert from "node:assert/strict";
import { test } from "node:test";
import { systemRandom } from "./key-material.ts";
import { slotPlace, termPlace, unwrapKey, wrapKey } from "./wrapped-key.ts";

const wrappingKey = systemRandom(32);
const key = systemRandom(32);

test("a wrapped key unwraps in its place, to the same key", () => {
  const wrapped = wrapKey(wrappingKey, termPlace(1), key);
  assert.equal(wrapped.length, 98);
  assert.deepEqual(unwrapKey(wrappingKey, termPlace(1), wrapped), key);
  assert.deepEqual(
    unwrapKey(wrappingKey, termPlace(1), new Uint8Array(wrapped)),
    key,
    "as a plain array of bytes, too",
  );
});

test("it does not unwrap with any bit flipped, cut short, or with bytes added", () => {
  const wrapped = wrapKey(wrappingKey, termPlace(1), key);
  for (let bit = 0; bit < wrapped.length * 8; bit++) {
    const flipped = Buffer.from(wrapped);
    flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.equal(unwrapKey(wrappingKey, termPlace(1), flipped), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < wrapped.length; length++) {
    assert.equal(unwrapKey(wrappingKey, termPlace(1), wrapped.subarray(0, length)), undefined, `length ${length}`);
  }
  assert.equal(unwrapKey(wrappingKey, termPlace(1), Buffer.concat([wrapped, Buffer.alloc(1)])), undefined);
});

test("it does not unwrap as another term, as a slot, or as a slot of another id, kind or cost", () => {
  const slot = { id: "slot_1", kind: "passphrase", params: '{"kdf":"a"}' };
  const inSlot = wrapKey(wrappingKey, slotPlace(slot), key);
  const places = [
    termPlace(1),
    slotPlace({ ...slot, id: "slot_2" }),
    slotPlace({ ...slot, kind: "environment" }),
    slotPlace({ ...slot, params: "{}" }),
    slotPlace({ id: "slot_1p", kind: "assphrase", params: slot.params }),
  ];
  for (const place of places) assert.equal(unwrapKey(wrappingKey, place, inSlot), undefined, String(place));
  assert.equal(unwrapKey(wrappingKey, termPlace(2), wrapKey(wrappingKey, termPlace(1), key)), undefined);
});
