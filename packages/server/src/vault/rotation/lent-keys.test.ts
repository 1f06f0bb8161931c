import assert from "node:assert/strict";
import { test } from "node:test";
import { keySizeBytes, systemRandom } from "../key-material.ts";
import { kekOf, lendKeys, takeBackKeys, useLentKeys } from "./lent-keys.ts";

const lend = () => {
  const keks = new Map([3, 7].map((term) => [term, systemRandom(keySizeBytes)]));
  return { keks, lent: lendKeys(keks) };
};

test("a borrower finds the key of each term, and none of a term that was not lent", () => {
  const { keks, lent } = lend();
  for (const [term, kek] of keks) assert.deepEqual(Buffer.from(kekOf(lent, term) ?? []), kek);
  assert.equal(kekOf(lent, 4), undefined);
});

test("keys that are taken back are overwritten, and those of the lender are not", () => {
  const { keks, lent } = lend();
  const seen = kekOf(lent, 3);
  takeBackKeys(lent);
  assert.deepEqual(Buffer.from(seen ?? []), Buffer.alloc(keySizeBytes));
  assert.ok(!Buffer.from(lent.memory).includes(keks.get(7)?.subarray(0, 8) ?? assert.fail()));
  assert.notDeepEqual(keks.get(3), Buffer.alloc(keySizeBytes));
});

test("a borrower begins with nothing more once the keys were taken back, and knows that what it has is worthless", () => {
  const { lent } = lend();
  const used: number[] = [];
  const wereLent = useLentKeys(lent, [1, 2, 3], (each) => {
    used.push(each);
    if (each === 2) takeBackKeys(lent);
  });
  assert.deepEqual({ used, wereLent }, { used: [1, 2], wereLent: false });
  assert.equal(
    useLentKeys(lent, [1], () => assert.fail()),
    false,
  );
});

test("what is taken back during the last piece of work is noticed, too", () => {
  const { lent } = lend();
  assert.equal(
    useLentKeys(lent, [1], () => takeBackKeys(lent)),
    false,
  );
});

test("a borrower that fails is not waited for", () => {
  const { lent } = lend();
  const failing = () =>
    useLentKeys(lent, [1], () => {
      throw new Error("no");
    });
  assert.throws(failing);
  assert.equal(new Int32Array(lent.memory)[1], 0);
});
