import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import type { HttpReply } from "../../ingress/index.ts";
import { nextTurn, sliceBytes } from "../../kernel/turns.ts";
import { sendWhole } from "./whole-body.ts";

/** A reply whose caller takes what it is told to. */
class Sent extends EventEmitter {
  readonly pieces: Buffer[] = [];
  isFull = false;
  ended = false;
  destroyed = false;

  write(chunk: Buffer): boolean {
    this.pieces.push(Buffer.from(chunk));
    return !this.isFull;
  }

  end(body?: Buffer | string, encoding?: BufferEncoding): void {
    if (body !== undefined) this.pieces.push(typeof body === "string" ? Buffer.from(body, encoding) : body);
    this.ended = true;
  }

  get reply(): HttpReply {
    return this as unknown as HttpReply;
  }
}

const bytesOf = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, (_, at) => (at * 31) & 255));

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await nextTurn();
}

test("a body is sent as it is, at once or, if it is large, a slice in a turn", async () => {
  for (const length of [
    0,
    1,
    16 * 1024,
    16 * 1024 + 1,
    sliceBytes,
    sliceBytes + 1,
    3 * sliceBytes,
    4 * sliceBytes - 1,
  ]) {
    const sent = new Sent();
    const body = bytesOf(length);
    sendWhole(sent.reply, body);
    assert.equal(sent.ended, length <= sliceBytes, String(length));
    assert.ok(sent.pieces.length <= 1);
    await turns(6);
    assert.ok(sent.ended);
    assert.ok(Buffer.concat(sent.pieces).equals(body), String(length));
    assert.ok(sent.pieces.every((piece) => piece.length <= sliceBytes));
  }
});

test("a caller that does not read is waited for, and one that has left gets no more", async () => {
  const sent = new Sent();
  sent.isFull = true;
  sendWhole(sent.reply, bytesOf(4 * sliceBytes));
  await turns(5);
  assert.equal(sent.pieces.length, 1);
  sent.emit("drain");
  await turns(5);
  assert.equal(sent.pieces.length, 2);
  sent.destroyed = true;
  sent.emit("drain");
  await turns(5);
  assert.equal(sent.pieces.length, 2);
  assert.ok(sent.ended);
});
