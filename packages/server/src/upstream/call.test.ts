import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, test } from "node:test";
import { httpUpstream, rawUpstream, sendTo, testConnector } from "./test-parts.ts";
import type { UpstreamBody } from "./connector.ts";

const chunk = Buffer.alloc(64 * 1024, "x");

/** A body of so many chunks, made as it is asked for; counts how many were. */
function bodyOf(chunks: number): UpstreamBody & { readonly stream: Readable; produced: number } {
  const body = {
    sizeBytes: chunks * chunk.length,
    produced: 0,
    stream: new Readable({
      read() {
        body.produced += 1;
        this.push(body.produced > chunks ? null : chunk);
      },
    }),
    open: () => body.stream,
  };
  return body;
}

const ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

describe("a request body that is a stream", () => {
  test("arrives whole, with its length ahead of it, and the connection is used again", async () => {
    const seen: { length: string | undefined; bytes: number; port: number | undefined }[] = [];
    const port = await httpUpstream(async (request, response) => {
      const bytes = (await buffer(request)).length;
      seen.push({ length: request.headers["content-length"], bytes, port: request.socket.remotePort });
      response.end("done");
    });
    const connector = testConnector();
    for (const chunks of [3, 40]) {
      const body = bodyOf(chunks);
      const { how } = await sendTo(connector, port, { body }).over;
      assert.equal(how, "end");
      assert.ok(body.stream.destroyed);
    }
    assert.deepEqual(
      seen.map(({ length, bytes }) => [length, bytes]),
      [
        [String(3 * chunk.length), 3 * chunk.length],
        [String(40 * chunk.length), 40 * chunk.length],
      ],
    );
    assert.equal(seen[0]?.port, seen[1]?.port);
  });

  test("waits for a provider that reads slowly", async () => {
    let socket: Socket | undefined;
    const connected = Promise.withResolvers<void>();
    const port = await rawUpstream((accepted) => {
      socket = accepted.pause();
      connected.resolve();
    });
    const body = bodyOf(1_600); // 100 MB
    const { over } = sendTo(testConnector(), port, { body });
    await connected.promise;
    let before = -1;
    while (before !== body.produced) {
      before = body.produced;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(body.produced * chunk.length < 16 * 1024 * 1024, `${body.produced} chunks were taken by nobody`);
    let bytes = 0;
    socket?.on("data", (data: Buffer) => {
      bytes += data.length;
      if (bytes > body.sizeBytes) socket?.end(ok);
    });
    socket?.resume();
    assert.equal((await over).how, "end");
  });

  test("is given up when the provider answers early, and the answer counts", async () => {
    const port = await rawUpstream((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 413 Too Large\r\ncontent-length: 5\r\n\r\nlarge"));
    });
    const body = bodyOf(1_600);
    const { how, status, body: reply } = await sendTo(testConnector(), port, { body }).over;
    assert.deepEqual([how, status, reply.toString()], ["end", 413, "large"]);
    if (!body.stream.destroyed) await once(body.stream, "close");
    assert.ok(body.produced < 1_600);
  });

  test("is closed when the call is aborted", async () => {
    const port = await rawUpstream((socket) => socket.pause());
    const body = bodyOf(1_600);
    const { call } = sendTo(testConnector(), port, { body });
    await once(body.stream, "data");
    call.abort();
    if (!body.stream.destroyed) await once(body.stream, "close");
  });

  test("that breaks off is our failure, and the provider does not take a part for the whole", async () => {
    const closed = Promise.withResolvers<void>();
    let received = 0;
    const port = await rawUpstream((socket) => {
      socket.on("data", (data: Buffer) => (received += data.length));
      socket.on("close", closed.resolve);
    });
    const stream = Readable.from(
      (async function* () {
        yield chunk;
        throw new Error("the spool is gone");
      })(),
    );
    const { how } = await sendTo(testConnector(), port, { body: { sizeBytes: 10 * chunk.length, open: () => stream } })
      .over;
    assert.equal(how, "internal");
    await closed.promise;
    assert.ok(received < 2 * chunk.length);
  });

  test("that is not as long as it said is not sent on as if it were", async () => {
    const port = await httpUpstream(async (request, response) => {
      await buffer(request).catch(() => undefined);
      response.end("done");
    });
    for (const sizeBytes of [chunk.length - 1, chunk.length + 1]) {
      const body = { sizeBytes, open: () => Readable.from([chunk]) };
      const { how } = await sendTo(testConnector(), port, { body }).over;
      assert.notEqual(how, "end", `${sizeBytes}`);
    }
  });
});

test("GET and DELETE go without a body", async () => {
  const seen: unknown[] = [];
  const port = await httpUpstream(async (request, response) => {
    const { method, headers } = request;
    seen.push([method, (await buffer(request)).length, headers["content-length"], headers["transfer-encoding"]]);
    response.end("done");
  });
  const connector = testConnector();
  for (const method of ["GET", "DELETE"] as const) {
    assert.equal((await sendTo(connector, port, { method, body: null }).over).how, "end");
  }
  assert.deepEqual(seen, [
    ["GET", 0, undefined, undefined],
    ["DELETE", 0, undefined, undefined],
  ]);
});

test("a connection is not used again before the whole request was read from it", async () => {
  const connections: Socket[] = [];
  const port = await rawUpstream((socket) => {
    connections.push(socket);
    // Answers at once and reads nothing more of a request that is larger than what the system takes for it.
    socket.once("data", () => {
      socket.pause();
      socket.write(ok);
    });
  });
  const connector = testConnector();
  const large = await sendTo(connector, port, { body: Buffer.alloc(32 * 1024 * 1024) }).over;
  const next = await sendTo(connector, port).over;
  assert.deepEqual([large.how, next.how, connections.length], ["end", "end", 2]);
});

describe("interim replies", () => {
  const early = "HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n";

  test("are passed over", async () => {
    const port = await rawUpstream((socket) => socket.once("data", () => socket.write(early.repeat(3) + ok)));
    const { how, status } = await sendTo(testConnector(), port).over;
    assert.deepEqual([how, status], ["end", 200]);
  });

  test("without end are given up on, whatever their number", async () => {
    for (const head of [early, "HTTP/1.1 102 Processing\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"]) {
      const port = await rawUpstream((socket) => socket.once("data", () => socket.write(head.repeat(10_000) + ok)));
      assert.equal((await sendTo(testConnector(), port).over).how, "upstream_unreadable", head);
    }
  });

  test("do not put off the time by which a reply must begin", async () => {
    const port = await rawUpstream((socket) => {
      const timer = setInterval(() => socket.write(early), 40);
      socket.on("close", () => clearInterval(timer));
    });
    assert.equal((await sendTo(testConnector({ firstByteTimeoutMs: 300 }), port).over).how, "upstream_timeout");
  });
});

test("a reply that ends with its connection is not whole if the connection was reset", async () => {
  const port = await rawUpstream((socket) =>
    socket.once("data", () =>
      socket.write('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{"half":', () =>
        setTimeout(() => socket.resetAndDestroy(), 50),
      ),
    ),
  );
  assert.equal((await sendTo(testConnector(), port).over).how, "upstream_broke");
});
