import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { openKeyring, wrapNewTerm } from "./keyring.ts";
import { systemRandom } from "./key-material.ts";

const rootBytes = systemRandom(32);
const root = (): Buffer => Buffer.from(rootBytes);

test("the same root key gives the same keys again, and each purpose another", () => {
  const terms = [wrapNewTerm(rootBytes, 1), wrapNewTerm(rootBytes, 2)];
  const one = openKeyring(root(), terms);
  const other = openKeyring(root(), terms);
  assert.equal(one.newestTerm, 2);
  assert.deepEqual(one.kek(1), other.kek(1));
  const keys = [one.kek(1), one.kek(2), one.subkey("token"), one.subkey("audit"), one.subkey("sign"), rootBytes];
  assert.equal(new Set(keys.map((key) => key?.toString("hex"))).size, 6);
  assert.deepEqual(one.subkey("token"), other.subkey("token"));
  assert.equal(one.kek(3), undefined);
});

test("terms of another root key, exchanged terms and no terms at all are refused, and the root key is wiped", () => {
  const [first, second] = [wrapNewTerm(rootBytes, 1), wrapNewTerm(rootBytes, 2)];
  const foreign = wrapNewTerm(systemRandom(32), 2);
  const refused = [
    [],
    [foreign],
    [first, foreign],
    [
      { ...first, wrapped: second.wrapped },
      { ...second, wrapped: first.wrapped },
    ],
  ];
  for (const terms of refused) {
    const rootKey = root();
    assert.throws(
      () => openKeyring(rootKey, terms),
      (error) => error instanceof AppError && error.code === "vault_key_missing",
    );
    assert.deepEqual(rootKey, Buffer.alloc(32));
  }
});

test("wiping overwrites the root key and every KEK, but no key that was given away", async () => {
  const rootKey = root();
  const ring = openKeyring(rootKey, [wrapNewTerm(rootBytes, 1)]);
  const kek = ring.kek(1);
  const token = ring.subkey("token");
  await ring.lendRootKey(async (lent) => {
    ring.wipe();
    await Promise.resolve();
    assert.deepEqual(lent, rootBytes, "a wrapping under way is not broken by it");
  });
  assert.deepEqual(rootKey, Buffer.alloc(32));
  assert.deepEqual(kek, Buffer.alloc(32));
  assert.notDeepEqual(token, Buffer.alloc(32));
});
