import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
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
import { homePath, openHome } from "./index.ts";

const base = mkdtempSync(join(tmpdir(), "portcullis-home-"));
after(() => rmSync(base, { recursive: true, force: true }));
let count = 0;
const freshPath = (): string => join(base, `home-${count++}`);
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const isRoot = process.geteuid?.() === 0;

function refusal(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    return error;
  }
  return assert.fail("nothing was refused");
}

/** Another process that opens the home, says how it went in one line, and holds it until it is killed. */
function holder(path: string): {
  readonly said: Promise<string>;
  kill(): Promise<void>;
  readonly pid: number | undefined;
} {
  const index = JSON.stringify(new URL("./index.ts", import.meta.url).href);
  const code = `import { openHome } from ${index};
    try { openHome(${JSON.stringify(path)}); console.log("held"); setInterval(() => {}, 1000); }
    catch (error) { console.log(error.code); }`;
  const child = spawn(process.execPath, ["--no-warnings", "--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return {
    pid: child.pid,
    said: once(child.stdout, "data").then(([chunk]) => String(chunk).trim()),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

describe("the state directory", () => {
  test("is created for its owner alone, whatever the umask, and with it everything in it", () => {
    const path = join(freshPath(), "deeper");
    const before = process.umask(0);
    try {
      const home = openHome(path);
      assert.equal(mode(path), "700");
      assert.deepEqual(
        readdirSync(path).map((name) => [name, mode(join(path, name))]),
        [
          ["lock", "600"],
          ["pid", "600"],
        ],
      );
      home.release();
    } finally {
      process.umask(before);
    }
    process.umask(0o777);
    const strict = freshPath();
    try {
      openHome(strict).release();
    } finally {
      process.umask(before);
    }
    assert.equal(mode(strict), "700");
  });

  test("names its files, and nothing outside itself", () => {
    const home = homePath("/var/lib/portcullis");
    assert.equal(home.file("root.key"), "/var/lib/portcullis/root.key");
    for (const name of ["", ".", "..", "../x", "a/b", "/etc/passwd", "a\0b"])
      assert.throws(() => home.file(name), TypeError, name);
  });

  test("is refused when others can look in, with the command that closes it", () => {
    for (const open of [0o755, 0o701, 0o710, 0o777, 0o500]) {
      const path = freshPath();
      mkdirSync(path);
      chmodSync(path, open);
      const error = refusal(() => openHome(path));
      assert.equal(error.code, "file_unsafe");
      assert.equal(error.hint, `chmod 700 ${path}`);
      chmodSync(path, 0o700);
      openHome(path).release();
    }
  });

  test("is refused as a symbolic link, even a dangling one, and as a file", () => {
    const target = freshPath();
    mkdirSync(target, { mode: 0o700 });
    const link = freshPath();
    symlinkSync(target, link);
    assert.deepEqual(pick(refusal(() => openHome(link))), [
      "file_unsafe",
      `name the directory itself: --home ${target}`,
    ]);
    const dangling = freshPath();
    symlinkSync(join(base, "nowhere"), dangling);
    assert.equal(refusal(() => openHome(dangling)).code, "file_unsafe");
    assert.equal(statSync(join(base, "nowhere"), { throwIfNoEntry: false }), undefined);
    const file = freshPath();
    writeFileSync(file, "");
    assert.equal(refusal(() => openHome(file)).code, "file_unsafe");
    assert.equal(refusal(() => openHome(join(file, "below"))).code, "file_failed");
  });

  test("is refused when it belongs to somebody else", {
    skip: !isRoot && "needs root, to give a directory away",
  }, () => {
    const path = join(base, "some one's");
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, 65534, 65534);
    const error = refusal(() => openHome(path));
    assert.deepEqual(pick(error), ["file_unsafe", `sudo chown -R 0 '${base}/some one'\\''s'`]);
  });

  test("loses what a killed process left half written, and nothing else", () => {
    const path = freshPath();
    mkdirSync(path, { mode: 0o700 });
    const left = ".root.key.0b2c7f3e-6b0a-4a53-9b36-0f0a6a2f7d11.tmp";
    for (const name of [left, "root.key", ".other.tmp", "portcullis.db"]) writeFileSync(join(path, name), "x");
    openHome(path).release();
    assert.deepEqual(readdirSync(path).sort(), [".other.tmp", "lock", "portcullis.db", "root.key"]);
  });
});

describe("one process per home", () => {
  test("a second opening is refused with the holder's pid, also within one process, until release", () => {
    const path = freshPath();
    const home = openHome(path);
    const error = refusal(() => openHome(path));
    assert.equal(error.code, "home_in_use");
    assert.match(error.message, new RegExp(`process ${process.pid}\\)`));
    home.release();
    home.release();
    openHome(path).release();
  });

  test("a home held by another process is free at once when that one is killed", async () => {
    const path = freshPath();
    const other = holder(path);
    assert.equal(await other.said, "held");
    assert.match(refusal(() => openHome(path)).message, new RegExp(`process ${other.pid}\\)`));
    await other.kill();
    openHome(path).release();
  });

  test("a pid that was given to another program meanwhile does not keep the home shut", async () => {
    const path = freshPath();
    const other = holder(path);
    await other.said;
    await other.kill();
    writeFileSync(join(path, "pid"), `${process.pid}\n`); // alive, but not a holder
    openHome(path).release();
  });

  test("of several that start at once after a crash, exactly one gets the home", { timeout: 60_000 }, async () => {
    const path = freshPath();
    const crashed = holder(path);
    await crashed.said;
    await crashed.kill();
    for (let round = 0; round < 3; round++) {
      const starters = Array.from({ length: 4 }, () => holder(path));
      const said = await Promise.all(starters.map((starter) => starter.said));
      await Promise.all(starters.map((starter) => starter.kill()));
      assert.deepEqual(said.sort(), ["held", "home_in_use", "home_in_use", "home_in_use"]);
    }
  });
});

function pick(error: AppError): [string, string | undefined] {
  return [error.code, error.hint];
}
