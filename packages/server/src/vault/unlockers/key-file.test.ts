import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { unlockerConformance } from "./conformance.ts";
import { ensureKeyFile, keyFileUnlocker } from "./key-file.ts";

const directory = mkdtempSync(join(tmpdir(), "portcullis-key-file-"));
after(() => rmSync(directory, { recursive: true, force: true }));

async function fromFile(name: string): Promise<ReturnType<typeof keyFileUnlocker>> {
  await ensureKeyFile(join(directory, name));
  return keyFileUnlocker(join(directory, name));
}

unlockerConformance({
  name: "the key file",
  kind: "key-file",
  same: () => fromFile("same.key"),
  other: () => fromFile("other.key"),
});

describe("the key file", () => {
  const rootKey = Buffer.alloc(32, 7);

  test("is made once, private, of 32 bytes, and never again", async () => {
    const path = join(directory, "once.key");
    await ensureKeyFile(path);
    const key = readFileSync(path);
    await ensureKeyFile(path);
    assert.deepEqual(readFileSync(path), key);
    assert.deepEqual([key.length, statSync(path).mode & 0o777], [32, 0o600]);
  });

  test("opens nothing when it is gone, and is not made by trying", async () => {
    const slot = await (await fromFile("gone.key")).wrap("slot_1", rootKey);
    rmSync(join(directory, "gone.key"));
    assert.equal(await keyFileUnlocker(join(directory, "gone.key")).unwrap(slot), undefined);
    assert.equal(statSync(join(directory, "gone.key"), { throwIfNoEntry: false }), undefined);
    await assert.rejects(keyFileUnlocker(join(directory, "gone.key")).wrap("slot_2", rootKey), TypeError);
  });

  test("is refused when others can read it, with the chmod to type, and when it is no key", async () => {
    const path = join(directory, "open.key");
    const unlocker = await fromFile("open.key");
    const slot = await unlocker.wrap("slot_1", rootKey);
    chmodSync(path, 0o644);
    await assert.rejects(
      unlocker.unwrap(slot),
      (error) => error instanceof AppError && error.hint === `chmod 600 ${path}`,
    );
    chmodSync(path, 0o600);
    for (const content of ["", "x".repeat(31), "x".repeat(33), Buffer.alloc(32).toString("base64")]) {
      writeFileSync(path, content);
      await assert.rejects(unlocker.unwrap(slot), (error) => error instanceof AppError && error.code === "file_unsafe");
      await assert.rejects(ensureKeyFile(path), (error) => error instanceof AppError && error.code === "file_unsafe");
    }
  });
});
