import assert from "node:assert/strict";
import * as crypto from "node:crypto";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { Secret } from "../../kernel/secret.ts";
import { unlockerConformance } from "./conformance.ts";
import { checkNewPassphrase, passphraseUnlocker, type PassphraseKdf } from "./passphrase.ts";

const passphrase = new Secret("correct horse battery staple");
const noArgon2 = "argon2" in crypto ? false : "needs Node.js 24.7 or newer, for argon2id";
const kdfs: readonly { readonly kdf: PassphraseKdf; readonly skip: string | false; readonly params: RegExp }[] = [
  { kdf: "argon2id", skip: noArgon2, params: /^\{"kdf":"\$argon2id\$v=19\$m=65536,t=3,p=1\$[A-Za-z0-9+/]{22}"\}$/ },
  { kdf: "scrypt", skip: false, params: /^\{"kdf":"\$scrypt\$ln=17,r=8,p=1\$[A-Za-z0-9+/]{22}"\}$/ },
];

for (const { kdf, skip, params } of kdfs) {
  unlockerConformance({
    name: `the passphrase (${kdf})`,
    kind: "passphrase",
    skip,
    same: () => Promise.resolve(passphraseUnlocker(passphrase, kdf)),
    other: () => Promise.resolve(passphraseUnlocker(new Secret("correct horse battery stapl3"), kdf)),
  });

  test(`a new slot states its ${kdf} cost and a salt of its own`, { skip }, async () => {
    const unlocker = passphraseUnlocker(passphrase, kdf);
    const slots = [await unlocker.wrap("slot_1", Buffer.alloc(32)), await unlocker.wrap("slot_1", Buffer.alloc(32))];
    for (const slot of slots) assert.match(slot.params, params);
    assert.notEqual(slots[0]?.params, slots[1]?.params);
  });
}

describe("a passphrase slot", () => {
  test("opens with the function it was made with, whatever new slots are made with", { skip: noArgon2 }, async () => {
    const slot = await passphraseUnlocker(passphrase, "scrypt").wrap("slot_1", Buffer.alloc(32, 7));
    assert.deepEqual(await passphraseUnlocker(passphrase, "argon2id").unwrap(slot), Buffer.alloc(32, 7));
  });

  test("with parameters out of range is not even tried", { timeout: 5_000 }, async () => {
    const salt = "A".repeat(22);
    const refused = [
      `$argon2id$v=19$m=19455,t=3,p=1$${salt}`,
      `$argon2id$v=19$m=1048577,t=3,p=1$${salt}`,
      `$argon2id$v=19$m=65536,t=1,p=1$${salt}`,
      `$argon2id$v=19$m=65536,t=11,p=1$${salt}`,
      `$argon2id$v=19$m=65536,t=3,p=0$${salt}`,
      `$argon2id$v=19$m=65536,t=3,p=5$${salt}`,
      `$argon2id$v=19$m=65536,t=3,p=1$${salt.slice(2)}`,
      `$argon2id$v=19$m=65536,t=3,p=1$${salt.repeat(4)}`,
      `$argon2id$v=19$m=65536,t=3,p=1$${salt}$${salt}`,
      `$argon2id$v=19$m=065536,t=3,p=1,x=1$${salt}`,
      `$argon2id$v=19$t=3,m=65536,p=1$${salt}`,
      `$argon2d$v=19$m=65536,t=3,p=1$${salt}`,
      `$scrypt$ln=16,r=8,p=1$${salt}`,
      `$scrypt$ln=21,r=8,p=1$${salt}`,
      `$scrypt$ln=17,r=1,p=1$${salt}`,
      `$scrypt$ln=17,r=8,p=5$${salt}`,
      "$pbkdf2$i=1$AAAA",
      "",
    ];
    const params = [...refused.map((kdf) => JSON.stringify({ kdf })), "", "{}", "null", '{"kdf":1}'];
    for (const each of params) {
      const slot = { id: "slot_1", kind: "passphrase", params: each, wrapped: new Uint8Array(98) } as const;
      assert.equal(await passphraseUnlocker(passphrase).unwrap(slot), undefined, each);
    }
  });
});

test("a new passphrase has at least twelve characters", () => {
  checkNewPassphrase(new Secret("twelve chars"));
  const short = new Secret("eleven char");
  assert.throws(
    () => checkNewPassphrase(short),
    (error) => error instanceof AppError && error.code === "invalid_request",
  );
});
