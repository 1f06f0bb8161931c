import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageReader } from "./message-reader.ts";

const counted = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n";
const request = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";

function read(text: string, cutAt: number): { whole: boolean; body: string; reader: MessageReader } {
  let body = "";
  const reader = new MessageReader((piece) => (body += String(piece)));
  const first = reader.read(Buffer.from(text.slice(0, cutAt)));
  assert.equal(first, cutAt === text.length);
  const whole = first || reader.read(Buffer.from(text.slice(cutAt)));
  return { whole, body, reader };
}

test("a message is read to its end, wherever its bytes are cut", () => {
  for (const text of [counted, chunked]) {
    for (let cutAt = 1; cutAt <= text.length; cutAt += 1) {
      const { whole, body, reader } = read(text, cutAt);
      assert.deepEqual([whole, body, reader.status], [true, "hello", 200], `cut at ${cutAt}`);
    }
  }
  assert.equal(read(request, 5).whole, true);
});

test("bytes after the end are refused", () => {
  assert.throws(() => new MessageReader().read(Buffer.from(`${counted}more`)), /after the end/);
});

test("what is no reply has no status", () => {
  const reader = new MessageReader();
  reader.read(Buffer.from("nonsense\r\n"));
  assert.equal(reader.status, Number.NaN);
});
