import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { brotliCompressSync, constants, createGzip, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { rawUpstream, sendTo, testConnector } from "./test-parts.ts";

const text = JSON.stringify({ words: Array.from({ length: 5_000 }, (_, index) => `word ${index}`) });
const codings = {
  gzip: gzipSync,
  "x-gzip": gzipSync,
  GZIP: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
};

/** Answers with the bytes under the coding's name, in so many pieces. */
function encodedUpstream(coding: string, bytes: Buffer, pieces = 1): Promise<number> {
  const size = Math.ceil(bytes.length / pieces);
  return rawUpstream((socket) => {
    const writePiece = (from: number): void => {
      if (from >= bytes.length) return;
      socket.write(bytes.subarray(from, from + size));
      setImmediate(writePiece, from + size);
    };
    socket.once("data", () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-encoding: ${coding}\r\ncontent-length: ${bytes.length}\r\n\r\n`);
      writePiece(0);
    });
  });
}

describe("a reply that comes compressed although it was asked for plain", () => {
  for (const [coding, compress] of Object.entries(codings)) {
    test(`is decoded (${coding})`, async () => {
      const port = await encodedUpstream(coding, compress(text), 50);
      const { how, headers, body } = await sendTo(testConnector(), port).over;
      assert.equal(how, "end");
      assert.equal(body.toString(), text);
      assert.deepEqual(headers, {});
    });
  }

  test("is handed over as it comes, not when it is whole", async () => {
    const gzip = createGzip();
    const port = await rawUpstream((socket) =>
      socket.once("data", () => {
        socket.write("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n");
        gzip.on("data", (bytes: Buffer) => socket.write(bytes));
        gzip.write("data: 1\n\n");
        gzip.flush();
      }),
    );
    const first = Promise.withResolvers<string>();
    const request = {
      provider: "test",
      origin: `http://127.0.0.1:${port}`,
      path: "/",
      headers: [],
      allowPrivate: true,
    };
    const call = testConnector().send(
      { ...request, method: "GET", body: null },
      {
        onHead() {},
        onData: (chunk) => first.resolve(chunk.toString()),
        onEnd() {},
        onFailure: first.reject,
      },
    );
    assert.equal(await first.promise, "data: 1\n\n");
    call.abort();
  });

  test("may be empty, and may be called `identity`", async () => {
    for (const [coding, bytes] of [
      ["gzip", ""],
      ["identity", "plain"],
    ] as const) {
      const port = await encodedUpstream(coding, Buffer.from(bytes));
      const { how, body } = await sendTo(testConnector(), port).over;
      assert.deepEqual([how, body.toString()], ["end", bytes]);
    }
  });

  test("is broken if it is cut short, damaged or not in that coding", async () => {
    const whole = gzipSync(text);
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 100, 200);
    for (const bytes of [whole.subarray(0, -20), damaged, Buffer.from(text)]) {
      const port = await encodedUpstream("gzip", bytes);
      assert.equal((await sendTo(testConnector(), port).over).how, "upstream_broke");
    }
  });

  test("is refused in a coding nobody here reads", async () => {
    for (const coding of ["compress", "gzip, br", "constructor", "zip"]) {
      const port = await encodedUpstream(coding, Buffer.from(text));
      assert.equal((await sendTo(testConnector(), port).over).how, "upstream_unreadable", coding);
    }
  });
});

describe("a compression bomb", () => {
  const quickly = { params: { [constants.BROTLI_PARAM_QUALITY]: 2 } };
  const bombs = {
    gzip: (bytes: Buffer) => gzipSync(bytes),
    br: (bytes: Buffer) => brotliCompressSync(bytes, quickly),
    zstd: (bytes: Buffer) => zstdCompressSync(bytes),
  };
  const zeros = Buffer.alloc(48 * 1024 * 1024);
  for (const [coding, compress] of Object.entries(bombs)) {
    test(`is given up on long before it is unpacked (${coding})`, async () => {
      const bomb = compress(zeros);
      const port = await encodedUpstream(coding, bomb);
      const before = process.memoryUsage.rss();
      const { how, body } = await sendTo(testConnector(), port).over;
      assert.equal(how, "upstream_broke");
      assert.ok(body.length < Math.max(9 * 1024 * 1024, bomb.length * 100));
      assert.ok(process.memoryUsage.rss() - before < 32 * 1024 * 1024);
    });
  }

  test("waits while nobody takes what it unpacks to", async () => {
    const port = await encodedUpstream("gzip", gzipSync(Buffer.alloc(6 * 1024 * 1024)));
    let taken = 0;
    const firstChunk = Promise.withResolvers<void>();
    const over = Promise.withResolvers<void>();
    const request = {
      provider: "test",
      origin: `http://127.0.0.1:${port}`,
      path: "/",
      headers: [],
      allowPrivate: true,
    };
    const call = testConnector().send(
      { ...request, method: "GET", body: null },
      {
        onHead() {},
        onData(chunk) {
          taken += chunk.length;
          if (taken === chunk.length) call.pause();
          firstChunk.resolve();
        },
        onEnd: over.resolve,
        onFailure: over.reject,
      },
    );
    await firstChunk.promise;
    const before = taken;
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal(taken, before);
    call.resume();
    await over.promise;
    assert.equal(taken, 6 * 1024 * 1024);
  });
});
