import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { inspect } from "node:util";
import { generateX25519Identity, identityToRecipient } from "age-encryption";
import { AppError } from "../kernel/errors.ts";
import { Secret } from "../kernel/secret.ts";
import { decrypt, encrypt, openedBy, type Opener } from "./age-file.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-age-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const identity = await generateX25519Identity();
const recipient = await identityToRecipient(identity);
const passphrase = new Secret("correct horse battery staple");
const byIdentity: Opener = { identities: [new Secret(identity)] };

function streamOf(bytes: Buffer): ReadableStream<Uint8Array> {
  return new Blob([new Uint8Array(bytes)]).stream();
}

async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

const sealed = async (plain: Buffer): Promise<Buffer> =>
  collect(await encrypt(streamOf(plain), { recipients: [recipient] }));

async function refusal(bytes: Buffer, opener: Opener): Promise<AppError> {
  const outcome: unknown = await collect(decrypt(streamOf(bytes), opener, "b.age")).catch((error: unknown) => error);
  assert.ok(outcome instanceof AppError, inspect(outcome));
  return outcome;
}

test("what was encrypted for a recipient or a passphrase opens again, whatever its size", async () => {
  for (const size of [0, 1, 65_535, 65_536, 65_537, 200_000]) {
    const plain = randomBytes(size);
    const bytes = await sealed(plain);
    assert.deepEqual(await collect(decrypt(streamOf(bytes), byIdentity, "b.age")), plain, String(size));
    assert.equal(openedBy(bytes, "b.age"), "identity");
  }
  const plain = randomBytes(1_000);
  const bytes = await collect(await encrypt(streamOf(plain), { passphrase }));
  assert.equal(openedBy(bytes, "b.age"), "passphrase");
  assert.deepEqual(await collect(decrypt(streamOf(bytes), { passphrase }, "b.age")), plain);
});

test("another passphrase and another identity get the same one answer, and no more", async () => {
  const forPassphrase = await collect(await encrypt(streamOf(randomBytes(10)), { passphrase }));
  const other = { identities: [new Secret(await generateX25519Identity())] };
  const wrong = new Secret("correct horse battery stapl3");
  const errors = [
    await refusal(forPassphrase, { passphrase: wrong }),
    await refusal(await sealed(randomBytes(10)), other),
    await refusal(forPassphrase, byIdentity),
  ];
  assert.deepEqual(new Set(errors.map(({ code, message }) => `${code} ${message}`)).size, 1);
  assert.equal(errors[0]?.code, "backup_cannot_open");
  assert.doesNotMatch(inspect(errors, { depth: 9 }), /stapl|AGE-SECRET/);
});

test("a file with any bit changed, or cut anywhere, never opens to its end", async () => {
  const bytes = await sealed(randomBytes(70_000));
  const headerEnd = bytes.indexOf("\n--- ") + 60;
  const places = [...Array(headerEnd).keys(), ...Array.from({ length: 60 }, (_, step) => headerEnd + step * 1_163)];
  for (const place of places) {
    const changed = Buffer.from(bytes);
    changed[place] = (changed[place] ?? 0) ^ (1 << (place % 8));
    const { code } = await refusal(changed, byIdentity);
    assert.match(code, /^backup_(unreadable|cannot_open)$/, String(place));
  }
  for (const end of [0, 1, headerEnd, headerEnd + 20, 65_536, bytes.length - 1]) {
    const { code } = await refusal(bytes.subarray(0, end), byIdentity);
    assert.match(code, /^backup_(unreadable|cannot_open)$/, String(end));
  }
  await refusal(Buffer.concat([bytes, Buffer.from("x")]), byIdentity);
});

test("what is no age file is told apart from one in text form", () => {
  const says = (text: string, pattern: RegExp): void => {
    const isNamed = (error: unknown): boolean => error instanceof AppError && pattern.test(error.message);
    assert.throws(() => openedBy(Buffer.from(text), "b.age"), isNamed);
  };
  for (const text of ["", "SQLite format 3\0", "age-encryption.org/v2\n-> X25519 a\n"])
    says(text, /is not an age file/);
  says("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl", /text form/);
});

test("a recipient that is none is refused by name; an identity that is none without it", async () => {
  const encrypting = encrypt(streamOf(Buffer.from("x")), { recipients: ["age1nonsense"] });
  await assert.rejects(encrypting, (error) => error instanceof AppError && error.message.includes("age1nonsense"));
  for (const text of ["AGE-SECRET-KEY-1CANARY", "canary", "-----BEGIN OPENSSH PRIVATE KEY-----canary"]) {
    const error = await refusal(await sealed(Buffer.from("x")), { identities: [new Secret(text)] });
    assert.equal(error.code, "wrong_usage");
    assert.doesNotMatch(inspect(error, { depth: 9 }), /canary/i);
  }
});

const age = spawnSync("age", ["--version"]).status === 0;

function skipWithoutAge(t: TestContext): boolean {
  if (!age) t.skip("NOT TESTED: there is no `age` here; install the package of that name");
  return !age;
}

test("the age program opens a file for a recipient", async (t) => {
  if (skipWithoutAge(t)) return;
  const [file, key] = [join(directory, "r.age"), join(directory, "key.txt")];
  const plain = randomBytes(150_000);
  writeFileSync(file, await sealed(plain));
  writeFileSync(key, `# made for a test\n${identity}\n`);
  const { stdout, stderr } = spawnSync("age", ["-d", "-i", key, file], { maxBuffer: 1 << 20 });
  assert.deepEqual(stdout, plain, stderr.toString());
});

test("the age program opens a file for a passphrase, and ours opens one of its own", async (t) => {
  if (skipWithoutAge(t)) return;
  const typing = join(directory, "type.py");
  writeFileSync(typing, passphraseTyper);
  if (spawnSync("python3", ["--version"]).status !== 0) return t.skip("NOT TESTED: needs Python to type a passphrase");
  const [file, opened, theirs] = ["p.age", "p.txt", "theirs.age"].map((name) => join(directory, name));
  assert.ok(file !== undefined && opened !== undefined && theirs !== undefined);
  writeFileSync(file, await collect(await encrypt(streamOf(Buffer.from("what was sealed")), { passphrase })));
  const type = (...argv: string[]) => spawnSync("python3", [typing, passphrase.reveal(), ...argv], { timeout: 60_000 });
  const { stdout, status } = type("age", "-d", "-o", opened, file);
  assert.equal(status, 0, stdout.toString());
  assert.equal(spawnSync("cat", [opened]).stdout.toString(), "what was sealed");
  assert.equal(type("age", "-p", "-o", theirs, opened).status, 0);
  const bytes = spawnSync("cat", [theirs]).stdout;
  assert.equal((await collect(decrypt(streamOf(bytes), { passphrase }, "b.age"))).toString(), "what was sealed");
});

/** age takes a passphrase from a terminal only. */
const passphraseTyper = `
import os, pty, sys
def master_read(fd):
    data = os.read(fd, 1024)
    if b"assphrase" in data: os.write(fd, sys.argv[1].encode() + b"\\n")
    return data
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:], master_read, lambda fd: b"")))
`;
