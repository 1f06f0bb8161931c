import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { mountSmallDisk } from "../../test/support/small-disk.ts";
import { AppError } from "../kernel/errors.ts";
import { demandNewName, readKeyLines, saveBackup } from "./index.ts";
import { withCode } from "./test-parts.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-save-"));
after(() => rmSync(directory, { recursive: true, force: true }));

const [replace, keep] = [{ replace: true }, { replace: false }];

async function* pieces(count: number, failsAfter = Infinity): AsyncGenerator<Uint8Array> {
  for (let index = 0; index < count; index++) {
    if (index === failsAfter) throw new Error("the connection broke");
    const piece = Buffer.alloc(10_000, index);
    if (index === 0) piece.write("age-encryption.org/v1\n");
    yield await Promise.resolve(piece);
  }
}

test("what is no backup, or nothing at all, never takes the place of one", async () => {
  const file = join(directory, "zero.age");
  writeFileSync(file, "the one before");
  const others = ["", '{"status":"ok"}', "age-encryption.org/v2\n", "age-encryption.org/v1"];
  for (const text of others) {
    const content = (async function* () {
      for (const byte of Buffer.from(text)) yield await Promise.resolve(Buffer.from([byte]));
    })();
    await assert.rejects(saveBackup(content, file, replace), withCode("backup_incomplete"), text);
  }
  assert.equal(readFileSync(file, "utf8"), "the one before");
  rmSync(file);
  assert.deepEqual(readdirSync(directory), []);
});

test("a backup is written whole, for its owner alone, and beside nothing else", async () => {
  const file = join(directory, "one.age");
  const before = process.umask(0);
  const written = await saveBackup(pieces(10), file, keep).finally(() => process.umask(before));
  assert.deepEqual(written, { file, bytes: 100_000 });
  assert.equal(statSync(file).size, 100_000);
  if (process.platform !== "win32") assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(directory), ["one.age"]);
});

test("a file that is there is replaced only on demand", async () => {
  const file = join(directory, "two.age");
  writeFileSync(file, "the one before");
  assert.throws(() => demandNewName(file, keep), withCode("wrong_usage"));
  await assert.rejects(saveBackup(pieces(1), file, keep), withCode("wrong_usage"));
  assert.equal(readFileSync(file, "utf8"), "the one before");
  demandNewName(file, replace);
  await saveBackup(pieces(1), file, replace);
  assert.equal(statSync(file).size, 10_000);
});

test("a backup that is broken off leaves the one before as it was, or no file", async () => {
  const [old, fresh] = [join(directory, "three.age"), join(directory, "four.age")];
  writeFileSync(old, "the one before");
  for (const failsAfter of [0, 1, 5, 9]) {
    await assert.rejects(saveBackup(pieces(10, failsAfter), old, replace), withCode("backup_incomplete"));
    await assert.rejects(saveBackup(pieces(10, failsAfter), fresh, keep), withCode("backup_incomplete"));
  }
  assert.equal(readFileSync(old, "utf8"), "the one before");
  assert.equal(existsSync(fresh), false);
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith(".tmp")),
    [],
  );
});

test("what a killed backup left is removed by the next to the same name, once nobody can be writing it", async () => {
  const own = mkdtempSync(join(directory, "killed-"));
  const names = ["nightly", "nightly", "other"].map((name) => `.${name}.age.${randomUUID()}.tmp`);
  const [abandoned = "", writing = "", foreign = ""] = names;
  for (const name of names) writeFileSync(join(own, name), "the beginning of a backup");
  const longAgo = new Date(Date.now() - 2 * 3_600_000);
  for (const name of [abandoned, foreign]) utimesSync(join(own, name), longAgo, longAgo);
  await saveBackup(pieces(1), join(own, "nightly.age"), keep);
  assert.deepEqual(readdirSync(own).toSorted(), [writing, foreign, "nightly.age"].toSorted());
});

test("a directory that is not there is said to be missing", async () => {
  const saving = saveBackup(pieces(1), join(directory, "none", "x.age"), keep);
  await assert.rejects(saving, (error) => error instanceof AppError && error.message.includes("there is no such"));
});

test("a disk that fills up at any step leaves the backup before as it was", async (t) => {
  const disk = mountSmallDisk(t, 256);
  if (disk === undefined) return;
  const file = join(disk.path, "nightly.age");
  writeFileSync(file, "the one before");
  for (let left = 0; left <= 96; left += 8) {
    disk.fill(left);
    await assert.rejects(saveBackup(pieces(12), file, replace), withCode("file_failed"), `${left} KiB`);
    assert.equal(readFileSync(file, "utf8"), "the one before");
    disk.free();
    assert.deepEqual(readdirSync(disk.path), ["nightly.age"]);
  }
  await saveBackup(pieces(12), file, replace);
  assert.equal(statSync(file).size, 120_000);
});

test("recipients and identities are read line by line, without comments; a file without any is a mistake", async () => {
  const file = join(directory, "keys.txt");
  writeFileSync(file, "# created: today\r\n\r\n  age1abc  \r\nage1def");
  assert.deepEqual(
    (await readKeyLines(file)).map((line) => line.reveal()),
    ["age1abc", "age1def"],
  );
  for (const text of ["", "# nothing\n", "x".repeat(70_000)]) {
    writeFileSync(file, text);
    await assert.rejects(readKeyLines(file), withCode("wrong_usage"));
  }
  await assert.rejects(readKeyLines(join(directory, "none")), withCode("file_failed"));
});
