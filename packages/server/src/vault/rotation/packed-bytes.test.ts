import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { packBytes, unpackBytes } from "./packed-bytes.ts";

test("what was packed comes out as it was, what was missing is missing, and the memory is nobody else's", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.uint8Array(), { nil: undefined })), (all) => {
      const packed = packBytes(all);
      assert.deepEqual(unpackBytes(packed), all);
      assert.equal(packed.bytes.buffer.byteLength, packed.bytes.length);
    }),
  );
});
