import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hashSecret, mintKey, parseKey, sameDigest } from "./token.ts";

test("a minted key is read back whole", () => {
  for (const kind of ["caller", "admin"] as const) {
    const minted = mintKey(kind);
    assert.deepEqual(parseKey(minted.text.reveal()), { kind, id: minted.id, secret: minted.secret });
    assert.match(minted.text.reveal(), kind === "admin" ? /^pca_/ : /^pc_/);
  }
});

test("a key with any one character changed, cut or added is not a key", () => {
  const text = mintKey("caller").text.reveal();
  for (let index = 0; index < text.length; index++) {
    const other = text[index] === "0" ? "1" : "0";
    assert.equal(parseKey(text.slice(0, index) + other + text.slice(index + 1)), undefined, `changed at ${index}`);
    assert.equal(parseKey(text.slice(0, index)), undefined, `cut at ${index}`);
  }
  assert.equal(parseKey(`${text}0`), undefined);
  assert.equal(parseKey(` ${text}`), undefined);
  assert.equal(parseKey(text.toUpperCase()), undefined);
});

test("no text makes the parser throw", () => {
  fc.assert(fc.property(fc.string(), (text) => parseKey(`pc_${text}`) === undefined && parseKey(text) === undefined));
});

test("keys do not repeat, and the id alone says nothing of the secret", () => {
  const keys = Array.from({ length: 1000 }, () => mintKey("caller"));
  assert.equal(new Set(keys.map((key) => key.id)).size, 1000);
  assert.equal(new Set(keys.map((key) => key.secret)).size, 1000);
});

test("the same secret under another pepper has another digest", () => {
  const { secret } = mintKey("caller");
  const one = hashSecret(Buffer.alloc(32, 1), secret);
  assert.ok(sameDigest(one, hashSecret(Buffer.alloc(32, 1), secret)));
  assert.ok(!sameDigest(one, hashSecret(Buffer.alloc(32, 2), secret)));
  assert.ok(!sameDigest(one, Buffer.alloc(0)));
});
