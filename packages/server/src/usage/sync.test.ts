import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createSync } from "./sync.ts";
import { temporaryDirectory } from "./test-parts.ts";

test("what has grown is synced; a file that was settled and deleted meanwhile is no failure", async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, "a.log"), "x");
  const sync = createSync(directory);
  await sync([
    { name: "a.log", usedBytes: 1, complete: false, ends: undefined },
    { name: "gone.log", usedBytes: 1, complete: true, ends: 1 },
  ]);
});

test("a file that cannot be synced is reported each time until it can", async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, "b.log")); // cannot be opened for writing
  const sync = createSync(directory);
  const states = [{ name: "b.log", usedBytes: 1, complete: false, ends: undefined }];
  await assert.rejects(sync(states), { code: "EISDIR" });
  await assert.rejects(sync(states), { code: "EISDIR" });
  await sync([{ name: "b.log", usedBytes: 0, complete: false, ends: undefined }]); // nothing written: nothing to sync
});
