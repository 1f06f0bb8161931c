import assert from "node:assert/strict";
import { test } from "node:test";
import { heldBytes } from "../../test/support/held-memory.ts";
import { ownMemory, release } from "./memory.ts";

test("memory that nobody else has a part of is given back at once, whatever part of it is at hand", async () => {
  const before = await heldBytes();
  const memory = ownMemory(8_000_000);
  const part = memory.subarray(512);
  assert.ok(process.memoryUsage().arrayBuffers - before > 7_000_000);
  release(part);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000, "without a collection");
  assert.deepEqual([part.length, memory.length, part[0]], [0, 0, undefined]);
  release(part);
});

test("bytes that are all of their memory are given back, a part of what others use is not", () => {
  const whole = Buffer.from(new Uint8Array(70_000));
  release(whole);
  assert.equal(whole.length, 0);

  const read = Buffer.alloc(65_536, "a");
  const body = read.subarray(300, 65_000);
  const next = read.subarray(65_000);
  release(body);
  assert.deepEqual([body.length, next.toString("latin1")], [64_700, "a".repeat(536)]);

  const pooled = Buffer.from("a few bytes");
  release(pooled);
  assert.equal(pooled.toString(), "a few bytes");

  const shared = Buffer.from(new SharedArrayBuffer(16));
  release(shared);
  assert.equal(shared.length, 16);
});
