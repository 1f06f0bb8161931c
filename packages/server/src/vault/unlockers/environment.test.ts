import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../kernel/secret.ts";
import { unlockerConformance } from "./conformance.ts";
import { givenKeyUnlocker } from "./environment.ts";

const key = Buffer.alloc(32, 1).toString("base64");
const otherKey = Buffer.alloc(32, 2).toString("base64");

unlockerConformance({
  name: "the environment's key",
  kind: "environment",
  same: () => Promise.resolve(givenKeyUnlocker("environment", new Secret(key))),
  other: () => Promise.resolve(givenKeyUnlocker("environment", new Secret(otherKey))),
});

test("a key that is not 32 bytes in base64 opens nothing and makes no slot", async () => {
  const slot = await givenKeyUnlocker("environment", new Secret(key)).wrap("slot_1", Buffer.alloc(32, 7));
  for (const text of ["", "password", key.slice(0, -1), Buffer.alloc(16).toString("base64")]) {
    const unlocker = givenKeyUnlocker("environment", new Secret(text));
    assert.equal(await unlocker.unwrap(slot), undefined);
    await assert.rejects(unlocker.wrap("slot_2", Buffer.alloc(32, 7)), TypeError);
  }
});
