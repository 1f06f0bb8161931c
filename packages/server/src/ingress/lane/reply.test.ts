import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request, type IncomingMessage } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { TurnWrites } from "../../kernel/turn-writes.ts";
import { PlainReply } from "./reply.ts";

/* What is written here, as Node's own client reads it. */

const date = "Fri, 21 Nov 2025 12:00:00 GMT";
let server: Server;
let agent: Agent;
let writes = new TurnWrites();
/** What answers the next request, when its bytes have come. */
let answer: (reply: PlainReply, socket: Socket) => void;
let over = 0;

before(async () => {
  server = createServer((socket) => {
    let lose = (): void => undefined;
    socket.on("error", () => undefined);
    socket.on("close", () => lose());
    socket.on("data", () => {
      const place = { date, keepAliveMs: 65_500, writeTimeoutMs: 5_000, writes };
      const reply: PlainReply = new PlainReply(socket, place, () => {
        over += 1;
        if (!reply.shouldKeepAlive) socket.end();
      });
      lose = () => reply.lost();
      answer(reply, socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
});
after(() => {
  agent.destroy();
  server.close();
});

const within = () => ({ signal: AbortSignal.timeout(5_000) });

interface Got {
  readonly response: IncomingMessage;
  readonly body: Buffer;
}

/** The reply that is written, on the connection of those before it. */
async function got(write: (reply: PlainReply, socket: Socket) => void): Promise<Got> {
  answer = write;
  const { port } = server.address() as AddressInfo;
  const call = request({ port, host: "127.0.0.1", method: "POST", agent, headers: { "content-length": 0 } }).end();
  const [response] = (await once(call, "response", within())) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { response, body: Buffer.concat(chunks) };
}

const sizes = [1, 100, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 100_000, 3_000_000];
const ofSize = (size: number): Buffer =>
  Buffer.alloc(size, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));

describe("a reply whose body is given at once", () => {
  test("goes out with its length, and with the headers as they were given", async () => {
    const { response, body } = await got((reply) => {
      reply.writeHead(201, [
        "content-type",
        "text/plain",
        "x-two",
        "a",
        "x-two",
        "b",
        "x-empty",
        "",
        "x-latin",
        "\u00e9\t\u00ff",
      ]);
      assert.ok(reply.headersSent);
      reply.end("body");
    });
    assert.equal(response.statusCode, 201);
    assert.equal(response.statusMessage, "Created");
    assert.equal(response.httpVersion, "1.1");
    assert.deepEqual(response.rawHeaders.slice(0, 10), [
      "content-type",
      "text/plain",
      "x-two",
      "a",
      "x-two",
      "b",
      "x-empty",
      "",
      "x-latin",
      "\u00e9\t\u00ff",
    ]);
    assert.equal(response.headers["content-length"], "4");
    assert.equal(response.headers["transfer-encoding"], undefined);
    assert.equal(response.headers["date"], date);
    assert.equal(response.headers["connection"], "keep-alive");
    assert.equal(response.headers["keep-alive"], "timeout=65");
    assert.equal(body.toString(), "body");
  });

  test("may have none", async () => {
    const { response, body } = await got((reply) => {
      reply.writeHead(200, []);
      reply.end();
    });
    assert.deepEqual([response.headers["content-length"], body.length], ["0", 0]);
  });

  for (const size of sizes) {
    test(`arrives as it is, with ${size} bytes of every kind`, async () => {
      const { response, body } = await got((reply) => {
        reply.writeHead(200, []);
        reply.end(ofSize(size));
      });
      assert.ok(body.equals(ofSize(size)));
      assert.equal(response.headers["content-length"], String(size));
    });
  }

  test("as text is sent in UTF-8 with the length of that, or in Latin-1", async () => {
    const text = "caf\u00e9 \u{1f600} \u4e16";
    const utf8 = await got((reply) => {
      reply.writeHead(200, []);
      reply.end(text);
    });
    assert.equal(utf8.body.toString(), text);
    assert.equal(utf8.response.headers["content-length"], String(Buffer.byteLength(text)));
    const latin1 = await got((reply) => {
      reply.writeHead(200, []);
      reply.end("caf\u00e9", "latin1");
    });
    assert.deepEqual([...latin1.body], [0x63, 0x61, 0x66, 0xe9]);
  });

  test("with a length of its own gets no other", async () => {
    const { response, body } = await got((reply) => {
      reply.writeHead(200, ["content-length", "3"]);
      reply.end("abc");
    });
    const lengths = response.rawHeaders.filter((name) => name.toLowerCase() === "content-length");
    assert.deepEqual([lengths.length, response.headers["transfer-encoding"], body.toString()], [1, undefined, "abc"]);
  });
});

describe("a reply whose body comes in parts", () => {
  for (const size of sizes) {
    test(`is chunked, with parts of ${size} bytes`, async () => {
      const { response, body } = await got((reply) => {
        reply.writeHead(200, []);
        reply.write(ofSize(size));
        reply.write(Buffer.alloc(0)); // would end it
        setImmediate(() => {
          reply.write(ofSize(size));
          reply.end(ofSize(size));
        });
      });
      assert.equal(response.headers["transfer-encoding"], "chunked");
      assert.equal(response.headers["content-length"], undefined);
      assert.ok(body.equals(Buffer.concat([ofSize(size), ofSize(size), ofSize(size)])));
    });
  }

  test("may end with text, or with nothing more", async () => {
    const text = await got((reply) => {
      reply.writeHead(200, []);
      reply.write(Buffer.from("a"));
      reply.end("\u00e9");
    });
    assert.equal(text.body.toString(), "a\u00e9");
    const none = await got((reply) => {
      reply.writeHead(200, []);
      reply.flushHeaders();
      reply.end();
    });
    assert.deepEqual([none.response.headers["transfer-encoding"], none.body.length], ["chunked", 0]);
  });

  test("has its head sent before its body if that is wanted, once", async () => {
    let held: PlainReply | undefined;
    const reading = got((reply) => {
      held = reply;
      reply.writeHead(200, ["x-early", "yes"]);
      reply.flushHeaders();
      reply.flushHeaders();
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
    held?.write(Buffer.from("late"));
    held?.end();
    const { response, body } = await reading;
    assert.deepEqual([response.headers["x-early"], body.toString()], ["yes", "late"]);
  });

  test("is not chunked where its length is stated", async () => {
    const { response, body } = await got((reply) => {
      reply.writeHead(200, ["content-length", "6"]);
      reply.write(Buffer.from("abc"));
      reply.end("def");
    });
    assert.deepEqual([response.headers["transfer-encoding"], body.toString()], [undefined, "abcdef"]);
  });
});

describe("a reply that has no body by its status", () => {
  for (const status of [204, 304]) {
    for (const given of ["nothing", "a body", "parts"] as const) {
      test(`${status}, with ${given} given, leaves the connection in order`, async () => {
        const { response, body } = await got((reply) => {
          reply.writeHead(status, []);
          if (given === "parts") reply.write(Buffer.from("part"));
          if (given === "nothing") reply.flushHeaders();
          reply.end(given === "a body" ? "body" : undefined);
        });
        assert.equal(response.statusCode, status);
        assert.equal(response.headers["transfer-encoding"], undefined);
        assert.equal(body.length, 0);
        const next = await got((reply) => {
          reply.writeHead(200, []);
          reply.end("next");
        });
        assert.deepEqual([next.response.statusCode, next.body.toString()], [200, "next"]);
      });
    }
  }
});

describe("a head that could be taken for more than it says", () => {
  const headers: readonly (readonly [what: string, name: string, value: string])[] = [
    ["CR LF in a value", "x", "a\r\nset-cookie: b"],
    ["an empty line in a value", "x", "a\r\n\r\nHTTP/1.1 200 OK"],
    ["a folded line in a value", "x", "a\r\n b"],
    ["LF in a value", "x", "a\nb"],
    ["CR in a value", "x", "a\rb"],
    ["CR at the end of a value", "x", "a\r"],
    ["NUL in a value", "x", "a\0b"],
    ["DEL in a value", "x", "a\x7fb"],
    ["another control character in a value", "x", "a\x1bb"],
    ["a character beyond Latin-1 in a value", "x", "\u0100"],
    ["one whose low byte is LF", "x", "a\u010ab"],
    ["one whose low byte is CR", "x", "a\u020db"],
    ["half of a character", "x", "\ud83d"],
    ["CR LF in a name", "x: a\r\ny", "b"],
    ["LF in a name", "x\ny", "b"],
    ["NUL in a name", "x\0", "b"],
  ];
  for (const [what, name, value] of headers) {
    test(`with ${what} throws, nothing is sent, and another may be written`, async () => {
      const { response, body } = await got((reply) => {
        assert.throws(() => reply.writeHead(200, ["content-length", "999", "x-before", "a", name, value]));
        assert.ok(!reply.headersSent);
        reply.writeHead(502, []);
        reply.end("another");
      });
      assert.deepEqual(
        [response.statusCode, response.headers["content-length"], body.toString()],
        [502, "7", "another"],
      );
      assert.equal(response.headers["x-before"], undefined);
    });
  }

  test("with a name without a value throws", async () => {
    const { response } = await got((reply) => {
      assert.throws(() => reply.writeHead(200, ["x-name"]));
      reply.writeHead(500, []);
      reply.end();
    });
    assert.equal(response.statusCode, 500);
  });

  test("twice throws, and the first stays; before it there is no body", async () => {
    const { response, body } = await got((reply) => {
      assert.throws(() => reply.write(Buffer.from("early")), /begins with its head/);
      assert.throws(() => reply.end("early"), /begins with its head/);
      reply.writeHead(200, []);
      assert.throws(() => reply.writeHead(500, []));
      reply.end("in time");
    });
    assert.deepEqual([response.statusCode, body.toString()], [200, "in time"]);
  });
});

describe("a reply is over", () => {
  test("once, whatever is called after that", async () => {
    const before = over;
    const { body } = await got((reply) => {
      reply.writeHead(200, []);
      reply.end("a");
      reply.end("b");
      assert.equal(reply.write(Buffer.from("c")), true);
      reply.flushHeaders();
      reply.end();
    });
    assert.equal(body.toString(), "a");
    const next = await got((reply) => {
      reply.writeHead(200, []);
      reply.end("d");
    });
    assert.equal(next.body.toString(), "d");
    assert.equal(over, before + 2);
  });

  test("when its last byte was taken, not before", async () => {
    const before = over;
    let large: PlainReply | undefined;
    answer = (reply) => {
      large = reply;
      reply.writeHead(200, []);
      reply.end(Buffer.alloc(30_000_000));
    };
    const { port } = server.address() as AddressInfo;
    const call = request({ port, host: "127.0.0.1", method: "POST", agent, headers: { "content-length": 0 } }).end();
    const [response] = (await once(call, "response", within())) as [IncomingMessage];
    assert.ok(large?.headersSent);
    assert.equal(over, before, "the caller has not read it");
    response.resume();
    await once(response, "end");
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(over, before + 1);
  });

  test("with the connection, if it does not keep that", async () => {
    const { response, body } = await got((reply) => {
      reply.shouldKeepAlive = false;
      reply.writeHead(200, []);
      reply.end("last");
    });
    assert.equal(response.headers["connection"], "close");
    assert.equal(response.headers["keep-alive"], undefined);
    assert.equal(body.toString(), "last");
  });
});

describe("a caller that", () => {
  test("leaves is told of to all who asked, and what is written then goes nowhere", async () => {
    const told: string[] = [];
    const before = over;
    const left = Promise.withResolvers<PlainReply>();
    answer = (reply, socket) => {
      reply.on("close", () => told.push("one"));
      reply.on("close", () => told.push("two"));
      socket.once("close", () => left.resolve(reply));
      reply.writeHead(200, []);
      reply.write(Buffer.from("part"));
    };
    const { port } = server.address() as AddressInfo;
    const call = request({
      port,
      host: "127.0.0.1",
      method: "POST",
      agent: false,
      headers: { "content-length": 0 },
    }).end();
    call.on("error", () => undefined);
    const [response] = (await once(call, "response", within())) as [IncomingMessage];
    response.on("error", () => undefined);
    response.destroy();
    const reply = await left.promise;
    assert.deepEqual(told, ["one", "two"]);
    assert.ok(reply.destroyed);
    reply.write(Buffer.from("more"));
    reply.end("end");
    reply.destroy();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(over, before, "a reply that was lost is not over");
  });

  test("reads slowly has the writer wait, until it has read", async () => {
    let drained = false;
    let refused = false;
    answer = (reply) => {
      reply.writeHead(200, []);
      const part = Buffer.alloc(1_000_000);
      let left = 50;
      const write = (): void => {
        while (left > 0) {
          left -= 1;
          if (reply.write(part)) continue;
          refused = true;
          assert.ok(reply.writableNeedDrain);
          reply.once("drain", () => {
            drained = true;
            write();
          });
          return;
        }
        reply.end();
      };
      write();
    };
    const { port } = server.address() as AddressInfo;
    const call = request({ port, host: "127.0.0.1", method: "POST", agent, headers: { "content-length": 0 } }).end();
    const [response] = (await once(call, "response", within())) as [IncomingMessage];
    let size = 0;
    for await (const chunk of response) size += (chunk as Buffer).length;
    assert.deepEqual([size, refused, drained], [50_000_000, true, true]);
  });

  test("is cut off by `destroy` gets what was written, and no end", async () => {
    answer = (reply) => {
      reply.writeHead(200, []);
      reply.write(Buffer.from("part"));
      setTimeout(() => reply.destroy(), 20);
    };
    const { port } = server.address() as AddressInfo;
    const call = request({
      port,
      host: "127.0.0.1",
      method: "POST",
      agent: false,
      headers: { "content-length": 0 },
    }).end();
    const [response] = (await once(call, "response", within())) as [IncomingMessage];
    let body = "";
    await assert.rejects(async () => {
      for await (const chunk of response) body += String(chunk);
    });
    assert.deepEqual([body, response.complete], ["part", false]);
  });
});

describe("with many replies under way, what is written in one turn", () => {
  before(() => {
    for (let count = 0; count < 10; count += 1) writes.began();
    assert.ok(writes.gathers);
  });
  after(() => {
    writes = new TurnWrites();
  });

  test("goes out at its end, in order, with large parts among small ones", async () => {
    const parts = [1, 20_000, 5, 100, 70_000, 3, 3].map(ofSize);
    const { body } = await got((reply, socket) => {
      const sent = socket.bytesWritten;
      reply.writeHead(200, []);
      reply.write(Buffer.from("small"));
      assert.equal(socket.bytesWritten + socket.writableLength, sent, "nothing yet");
      for (const part of parts) reply.write(part);
      setImmediate(() => {
        for (const part of parts) reply.write(part);
        reply.end("end");
      });
    });
    assert.ok(body.equals(Buffer.concat([Buffer.from("small"), ...parts, ...parts, Buffer.from("end")])));
  });

  test("may be the whole reply, which is over when it went out", async () => {
    const before = over;
    const { body } = await got((reply) => {
      reply.writeHead(200, []);
      reply.end("whole");
      assert.equal(over, before);
      reply.end("more");
    });
    assert.deepEqual([body.toString(), over], ["whole", before + 1]);
  });

  test("is sent before a cut that follows in the same turn", async () => {
    answer = (reply) => {
      reply.writeHead(200, []);
      reply.write(Buffer.from("part"));
      reply.destroy();
    };
    const { port } = server.address() as AddressInfo;
    const options = { port, host: "127.0.0.1", method: "POST", agent: false, headers: { "content-length": 0 } };
    const [response] = (await once(request(options).end(), "response", within())) as [IncomingMessage];
    let body = "";
    await assert.rejects(async () => {
      for await (const chunk of response) body += String(chunk);
    });
    assert.equal(body, "part");
  });

  test("is forgotten if the caller is gone by then", async () => {
    const before = over;
    const done = Promise.withResolvers<void>();
    answer = (reply, socket) => {
      socket.destroy();
      reply.writeHead(200, []);
      reply.end("to nobody");
      socket.once("close", () => setImmediate(done.resolve));
    };
    const { port } = server.address() as AddressInfo;
    const options = { port, host: "127.0.0.1", method: "POST", agent: false, headers: { "content-length": 0 } };
    const call = request(options).end();
    await assert.rejects(once(call, "response", within()));
    await done.promise;
    assert.ok(over <= before + 1);
  });
});
