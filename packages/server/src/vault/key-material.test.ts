import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { deriveBytes, keyCopy, systemRandom } from "./key-material.ts";
import { parseKey, passphraseBytes, secretBytes } from "./key-text.ts";

test("key material never lies in memory that other buffers share", () => {
  const base64 = new Secret(randomBytes(32).toString("base64"));
  const made = [
    systemRandom(32),
    secretBytes(new Secret("a value")),
    passphraseBytes(new Secret("words")),
    parseKey(base64),
  ];
  for (const bytes of made) assert.equal(bytes?.buffer.byteLength, bytes?.length);
});

test("key material lies outside the heap of JavaScript, where the garbage collector would leave copies of it", () => {
  const keys = 200;
  const once = (make: () => Buffer): number => {
    const before = process.memoryUsage().arrayBuffers;
    const made = Array.from({ length: keys }, make);
    return (process.memoryUsage().arrayBuffers - before) / made.length;
  };
  // What else is collected meanwhile makes it less, and nothing makes it more.
  const growth = (make: () => Buffer): number => Math.max(...Array.from({ length: 100 }, () => once(make)));
  assert.ok(growth(() => Buffer.allocUnsafeSlow(32)) < 16, "the test would notice");
  const key = Buffer.alloc(32);
  assert.ok(growth(() => systemRandom(32)) > 16);
  assert.ok(growth(() => keyCopy(key)) > 16);
  assert.ok(growth(() => secretBytes(new Secret("a value of a few bytes, 32 or so"))) > 16);
  assert.ok(growth(() => deriveBytes(key, key, "test", 32)) > 16);
});

test("a key has one spelling in base64, of 32 bytes", () => {
  const key = Buffer.alloc(32, 0xf1);
  const text = key.toString("base64");
  assert.deepEqual(parseKey(new Secret(text)), key);
  const others = [
    "",
    text.slice(0, -1),
    `${text}\n`,
    ` ${text}`,
    text.replace(/.=$/, "F="),
    `${text.slice(0, -2)}==`,
    key.toString("hex"),
  ];
  others.push(
    randomBytes(31).toString("base64"),
    randomBytes(33).toString("base64"),
    Buffer.alloc(32, 0xff).toString("base64url"),
  );
  for (const other of others) assert.equal(parseKey(new Secret(other)), undefined, other);
});

test("a passphrase is the same however its accents were typed", () => {
  assert.deepEqual(
    passphraseBytes(new Secret("ge\u0301ne\u0301ral")),
    passphraseBytes(new Secret("g\u00e9n\u00e9ral")),
  );
});

test("a value that bytes could not give back is refused", () => {
  assert.equal(secretBytes(new Secret("sk-é-🔑")).toString(), "sk-é-🔑");
  assert.throws(
    () => secretBytes(new Secret("\ud800")),
    (error) => error instanceof AppError && error.code === "invalid_request",
  );
});
