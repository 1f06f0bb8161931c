import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test, type TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { followFile } from "./followed-file.ts";

const root = mkdtempSync(join(tmpdir(), "portcullis-followed-"));
after(() => rmSync(root, { recursive: true }));
let count = 0;

function newFile(text = "one"): string {
  const directory = join(root, String(count++));
  mkdirSync(directory);
  const file = join(directory, "portcullis.yaml");
  writeFileSync(file, text);
  return file;
}

/** Follows the file; `next` resolves at the next change that is told. */
function follow(t: TestContext, file: string): { next(): Promise<void>; told(): number } {
  let told = 0;
  let tell = Promise.withResolvers<void>();
  t.after(
    followFile(file, () => {
      told += 1;
      tell.resolve();
      tell = Promise.withResolvers();
    }),
  );
  return { told: () => told, next: () => tell.promise };
}

const cases: Readonly<Record<string, (file: string) => void>> = {
  "written in place": (file) => writeFileSync(file, "two"),
  "replaced by rename, as editors do": (file) => {
    writeFileSync(`${file}.new`, "two");
    renameSync(`${file}.new`, file);
  },
  removed: (file) => rmSync(file),
};

for (const [how, change] of Object.entries(cases)) {
  test(`a file that is ${how} is noticed`, { timeout: 10_000 }, async (t) => {
    const file = newFile();
    const changes = follow(t, file);
    const told = changes.next();
    change(file);
    await told;
  });
}

test("a file behind links that are exchanged, as those of a Kubernetes config map, is noticed", {
  timeout: 10_000,
}, async (t) => {
  const directory = join(root, String(count++));
  for (const version of ["v1", "v2"]) {
    mkdirSync(join(directory, version), { recursive: true });
    writeFileSync(join(directory, version, "portcullis.yaml"), "same text");
  }
  symlinkSync("v1", join(directory, "..data"));
  symlinkSync(join("..data", "portcullis.yaml"), join(directory, "portcullis.yaml"));
  const changes = follow(t, join(directory, "portcullis.yaml"));
  const told = changes.next();
  symlinkSync("v2", join(directory, "..data_tmp"));
  renameSync(join(directory, "..data_tmp"), join(directory, "..data"));
  await told;
});

test("changes close together are told once, when the last is done", { timeout: 10_000 }, async (t) => {
  const file = newFile();
  const changes = follow(t, file);
  const told = changes.next();
  for (let step = 0; step < 30; step += 1) {
    writeFileSync(file, `step ${step}`);
    await pause(50); // what is shown is that nothing is told meanwhile
  }
  assert.equal(changes.told(), 0);
  await told;
  assert.equal(changes.told(), 1);
});
