import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createTailBuffer } from "./tail-buffer.ts";

test("holds everything up to the limit, and the newest part of more", () => {
  const sizes = fc.record({
    limit: fc.integer({ min: 1, max: 700 }),
    keep: fc.nat(700),
    parts: fc.array(fc.nat(400), { maxLength: 20 }),
  });
  fc.assert(
    fc.property(sizes, ({ limit, keep, parts }) => {
      const buffer = createTailBuffer(limit, keep);
      const all = Buffer.from(
        Array.from({ length: parts.reduce((sum, size) => sum + size, 0) }, (_, index) => index % 251),
      );
      let at = 0;
      for (const size of parts) {
        buffer.append(all, at, at + size);
        at += size;
        assert.ok(buffer.length() <= limit);
      }
      const cut = buffer.isCut();
      const held = buffer.take();
      assert.equal(cut, held.length < all.length);
      assert.equal(cut, all.length > limit);
      assert.ok(held.length >= Math.min(keep, limit, all.length));
      assert.deepEqual(held, all.subarray(all.length - held.length));
    }),
  );
});

test("what was taken stays as it is while the buffer goes on", () => {
  const buffer = createTailBuffer(16, 4);
  buffer.append(Buffer.from("first"), 0, 5);
  const taken = buffer.take();
  assert.equal(buffer.length(), 0);
  assert.equal(buffer.isCut(), false);
  buffer.append(Buffer.from("second"), 0, 6);
  assert.equal(taken.toString(), "first");
  assert.equal(buffer.take().toString(), "second");
});
