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
  const keys = [
    one.kek(1),
    one.kek(2),
    one.namedKey("token").key,
    one.namedKey("audit").key,
    one.namedKey("sign").key,
    rootBytes,
  ];
  assert.equal(new Set(keys.map((key) => key?.toString("hex"))).size, 6);
  assert.deepEqual(one.namedKey("token").key, other.namedKey("token").key);
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

test("a named key is derived until one of its purpose is stored; then what is stored counts alone", () => {
  const terms = [wrapNewTerm(rootBytes, 1)];
  const ring = openKeyring(root(), terms);
  assert.deepEqual([ring.namedVersions("token"), ring.isDerived("token")], [[0], true]);
  assert.deepEqual(ring.namedKeyOf("token", 0), ring.namedKey("token").key);
  assert.equal(ring.namedKeyOf("token", 1), undefined);
  const fresh = systemRandom(32);
  const zero = ring.wrapNamedKey("token", 0, ring.namedKey("token").key, 1);
  const stored = ring.renewed({ terms, keys: [zero, ring.wrapNamedKey("token", 10, fresh, 1)] });
  assert.deepEqual([stored.namedVersions("token"), stored.isDerived("token")], [[0, 10], false]);
  assert.deepEqual(stored.namedKey("token"), { version: 10, key: fresh });
  assert.deepEqual(stored.namedKeyOf("token", 0), ring.namedKey("token").key);
  const dropped = ring.renewed({ terms, keys: [ring.wrapNamedKey("token", 10, fresh, 1)] });
  assert.equal(dropped.namedKeyOf("token", 0), undefined);
  assert.ok(dropped.isDerived("audit"));
});

test("a named key opens under its own purpose and version, and under its own root key", () => {
  const terms = [wrapNewTerm(rootBytes, 1)];
  const ring = openKeyring(root(), terms);
  const key = ring.wrapNamedKey("token", 1, systemRandom(32), 1);
  for (const moved of [
    { purpose: "audit" },
    { version: 2 },
    { wrapped: key.wrapped.with(50, (key.wrapped[50] ?? 0) ^ 1) },
  ]) {
    assert.throws(
      () => ring.renewed({ terms, keys: [{ ...key, ...moved }] }),
      (error) => error instanceof AppError && error.code === "vault_key_missing",
    );
  }
  const other = systemRandom(32);
  const both = ring.renewed({ terms, keys: [key] });
  const again = both.wrapAllBy(other, { terms, keys: [key] });
  assert.throws(() => ring.renewed(again));
  const next = openKeyring(Buffer.from(other), again.terms, again.keys, 2);
  assert.ok(next.holdsTheSameAs(both));
  assert.ok(!next.holdsTheSameAs(ring));
  assert.deepEqual(next.namedKey("token"), both.namedKey("token"));
});

test("wiping overwrites the root key and every KEK, but no key that was given away", async () => {
  const rootKey = root();
  const ring = openKeyring(rootKey, [wrapNewTerm(rootBytes, 1)]);
  const kek = ring.kek(1);
  const token = ring.namedKey("token").key;
  await ring.lendRootKey(async (lent) => {
    ring.wipe();
    await Promise.resolve();
    assert.deepEqual(lent, rootBytes, "a wrapping under way is not broken by it");
  });
  assert.deepEqual(rootKey, Buffer.alloc(32));
  assert.deepEqual(kek, Buffer.alloc(32));
  assert.notDeepEqual(token, Buffer.alloc(32));
});
