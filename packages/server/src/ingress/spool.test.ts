import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { createSpools, type Spool, type SpoolOptions, type Spools } from "./spool.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-spool-"));
after(() => rmSync(base, { recursive: true, force: true }));

let made = 0;
function spoolsWith(options: Partial<SpoolOptions> = {}): Spools & { readonly directory: string } {
  const directory = join(base, String(made++));
  return { ...createSpools({ directory, memoryBytes: 100, ...options }), directory };
}

async function bytesOf(spool: Spool, start = 0, end = spool.sizeBytes): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of spool.read(start, end)) pieces.push(piece);
  return Buffer.concat(pieces);
}

const noise = (sizeBytes: number): Buffer =>
  Buffer.from(Array.from({ length: sizeBytes }, (_, index) => (index * 7) & 0xff));
const openFiles = (): number => readdirSync("/proc/self/fd").length;
const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

describe("an upload", () => {
  for (const [where, sizeBytes] of [
    ["in memory", 90],
    ["in a file", 1_000_000],
  ] as const) {
    test(`${where} is read back, whole and in parts, as often as is asked`, async () => {
      const { open } = spoolsWith();
      const bytes = noise(sizeBytes);
      const spool = open(0);
      for (let at = 0; at < sizeBytes; at += 31_337) await spool.append(bytes.subarray(at, at + 31_337));
      assert.equal(spool.sizeBytes, sizeBytes);
      for (let time = 0; time < 2; time++) assert.ok((await bytesOf(spool)).equals(bytes));
      assert.ok((await bytesOf(spool, 13, 77)).equals(bytes.subarray(13, 77)));
      assert.equal((await bytesOf(spool, 50, 50)).length, 0);
      const twice = await Promise.all([bytesOf(spool), bytesOf(spool, 1)]);
      assert.ok(twice[0].equals(bytes) && twice[1].equals(bytes.subarray(1)));
      await spool.release();
    });
  }

  test("leaves nothing behind: no name while it lasts, no open file after it", async () => {
    const { open, directory } = spoolsWith();
    const before = openFiles();
    const spool = open(0);
    await spool.append(noise(5000));
    assert.deepEqual(readdirSync(directory), []);
    assert.equal(openFiles(), before + 1);
    await spool.release();
    await spool.release();
    assert.equal(openFiles(), before);
  });

  test("that is given up while its file is being made leaves none open", async () => {
    const { open, usage } = spoolsWith();
    const before = openFiles();
    const spool = open(0);
    const writing = spool.append(noise(5000));
    await spool.release();
    await writing;
    assert.equal(openFiles(), before);
    assert.deepEqual(usage(), { spools: 0, bytes: 0 });
  });

  test("that cannot be stored says so, and not where", async () => {
    const { open, directory } = spoolsWith();
    rmSync(directory, { recursive: true });
    const spool = open(0);
    await assert.rejects(
      async () => spool.append(noise(5000)),
      (error) => {
        assert.ok(withCode("upload_not_stored")(error));
        return !String(error).includes(directory);
      },
    );
    await spool.release();
  });
});

describe("uploads together", () => {
  test("are bounded in number, and a place that is given back is taken again", async () => {
    const { open } = spoolsWith({ maxSpools: 2 });
    const first = open(0);
    open(0);
    assert.throws(() => open(0), withCode("uploads_busy"));
    await first.release();
    open(0);
  });

  test("are bounded in bytes, whether these were announced or not", async () => {
    const { open, usage } = spoolsWith({ maxBytes: 10_000 });
    const announced = open(6000);
    assert.throws(() => open(5000), withCode("uploads_busy"));
    const other = open(0);
    await other.append(noise(3000));
    assert.throws(() => other.append(noise(3000)), withCode("uploads_busy"));
    await announced.append(noise(6000));
    assert.deepEqual(usage(), { spools: 2, bytes: 9000 });
    await announced.release();
    await other.append(noise(3000));
    await other.release();
    assert.deepEqual(usage(), { spools: 0, bytes: 0 });
  });
});

test("what a crash left is gone at the next start, and the directory is nobody else's", () => {
  const { directory } = spoolsWith();
  writeFileSync(join(directory, "left"), "x");
  createSpools({ directory });
  assert.deepEqual(readdirSync(directory), []);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
});
