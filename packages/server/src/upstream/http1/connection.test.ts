import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { lookup } from "node:dns";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { after, describe, test } from "node:test";
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from "node:tls";
import { certificateObstacle, createCertificate } from "../../../test/support/tls-certificate.ts";
import { ownMemory } from "../../kernel/memory.ts";
import { sliceBytes } from "../../kernel/turns.ts";
import { listen, rawUpstream } from "../test-parts.ts";
import { connectTo } from "./connect.ts";
import { HttpConnection, type ReplySink } from "./connection.ts";

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly reusable: boolean;
}

const open: HttpConnection[] = [];
after(() => {
  for (const connection of open) connection.destroy();
});

function connectionTo(origin: string, lost: () => void = () => undefined, timeoutMs = 2_000): HttpConnection {
  const connection = new HttpConnection(connectTo({ origin, timeoutMs, lookup }), new URL(origin).host, lost);
  open.push(connection);
  return connection;
}

function ask(connection: HttpConnection, path = "/", body: Buffer | null = null, isSentOnce = false): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let status = 0;
    const chunks: Buffer[] = [];
    const sink: ReplySink = {
      onHead: (head) => (status = head.status),
      onData: (bytes) => chunks.push(bytes),
      onEnd: (reusable) => resolve({ status, body: Buffer.concat(chunks).toString(), reusable }),
      onError: reject,
    };
    connection.send({ method: body === null ? "GET" : "POST", path, headers: [], body, isSentOnce }, sink);
  });
}

/** Answers each request with its own path, and with the head's lines that are given. */
function answering(socket: Socket, lines = ""): void {
  let text = "";
  socket.on("data", (data: Buffer) => {
    text += data.toString("latin1");
    if (!text.includes("\r\n\r\n")) return;
    const path = text.split(" ")[1] ?? "";
    text = "";
    socket.write(`HTTP/1.1 200 OK\r\n${lines}content-length: ${path.length}\r\n\r\n${path}`);
  });
}

test("one connection carries request after request", async () => {
  let accepted = 0;
  const port = await rawUpstream((socket) => {
    accepted += 1;
    answering(socket);
  });
  const connection = connectionTo(`http://127.0.0.1:${port}`);
  for (const path of ["/one", "/two", "/three"]) {
    assert.deepEqual(await ask(connection, path), { status: 200, body: path, reusable: true });
  }
  assert.equal(accepted, 1);
});

test("how long it may stay free is the server's word, less a second", async () => {
  const cases: readonly (readonly [string, number, boolean])[] = [
    ["", 4_000, true],
    ["keep-alive: timeout=61, max=100\r\n", 60_000, true],
    ["keep-alive: timeout=999999\r\n", 600_000, true],
    ["keep-alive: timeout=1\r\n", 0, false],
    ["connection: close\r\n", 0, false],
    ["Connection: foo, Close\r\n", 0, false],
  ];
  for (const [lines, keepAliveMs, reusable] of cases) {
    const connection = connectionTo(`http://127.0.0.1:${await rawUpstream((socket) => answering(socket, lines))}`);
    assert.equal((await ask(connection)).reusable, reusable, lines);
    assert.equal(connection.keepAliveMs, keepAliveMs, lines);
  }
});

describe("what nobody asked for closes the connection, and is part of no reply", () => {
  test("before the first request", async () => {
    const lost = Promise.withResolvers<void>();
    const port = await rawUpstream((socket) => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"));
    connectionTo(`http://127.0.0.1:${port}`, lost.resolve);
    await lost.promise;
  });

  test("behind a reply, with it or later", async () => {
    const evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    const good = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood";
    for (const waitMs of [0, 30]) {
      const lost = Promise.withResolvers<void>();
      const port = await rawUpstream((socket) =>
        socket.once("data", () => {
          socket.write(waitMs === 0 ? good + evil : good);
          if (waitMs > 0) setTimeout(() => socket.write(evil), waitMs);
        }),
      );
      const connection = connectionTo(`http://127.0.0.1:${port}`, lost.resolve);
      assert.deepEqual(await ask(connection), { status: 200, body: "good", reusable: waitMs > 0 });
      if (waitMs > 0) await lost.promise;
      await assert.rejects(ask(connection), /closed the connection/);
    }
  });
});

test("a body that is sent once arrives whole, however slowly it is read, and its memory is given back then", async () => {
  const body = ownMemory(8_000_000);
  for (let at = 0; at < body.length; at++) body[at] = (at * 31 + (at >> 8)) & 255;
  const expected = createHash("sha256").update(body).digest("hex");
  const wasEmpty: boolean[] = [];
  const port = await rawUpstream((socket) => {
    const hash = createHash("sha256");
    let left = body.length;
    let headIsRead = false;
    socket.on("data", (data: Buffer) => {
      const bytes = headIsRead ? data : data.subarray(data.indexOf("\r\n\r\n") + 4);
      headIsRead = true;
      hash.update(bytes);
      left -= bytes.length;
      if (left > 1_000_000) wasEmpty.push(body.length === 0); // more than the sockets between can hold
      socket.pause();
      setTimeout(() => socket.resume(), 1);
      if (left > 0) return;
      const found = hash.digest("hex");
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${found.length}\r\n\r\n${found}`);
    });
  });
  const answer = await ask(connectionTo(`http://127.0.0.1:${port}`), "/", body, true);
  assert.equal(answer.body, expected);
  assert.equal(body.length, 0);
  assert.ok(wasEmpty.length > 10 && wasEmpty.slice(0, 10).every((empty) => !empty));
});

test("a body of megabytes goes out in slices, a turn of the event loop apart, though all of it would be taken at once", async () => {
  const body = ownMemory(8 * sliceBytes - 100);
  for (let at = 0; at < body.length; at++) body[at] = (at * 31 + (at >> 8)) & 255;
  const expected = Buffer.from(body);
  const taken: Buffer[] = [];
  const turns = new Map<number, number>();
  let turn = 0;
  const socket = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      turns.set(turn, (turns.get(turn) ?? 0) + chunk.length);
      taken.push(Buffer.from(chunk));
      done();
    },
  });
  let isOver = false;
  const count = (): void => {
    turn += 1;
    if (!isOver) setImmediate(count);
  };
  count();
  const connection = new HttpConnection(
    ({ onConnected }) => {
      process.nextTick(onConnected);
      return socket as Socket;
    },
    "example.com",
    () => undefined,
  );
  open.push(connection);
  const request = { method: "POST", path: "/", headers: [], body, isSentOnce: true } as const;
  const sink = { onHead: () => undefined, onData: () => undefined, onEnd: () => undefined, onError: () => undefined };
  connection.send(request, sink);
  while (connection.sending || body.length > 0) await new Promise((resolve) => setImmediate(resolve));
  isOver = true;
  const sent = Buffer.concat(taken);
  assert.ok(sent.subarray(sent.indexOf("\r\n\r\n") + 4).equals(expected));
  assert.ok(turns.size >= 8 && Math.max(...turns.values()) < sliceBytes + 1_000, [...turns.values()].join());
});

test("a reply that is all there is read a part in a turn of the event loop, also behind a caller that paused it", async () => {
  const sizeBytes = 6_000_000;
  const reply = Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${sizeBytes}\r\n\r\n`),
    Buffer.alloc(sizeBytes, "x"),
  ]);
  const port = await rawUpstream((socket) => socket.once("data", () => socket.write(reply)));
  const connection = connectionTo(`http://127.0.0.1:${port}`);
  const perTurn = new Map<number, number>();
  let turn = 0;
  let gotBytes = 0;
  let pauses = 0;
  const count = (): void => {
    turn += 1;
    if (gotBytes < sizeBytes) setImmediate(count);
  };
  count();
  await new Promise<void>((resolve, reject) => {
    connection.send(
      { method: "GET", path: "/", headers: [], body: null },
      {
        onHead: () => undefined,
        onData(bytes) {
          perTurn.set(turn, (perTurn.get(turn) ?? 0) + bytes.length);
          gotBytes += bytes.length;
          if (gotBytes < 1_000_000 * (pauses + 1)) return;
          pauses += 1;
          connection.pause();
          if (pauses % 2 === 0) setImmediate(() => connection.resume());
          else setTimeout(() => connection.resume(), 20);
        },
        onEnd: () => resolve(),
        onError: reject,
      },
    );
  });
  assert.equal(gotBytes, sizeBytes);
  assert.ok(pauses >= 5);
  assert.ok(Math.max(...perTurn.values()) < 256 * 1024, [...perTurn.values()].join());
});

test("nothing more of a body goes out once the connection is given up", async () => {
  let arrived = 0;
  const port = await rawUpstream((socket) => socket.on("data", (data: Buffer) => (arrived += data.length)));
  const connection = connectionTo(`http://127.0.0.1:${port}`);
  const body = ownMemory(64 * sliceBytes);
  const answer = ask(connection, "/", body, true);
  while (arrived === 0) await new Promise((resolve) => setImmediate(resolve));
  connection.close();
  await assert.rejects(answer, /closed the connection/);
  assert.equal(connection.sending, false);
  assert.equal(body.length, 64 * sliceBytes);
});

test("a body that may be sent again, or is not all sent, stays as it is", async () => {
  const again = Buffer.alloc(100_000, "x");
  const port = await rawUpstream((socket) => socket.on("data", (data: Buffer) => answerEnd(socket, data)));
  await ask(connectionTo(`http://127.0.0.1:${port}`), "/", again);
  assert.equal(again.length, 100_000);

  const cut = ownMemory(20_000_000);
  const early = await rawUpstream((socket) => socket.once("data", () => socket.destroy()));
  await assert.rejects(ask(connectionTo(`http://127.0.0.1:${early}`), "/", cut, true));
  assert.equal(cut.length, 20_000_000);
});

/** Answers once the last byte has come. */
function answerEnd(socket: Socket, data: Buffer): void {
  if (data.at(-1) === 0x78) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
}

test("a server that is not there, or does not answer the call, is an error in time", async () => {
  const refused = connectionTo("http://127.0.0.1:1");
  await assert.rejects(ask(refused), { code: "ECONNREFUSED" });

  const port = await rawUpstream((socket) => socket.pause()); // TLS is never begun
  await assert.rejects(ask(connectionTo(`https://127.0.0.1:${port}`, undefined, 200)), /no connection within 200 ms/);
});

describe("TLS", { skip: certificateObstacle() }, () => {
  const trusted = getCACertificates("default");
  after(() => setDefaultCACertificates(trusted));

  test("a server is believed if its certificate is for its name, and its session is taken up again", async () => {
    const certificate = createCertificate("localhost", "127.0.0.1");
    const reused: boolean[] = [];
    const server = createTlsServer(certificate, (socket) => {
      reused.push(socket.isSessionReused());
      answering(socket);
    });
    const port = await listen(server);
    const connect = connectTo({ origin: `https://localhost:${port}`, timeoutMs: 2_000, lookup });
    const connected = (): HttpConnection => {
      const connection = new HttpConnection(connect, "localhost", () => undefined);
      open.push(connection);
      return connection;
    };
    await assert.rejects(ask(connected()), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });

    setDefaultCACertificates([...trusted, certificate.cert]);
    const large = Buffer.alloc(300_000, "x");
    for (const path of ["/one", "/two"]) {
      assert.deepEqual(await ask(connected(), path, large), { status: 200, body: path, reusable: true });
    }
    assert.deepEqual(reused.slice(-2), [false, true]);

    const otherwise = createCertificate("other.example");
    setDefaultCACertificates([...trusted, otherwise.cert]);
    const elsewhere = await listen(createTlsServer(otherwise, (socket) => answering(socket)));
    await assert.rejects(ask(connectionTo(`https://localhost:${elsewhere}`)), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
  });

  test("a long reply arrives whole", async () => {
    const certificate = createCertificate("localhost");
    setDefaultCACertificates([...trusted, certificate.cert]);
    const body = Buffer.alloc(5_000_000, "0123456789abcdef!");
    const server = createTlsServer(certificate, (socket) =>
      socket.once("data", () => {
        socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n`);
        socket.write(body);
      }),
    );
    const answer = await ask(connectionTo(`https://localhost:${await listen(server)}`));
    assert.ok(answer.body === body.toString());
  });
});
