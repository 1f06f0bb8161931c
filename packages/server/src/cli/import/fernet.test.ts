import assert from "node:assert/strict";
import test from "node:test";
import { looksLikeFernet, openFernet, parseFernetKeys } from "./fernet.ts";
import { fernet } from "./test/fixtures.ts";

const keys = parseFernetKeys(fernet.key) ?? [];
const bothKeys = parseFernetKeys(`${fernet.key}\n${fernet.older_key}\n`) ?? [];

test("tokens made by Python's `cryptography` open to what was put in", () => {
  for (const [name, { token, opens_to }] of Object.entries(fernet.tokens)) {
    const opened = openFernet(token, bothKeys);
    assert.ok(opened !== undefined, name);
    if (opens_to !== null) assert.equal(opened.toString("utf8"), opens_to, name);
    assert.ok(looksLikeFernet(token), name);
  }
});

test("a token opens with its own key only, and with any of several", () => {
  const older = fernet.tokens["older"]?.token ?? "";
  assert.equal(openFernet(older, keys), undefined);
  assert.equal(openFernet(older, bothKeys)?.toString("utf8"), "sealed under the older key");
  assert.equal(openFernet(fernet.tokens["long"]?.token ?? "", parseFernetKeys(fernet.other_key) ?? []), undefined);
});

test("no token opens after any bit of it was flipped, or any part of it was cut off", () => {
  const token = fernet.tokens["openai_api_key"]?.token ?? "";
  const bytes = Buffer.from(token, "base64url");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    assert.equal(openFernet(flipped.toString("base64url"), keys), undefined, `bit ${bit}`);
  }
  for (let length = 0; length < bytes.length; length++) {
    assert.equal(openFernet(bytes.subarray(0, length).toString("base64url"), keys), undefined, `${length} bytes`);
  }
});

test("what is no token is refused without a look at keys", () => {
  for (const text of ["", "gAAAA", "gAAAA!", "x".repeat(3_000_000), `${fernet.whole_file}\n${fernet.whole_file}`]) {
    assert.equal(openFernet(text, keys), undefined);
  }
});

test("a key is 32 bytes of base64url, alone or with others", () => {
  assert.equal(keys.length, 1);
  assert.equal(bothKeys.length, 2);
  for (const text of [
    "",
    "short",
    `${fernet.key}x`,
    fernet.key.slice(1),
    "=".repeat(44),
    `${fernet.key} `.repeat(21),
  ]) {
    assert.equal(parseFernetKeys(text), undefined, text);
  }
});
