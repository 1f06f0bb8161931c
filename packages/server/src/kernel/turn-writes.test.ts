import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { TurnWrites } from "./turn-writes.ts";

test("writes are held back while more than three exchanges are under way, and made in order at the end of the turn", async () => {
  const writes = new TurnWrites();
  for (let count = 0; count < 3; count++) writes.began();
  assert.ok(!writes.gathers);
  writes.began();
  assert.ok(writes.gathers);
  const written: number[] = [];
  for (const number of [1, 2, 3]) writes.add({ flush: () => void written.push(number) });
  assert.deepEqual(written, []);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(written, [1, 2, 3]);
  writes.ended();
  assert.ok(!writes.gathers);
});

test("a writer that fails takes none of the others with it, and is not passed over in silence", async () => {
  const writes = new TurnWrites();
  const written: number[] = [];
  const handlers = process.rawListeners("uncaughtException") as NodeJS.UncaughtExceptionListener[];
  process.removeAllListeners("uncaughtException");
  try {
    const thrown = once(process, "uncaughtException");
    writes.add({ flush: () => void written.push(1) });
    writes.add({
      flush() {
        throw new Error("a fault");
      },
    });
    writes.add({ flush: () => void written.push(3) });
    assert.match(String((await thrown)[0]), /a fault/);
    assert.deepEqual(written, [1, 3]);
  } finally {
    for (const handler of handlers) process.on("uncaughtException", handler);
  }
});
