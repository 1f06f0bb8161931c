import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { createPrivateFile, openHome, readPrivateFile, writePrivateFile } from "./index.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-files-"));
after(() => rmSync(base, { recursive: true, force: true }));
chmodSync(base, 0o755);
let count = 0;
function freshDirectory(): string {
  const path = join(base, `d${count++}`);
  mkdirSync(path, { mode: 0o700 });
  return path;
}
const freshFile = (): string => join(freshDirectory(), "key");
const isRoot = process.geteuid?.() === 0;
const withCode = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

/** Runs as a user whom file permissions bind: root is not stopped by them. */
async function asOrdinaryUser(action: () => Promise<void>): Promise<void> {
  if (!isRoot) return action();
  process.seteuid?.(65534);
  try {
    await action();
  } finally {
    process.seteuid?.(0);
  }
}

describe("reading a private file", () => {
  test("an absent file is undefined; an empty one is not", async () => {
    const path = freshFile();
    assert.equal(await readPrivateFile(path), undefined);
    await writePrivateFile(path, Buffer.alloc(0));
    assert.equal((await readPrivateFile(path))?.length, 0);
  });

  test("only the modes 0600 and 0400 are trusted; others are refused with the chmod to type", async () => {
    for (const mode of [0o600, 0o400]) {
      const path = freshFile();
      writeFileSync(path, "value");
      chmodSync(path, mode);
      assert.equal(String(await readPrivateFile(path)), "value");
    }
    for (const mode of [0o644, 0o640, 0o604, 0o660, 0o700, 0o602]) {
      const path = freshFile();
      writeFileSync(path, "value");
      chmodSync(path, mode);
      await assert.rejects(readPrivateFile(path), (error) => {
        assert.ok(error instanceof AppError && error.code === "file_unsafe");
        assert.equal(error.hint, `chmod 600 ${path}`);
        return true;
      });
    }
  });

  test("a symbolic link, a directory, a pipe and a huge file are refused, none of them read", {
    timeout: 10_000,
  }, async () => {
    const path = freshFile();
    await writePrivateFile(path, Buffer.from("value"));
    symlinkSync(path, `${path}.link`);
    assert.equal(spawnSync("sh", ["-c", 'mkfifo -m 600 "$0"', `${path}.pipe`]).status, 0);
    mkdirSync(`${path}.directory`);
    await writePrivateFile(`${path}.huge`, Buffer.alloc(64 * 1024 + 1));
    for (const name of ["link", "pipe", "directory", "huge"]) {
      await assert.rejects(readPrivateFile(`${path}.${name}`), withCode("file_unsafe"), name);
    }
  });

  test("somebody else's file is refused", { skip: !isRoot && "needs root, to give a file away" }, async () => {
    const path = freshFile();
    await writePrivateFile(path, Buffer.from("value"));
    chownSync(path, 65534, 65534);
    await assert.rejects(
      readPrivateFile(path),
      (error) => error instanceof AppError && error.hint === `sudo chown 0 ${path}`,
    );
  });

  test("a credential laid out by systemd is trusted", { skip: !isRoot && "needs root, to make one" }, async () => {
    const path = freshFile();
    writeFileSync(path, "value");
    chmodSync(path, 0o440);
    assert.equal(String(await readPrivateFile(path)), "value");
    chownSync(path, 0, 65534);
    await assert.rejects(readPrivateFile(path), withCode("file_unsafe"));
  });

  test("a file that may not be read is a failure, not an absence", async () => {
    const path = freshFile();
    await writePrivateFile(path, Buffer.from("value"));
    chmodSync(path, 0);
    await asOrdinaryUser(() => assert.rejects(readPrivateFile(path), withCode("file_failed")));
  });
});

describe("writing a private file", () => {
  test("the file has mode 0600 whatever the umask, and no temporary file stays", async () => {
    for (const umask of [0, 0o777]) {
      const path = freshFile();
      const before = process.umask(umask);
      try {
        await createPrivateFile(path, Buffer.from("one"));
        await writePrivateFile(path, Buffer.from("two"));
      } finally {
        process.umask(before);
      }
      assert.equal(statSync(path).mode & 0o777, 0o600);
      assert.equal(String(await readPrivateFile(path)), "two");
      assert.deepEqual(readdirSync(join(path, "..")), ["key"]);
    }
  });

  test("creating never replaces: a file, or even a dangling link, stays as it was", async () => {
    const path = freshFile();
    await createPrivateFile(path, Buffer.from("first"));
    symlinkSync("/nowhere/at/all", `${path}.link`);
    await assert.rejects(createPrivateFile(path, Buffer.from("second")), withCode("file_unsafe"));
    await assert.rejects(createPrivateFile(`${path}.link`, Buffer.from("second")), withCode("file_unsafe"));
    assert.equal(readFileSync(path, "utf8"), "first");
    assert.deepEqual(readdirSync(join(path, "..")).sort(), ["key", "key.link"]);
  });

  test("of many that create the same file at once, one succeeds, and the file is whole", async () => {
    const path = freshFile();
    const contents = Array.from({ length: 8 }, (_, index) => String(index).repeat(5_000));
    const results = await Promise.allSettled(contents.map((content) => createPrivateFile(path, Buffer.from(content))));
    const winners = contents.filter((_, index) => results[index]?.status === "fulfilled");
    assert.deepEqual(winners, [readFileSync(path, "utf8")]);
  });

  test("replacing a link replaces the link, not what it points at", async () => {
    const path = freshFile();
    writeFileSync(`${path}.target`, "untouched");
    symlinkSync(`${path}.target`, path);
    await writePrivateFile(path, Buffer.from("new"));
    assert.equal(String(await readPrivateFile(path)), "new");
    assert.equal(readFileSync(`${path}.target`, "utf8"), "untouched");
  });

  test("where nothing can be written, it throws, and the old content stays", async () => {
    const path = freshFile();
    await writePrivateFile(path, Buffer.from("old"));
    chmodSync(join(path, ".."), 0o555);
    await asOrdinaryUser(async () => {
      await assert.rejects(writePrivateFile(path, Buffer.from("new")), withCode("file_failed"));
      await assert.rejects(createPrivateFile(`${path}.other`, Buffer.from("new")), withCode("file_failed"));
    });
    assert.deepEqual(readdirSync(join(path, "..")), ["key"]);
    assert.equal(readFileSync(path, "utf8"), "old");
    await assert.rejects(writePrivateFile(join(base, "no", "such"), Buffer.from("new")), withCode("file_failed"));
  });

  /** The arguments that run a script over this module in another process. */
  const script = (code: string): string[] => {
    const index = JSON.stringify(new URL("./index.ts", import.meta.url).href);
    const imports = `import { writePrivateFile } from ${index};`;
    return ["--no-warnings", "--input-type=module", "-e", `${imports} ${code}`];
  };

  test("on a full disk it throws, the old content stays, and no half file does", () => {
    const path = freshFile();
    writeFileSync(path, "old", { mode: 0o600 });
    // A limit on file size stops the write after the first 64 KiB, as a full disk would.
    const limited = ["-c", 'ulimit -f 64; exec "$0" "$@"', process.execPath];
    const write = `await writePrivateFile(${JSON.stringify(path)}, Buffer.alloc(1 << 20)).catch((error) => console.log(error.code));`;
    const child = spawnSync("bash", [...limited, ...script(write)]);
    assert.equal(String(child.stdout).trim(), "file_failed", String(child.stderr));
    assert.equal(readFileSync(path, "utf8"), "old");
    assert.deepEqual(readdirSync(join(path, "..")), ["key"]);
  });

  test("killed in the middle, it leaves one whole content, and the next start removes the rest", async () => {
    const home = freshDirectory();
    const path = join(home, "key");
    writeFileSync(path, "old".repeat(100), { mode: 0o600 });
    const write = `for (let round = 0; ; round++) {
      await writePrivateFile(${JSON.stringify(path)}, Buffer.alloc(1 << 20, 97 + (round % 26)));
    }`;
    let hits = 0;
    for (let attempt = 0; hits < 3; attempt++) {
      assert.ok(attempt < 30, "no kill hits the middle of a write");
      const child = spawn(process.execPath, script(write), { stdio: "inherit" });
      while (readdirSync(home).length === 1) await new Promise(setImmediate);
      child.kill("SIGKILL");
      await once(child, "exit");
      assert.match(readFileSync(path, "utf8"), /^(?:(old){100}|([a-z])\2{1048575})$/);
      if (readdirSync(home).length > 1) hits++;
      openHome(home).release();
      assert.deepEqual(readdirSync(home).sort(), ["key", "lock"]);
      rmSync(join(home, "lock"));
    }
  });
});
