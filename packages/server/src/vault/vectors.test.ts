import assert from "node:assert/strict";
import * as crypto from "node:crypto";
import { describe, test } from "node:test";
import { Secret } from "../kernel/secret.ts";
import { openBox, sealBox } from "./box.ts";
import { openRecord, rewrapRecord, sealRecord } from "./envelope.ts";
import { openKeyring, type KeyPurpose } from "./keyring.ts";
import { namedKeyPlace, wrapKey } from "./wrapped-key.ts";
import { givenKeyUnlocker, passphraseUnlocker, type Unlocker, type WrappedKey } from "./unlockers/index.ts";
import vectors from "./vectors.json" with { type: "json" };

/*
 * The published vectors, opened twice: by the vault, and by a reader that was written from docs/sealed-format.md alone and
 * shares no code with it. If either fails, the format has changed, and what users have sealed no longer opens.
 */

const bytes = (hex: string): Buffer => Buffer.from(hex, "hex");
const { format, root_key: rootKey, boxes, slots, subkeys, terms, records, rewraps, must_not_open: refused } = vectors;
const { named_keys: namedKeys } = vectors;
type Slot = (typeof slots)[number];
interface Row {
  readonly type: string;
  readonly id: string;
  readonly field: string;
  readonly version: number;
  readonly kek_term: number;
  readonly origins: readonly string[];
  readonly sealed: string;
}
const skipSlot = ({ params }: Slot): string | false =>
  params.includes("$argon2id$") && !("argon2" in crypto) && "needs Node.js 24.7 or newer, for argon2id";

describe("the vault opens and makes the published vectors", () => {
  const keyring = openKeyring(
    bytes(rootKey),
    terms.map(({ term, wrapped }) => ({ term, wrapped: bytes(wrapped) })),
  );
  const kek = (term: number): Buffer => keyring.kek(term) ?? assert.fail(`no term ${term}`);
  const placeOf = ({ kek_term: term, ...row }: Row) => ({ ...row, term });

  test("boxes", () => {
    for (const { key, associated_data: data, plaintext, nonce, box } of boxes) {
      assert.equal(sealBox(bytes(key), bytes(data), bytes(plaintext), () => bytes(nonce)).toString("hex"), box);
      assert.equal(openBox(bytes(key), bytes(data), bytes(box))?.toString("hex"), plaintext);
    }
  });

  for (const slot of slots) {
    test(`the slot ${slot.id}`, { skip: skipSlot(slot) }, async () => {
      const stored = { ...slot, wrapped: bytes(slot.wrapped) } as WrappedKey;
      assert.equal((await unlockerOf(slot).unwrap(stored))?.toString("hex"), rootKey);
    });
  }

  test("terms and subkeys", () => {
    for (const term of terms) assert.equal(kek(term.term).toString("hex"), term.kek);
    for (const purpose of ["token", "audit", "sign"] as const) {
      assert.equal(keyring.namedKey(purpose).key.toString("hex"), subkeys[purpose]);
    }
  });

  test("named keys, which take the place of derived ones", () => {
    const stored = namedKeys.map((each) => ({ ...each, wrapped: bytes(each.wrapped), createdAt: 0 }));
    const wrappedTerms = terms.map(({ term, wrapped }) => ({ term, wrapped: bytes(wrapped) }));
    const ring = openKeyring(bytes(rootKey), wrappedTerms, stored);
    for (const { purpose, version, key, nonce, wrapped } of namedKeys) {
      assert.equal(ring.namedKeyOf(purpose as KeyPurpose, version)?.toString("hex"), key);
      const wrappingKey = hkdf(bytes(rootKey), Buffer.alloc(0), "portcullis keys 1", 32);
      const made = wrapKey(wrappingKey, namedKeyPlace(purpose, version), bytes(key), () => bytes(nonce));
      assert.equal(made.toString("hex"), wrapped);
    }
    assert.deepEqual([ring.namedVersions("token"), ring.namedVersions("audit")], [[0, 1], [3]]);
    assert.equal(ring.namedKeyOf("audit", 0), undefined, "of a purpose that has a version stored, none is derived");
    assert.equal(ring.namedKey("sign").key.toString("hex"), subkeys.sign);
  });

  test("records", () => {
    for (const record of records) {
      const place = placeOf(record);
      assert.equal(
        openRecord(kek(place.term), place, bytes(record.sealed))?.toString("utf8"),
        record.value,
        record.what,
      );
      if (record.algorithm === 1) continue; // opened still, made no more
      const given = [record.dek, ...record.nonces].map(bytes);
      const random = (): Buffer => given.shift() ?? assert.fail("asked for more");
      const sealed = sealRecord(kek(place.term), place, Buffer.from(record.value), random);
      assert.equal(sealed.toString("hex"), record.sealed, record.what);
    }
  });

  test("records that are re-wrapped", () => {
    for (const { next_term: next, random: drawn, rewrapped, value, what, ...row } of rewraps) {
      const given = drawn.map(bytes);
      const random = (): Buffer => given.shift() ?? assert.fail("asked for more");
      const place = placeOf(row);
      const made = rewrapRecord(kek(place.term), place, bytes(row.sealed), { term: next, kek: kek(next) }, random);
      assert.equal(made?.toString("hex"), rewrapped, what);
      assert.equal(openRecord(kek(next), { ...place, term: next }, bytes(rewrapped))?.toString("utf8"), value, what);
      assert.equal(readRecord(bytes(rootKey), { ...row, kek_term: next, sealed: rewrapped }), value, what);
    }
  });

  test("and opens none that must not open", () => {
    for (const record of refused) {
      assert.equal(openRecord(kek(record.kek_term), placeOf(record), bytes(record.sealed)), undefined, record.what);
    }
  });
});

describe("a reader written from the document alone", () => {
  for (const slot of slots) {
    test(`gets from the slot ${slot.id} to every value`, { skip: skipSlot(slot) }, () => {
      const opened = readWrappedKey(
        readUnlockKey(slot),
        fields("portcullis slot 1", slot.id, slot.kind, slot.params),
        bytes(slot.wrapped),
      );
      assert.equal(opened.toString("hex"), rootKey);
      for (const record of records) assert.equal(readRecord(opened, record), record.value, record.what);
    });
  }

  test("refuses what must not open", () => {
    for (const record of refused) assert.throws(() => readRecord(bytes(rootKey), record), record.what);
  });

  test("builds the same associated data", () => {
    for (const record of records) {
      assert.equal(recordData(record, record.algorithm).toString("hex"), record.associated_data);
      if (record.algorithm === 1) continue;
      assert.equal(valueData(record, record.algorithm).toString("hex"), record.value_associated_data);
    }
  });

  test("gets the named keys", () => {
    for (const { purpose, version, key, wrapped } of namedKeys) {
      const wrappingKey = hkdf(bytes(rootKey), Buffer.alloc(0), "portcullis keys 1", 32);
      const place = fields("portcullis key 1", purpose, String(version));
      assert.equal(readWrappedKey(wrappingKey, place, bytes(wrapped)).toString("hex"), key);
    }
  });
});

test("the vectors say which format they are of", () => assert.match(format, /version 1/));

function unlockerOf({ kind, unlock }: Slot): Unlocker {
  if (unlock.passphrase !== undefined) return passphraseUnlocker(new Secret(unlock.passphrase));
  const base64 = new Secret(bytes(unlock.key).toString("base64"));
  return givenKeyUnlocker(kind === "key-file" ? "key-file" : "environment", base64);
}

// The reader

function fields(...texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text) => {
      const length = Buffer.byteLength(text);
      const field = Buffer.alloc(4 + length);
      field.writeUInt32BE(length, 0);
      field.write(text, 4);
      return field;
    }),
  );
}

function hkdf(key: Buffer, salt: Buffer, info: string, length: number): Buffer {
  return Buffer.from(crypto.hkdfSync("sha256", key, salt, info, length));
}

function readBox(key: Buffer, associatedData: Buffer, box: Buffer): Buffer {
  assert.ok(box.length >= 60);
  const [commitment, nonce] = [box.subarray(0, 32), box.subarray(32, 44)];
  const [ciphertext, tag] = [box.subarray(44, -16), box.subarray(-16)];
  const derived = hkdf(key, nonce, "portcullis box 1", 64);
  assert.ok(crypto.timingSafeEqual(derived.subarray(32), commitment));
  const decipher = crypto.createDecipheriv("aes-256-gcm", derived.subarray(0, 32), nonce, { authTagLength: 16 });
  decipher.setAAD(associatedData);
  decipher.setAuthTag(tag);
  return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
}

function readWrappedKey(key: Buffer, associatedData: Buffer, wrapped: Buffer): Buffer {
  assert.equal(wrapped.length, 98);
  assert.equal(wrapped.toString("latin1", 0, 6), "PCWK\x01\x01");
  return readBox(key, associatedData, wrapped.subarray(6));
}

function readUnlockKey({ params, unlock }: Slot): Buffer {
  if (unlock.passphrase === undefined) return bytes(unlock.key);
  const passphrase = Buffer.from(unlock.passphrase.normalize("NFC"));
  const { kdf } = JSON.parse(params) as { kdf: string };
  const argon2 = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$(.+)$/.exec(kdf);
  if (argon2 !== null) {
    const [memory, passes, parallelism] = argon2.slice(1, 4).map(Number) as [number, number, number];
    const nonce = Buffer.from(argon2[4] ?? "", "base64");
    return crypto.argon2Sync("argon2id", { message: passphrase, nonce, memory, passes, parallelism, tagLength: 32 });
  }
  const scrypt = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$(.+)$/.exec(kdf) ?? assert.fail(kdf);
  const [ln, r, p] = scrypt.slice(1, 4).map(Number) as [number, number, number];
  return crypto.scryptSync(passphrase, Buffer.from(scrypt[4] ?? "", "base64"), 32, {
    N: 2 ** ln,
    r,
    p,
    maxmem: 2 ** 30,
  });
}

function recordData({ type, id, version, field, kek_term: term, origins }: Row, algorithm: number): Buffer {
  return fields(`portcullis record ${algorithm}`, type, id, String(version), field, String(term), ...origins);
}

function valueData(row: Row, algorithm: number): Buffer {
  const { type, id, version, field, origins } = row;
  if (algorithm === 1) return recordData(row, 1);
  return fields("portcullis value 2", type, id, String(version), field, ...origins);
}

function readRecord(root: Buffer, row: Row): string {
  const sealed = bytes(row.sealed);
  assert.equal(sealed.toString("latin1", 0, 5), "PCSR\x01");
  const algorithm = sealed.readUInt8(5);
  assert.ok(algorithm === 1 || algorithm === 2);
  const term = sealed.readUInt32BE(6);
  assert.equal(term, row.kek_term);
  const stored = terms.find((each) => each.term === term) ?? assert.fail("no such term");
  const kekKey = hkdf(root, Buffer.alloc(0), "portcullis kek 1", 32);
  const kek = readWrappedKey(kekKey, fields("portcullis term 1", String(term)), bytes(stored.wrapped));
  const dek = readBox(kek, recordData(row, algorithm), sealed.subarray(10, 102));
  return readBox(dek, valueData(row, algorithm), sealed.subarray(102)).toString("utf8");
}
