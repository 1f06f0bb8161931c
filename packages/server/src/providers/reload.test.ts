import assert from "node:assert/strict";
import { test } from "node:test";
import { createReload } from "./reload.ts";

test("what an earlier reading brings never replaces what a later one has brought", async () => {
  const readings = [Promise.withResolvers<string>(), Promise.withResolvers<string>(), Promise.withResolvers<string>()];
  const applied: string[] = [];
  let next = 0;
  const reload = createReload(
    () => readings[next++]?.promise ?? Promise.reject(new Error("read once too often")),
    (value) => applied.push(value),
  );
  const done = [reload(), reload(), reload()];
  readings[1]?.resolve("second");
  await done[1];
  readings[0]?.resolve("first");
  await done[0];
  readings[2]?.resolve("third");
  await Promise.all(done);
  assert.deepEqual(applied, ["second", "third"]);
});
