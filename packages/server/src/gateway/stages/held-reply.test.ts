import assert from "node:assert/strict";
import { test } from "node:test";
import { sliceBytes } from "../../kernel/turns.ts";
import { HeldReply } from "./held-reply.ts";

/** A reply of so many bytes in pieces of this size, and the bytes. */
function held(sizeBytes: number, pieceBytes: number): { readonly reply: HeldReply; readonly bytes: Buffer } {
  const bytes = Buffer.from(Uint8Array.from({ length: sizeBytes }, (_, at) => (at * 31 + (at >> 8)) & 255));
  const reply = new HeldReply();
  for (let at = 0; at < sizeBytes; at += pieceBytes) reply.push(Buffer.from(bytes.subarray(at, at + pieceBytes)));
  return { reply, bytes };
}

test("what came in pieces is one again, however large it is and however small they are", async () => {
  for (const sizeBytes of [0, 1, 5_000, sliceBytes, sliceBytes + 1, 5 * sliceBytes]) {
    for (const pieceBytes of [1, 100, 5_000, 64 * 1024, sizeBytes + 1]) {
      if (sizeBytes / pieceBytes > 10_000) continue; // takes long, and is not different
      const [one, other] = [held(sizeBytes, pieceBytes), held(sizeBytes, pieceBytes)];
      assert.ok(one.reply.take().equals(one.bytes));
      assert.ok((await other.reply.takeInTurns()).equals(other.bytes));
      assert.equal(one.reply.take().length, 0, "it is held no more");
      assert.equal((await other.reply.takeInTurns()).length, 0);
    }
  }
});

test("a piece alone is not copied", () => {
  const reply = new HeldReply();
  const piece = Buffer.alloc(10);
  reply.push(piece);
  assert.equal(reply.take(), piece);
});
