import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { rawConnection } from "../../../test/support/raw-connection.ts";
import { get } from "../test-parts.ts";
import { connected, dripped, openGate, post, replies, said } from "./test-parts.ts";

describe("on one connection", () => {
  test("plain requests are answered one after the other, with the same head and with another", async () => {
    const { port, answered } = await openGate();
    await connected(port, async (connection) => {
      const sent = [
        post("/a", "1"),
        post("/a", "22"),
        post("/a", ""),
        post("/b?c", "1"),
        post("/b?c", "x".repeat(60_000)),
      ];
      for (const [index, bytes] of sent.entries()) {
        connection.socket.write(bytes);
        await replies(connection, index + 1);
      }
      const expected = ["lane /a 1", "lane /a 22", "lane /a ", "lane /b?c 1", `lane /b?c ${"x".repeat(60_000)}`];
      assert.deepEqual(
        await replies(connection, 5),
        expected.map((text) => `200 ${text}`),
      );
    });
    assert.equal(answered.length, 5);
  });

  test("a body may come in pieces, wherever they are cut, and is answered once", async () => {
    const { port, answered } = await openGate();
    const bytes = post("/a", "twelve bytes");
    for (let cut = 1; cut < bytes.length; cut += 1) {
      await connected(port, async (connection) => {
        connection.socket.write(post("/a", "before"));
        await replies(connection, 1);
        connection.socket.write(bytes.slice(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
        connection.socket.write(bytes.slice(cut));
        const [, second = ""] = await replies(connection, 2);
        assert.match(second, /^200 (?:lane|node) \/a twelve bytes$/, `cut at ${cut}`);
      });
    }
    assert.equal(answered.length, 2 * (bytes.length - 1));
  });

  test("a request may come byte by byte, and so may its body alone", async () => {
    const { port } = await openGate();
    await connected(port, async (connection) => {
      await dripped(connection.socket, post("/a", "1234567890"));
      assert.match((await replies(connection, 1))[0] ?? "", /^200 (?:lane|node) \/a 1234567890$/);
    });
    await connected(port, async (connection) => {
      const bytes = post("/a", "1234567890");
      connection.socket.write(bytes.slice(0, -10));
      await dripped(connection.socket, bytes.slice(-10));
      assert.match((await replies(connection, 1))[0] ?? "", /^200 (?:lane|node) \/a 1234567890$/);
    });
  });

  test("requests that are sent ahead are answered in order, each once, though the first takes longest", async () => {
    const { port, answered, waiting } = await openGate();
    await connected(port, async (connection) => {
      const paths = ["/later", "/a", "/b", "/a", "/a"];
      connection.socket.write(paths.map((path, index) => post(path, `body ${index}`)).join(""));
      const { end } = await waiting("/later");
      assert.deepEqual(answered, ["lane /later"], "none before its turn");
      end();
      assert.deepEqual(
        await replies(connection, 5),
        paths.map((path, index) => `200 lane ${path} body ${index}`),
      );
      assert.equal(answered.length, 5);
      connection.socket.write(post("/a", "next"));
      assert.equal((await replies(connection, 6)).at(-1), "200 lane /a next");
    });
  });

  test("requests that are sent ahead in pieces are answered in order, each once", async () => {
    const { port, answered } = await openGate();
    const bytes = Array.from({ length: 6 }, (_, index) => post("/a", `body ${index}`)).join("");
    for (const size of [7, 50, 64, 65, 90, 150]) {
      answered.length = 0;
      await connected(port, async (connection) => {
        await dripped(connection.socket, bytes, size);
        const got = (await replies(connection, 6)).map((text) => text.replace(/lane|node/, "by"));
        assert.deepEqual(
          got,
          Array.from({ length: 6 }, (_, index) => `200 by /a body ${index}`),
        );
        assert.equal(answered.length, 6);
      });
    }
  });

  const odd: readonly (readonly [what: string, bytes: string, reply: string])[] = [
    ["another method", get("/x"), "200 node /x "],
    ["a path that is not for lanes", post("/node", "abc"), "200 node /node abc"],
    [
      "a body in chunks",
      "POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
      "200 node /x abc",
    ],
    ["a request of ten megabytes", post("/x", "x".repeat(10_000_000)), `200 node /x ${"x".repeat(10_000_000)}`],
    ["an empty line before it", `\r\n${post("/x", "abc")}`, "200 node /x abc"],
    ["the method in two pieces", `${post("/x", "abc")}`, "200 node /x abc"],
  ];
  for (const [what, bytes, reply] of odd) {
    test(`${what} is Node's to answer, behind plain ones and before them, and so is what follows`, async () => {
      const { port, answered } = await openGate();
      await connected(port, async (connection) => {
        connection.socket.write(post("/a", "1"));
        await replies(connection, 1);
        if (what.endsWith("pieces")) await dripped(connection.socket, bytes.slice(0, 2));
        connection.socket.write(what.endsWith("pieces") ? bytes.slice(2) : bytes);
        await replies(connection, 2);
        connection.socket.write(post("/a", "2") + post("/a", "3"));
        assert.deepEqual(await replies(connection, 4), ["200 lane /a 1", reply, "200 node /a 2", "200 node /a 3"]);
      });
      assert.equal(answered.length, 4);
    });

    test(`${what} is answered in its place if all is sent ahead`, async () => {
      const { port, answered, waiting } = await openGate();
      await connected(port, async (connection) => {
        connection.socket.write(post("/later", "1") + bytes + post("/a", "2"));
        const { end } = await waiting("/later");
        assert.equal(answered.length, 1);
        end();
        const got = await replies(connection, 3);
        const expected = ["200 lane /later 1", reply, "200 node /a 2"];
        if (!what.endsWith("pieces")) assert.deepEqual(got, expected);
        assert.equal(answered.length, 3);
      });
    });
  }

  test("requests that are sent ahead by the hundred wait with their caller, and are answered in order", async () => {
    const { port, answered, waiting } = await openGate();
    await connected(port, async (connection) => {
      connection.socket.write(post("/later", "1"));
      const { end } = await waiting("/later");
      const count = 400;
      const bytes = Array.from({ length: count }, (_, index) => post("/a", `${index} ${"x".repeat(9_000)}`)).join("");
      await dripped(connection.socket, bytes, 100_000);
      end();
      const got = await replies(connection, count + 1, 20_000);
      assert.deepEqual(
        got.slice(1).map((text) => text.slice(0, text.indexOf(" ", 12)).replace(/lane|node/, "by")),
        Array.from({ length: count }, (_, index) => `200 by /a ${index}`),
      );
      assert.equal(answered.length, count + 1);
    });
  });

  test("a length that says more than is sent leaves the request unanswered, whatever the bytes look like", async () => {
    const { port, answered } = await openGate();
    await connected(port, async (connection) => {
      connection.socket.write(post("/a", "1"));
      await replies(connection, 1);
      const inside = post("/inside", "2");
      connection.socket.write(
        `POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${inside.length + 1}\r\n\r\n${inside}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 30));
      assert.deepEqual(answered, ["lane /a"]);
      connection.socket.write("!");
      assert.match((await replies(connection, 2))[1] ?? "", /^200 (?:lane|node) \/a POST \/inside[^]*2!$/);
    });
  });
});

describe("the rules for heads are in force", () => {
  const host = (name: string): string => `POST /a HTTP/1.1\r\nHost: ${name}\r\nContent-Length: 0\r\n\r\n`;
  const origin = (from: string): string => post("/a", "", `Origin: ${from}`);

  test("on a connection that is open: a refused head is not answered by a plane", async () => {
    for (const [bytes, refusal] of [
      [host("evil.example"), "403 host_not_allowed"],
      [origin("https://evil.example"), "403 origin_not_allowed"],
      [post("/../a"), "400 invalid_request"],
      [post("/a", "", "Host: localhost"), "400 invalid_request"],
      [post("/a", "", "Content-Encoding: gzip"), "415 content_encoding_unsupported"],
      ["POST /a HTTP/1.1\r\nContent-Length: 0\r\n\r\n", "400 invalid_request"],
    ] as const) {
      const { port, answered } = await openGate();
      await connected(port, async (connection) => {
        connection.socket.write(post("/a", "1"));
        await replies(connection, 1);
        connection.socket.write(bytes);
        const [, second] = await replies(connection, 2);
        assert.equal(second, refusal);
        assert.deepEqual(answered, ["lane /a"]);
      });
    }
  });

  test("as to how many headers there may be, the length counted", async () => {
    const { port, answered } = await openGate();
    const withHeaders = (count: number): string =>
      post("/a", "", ...Array.from({ length: count - 2 }, (_, index) => `X-${index}: y`));
    await connected(port, async (connection) => {
      connection.socket.write(withHeaders(128));
      assert.deepEqual(await replies(connection, 1), ["200 lane /a "]);
      connection.socket.write(withHeaders(129));
      assert.deepEqual((await replies(connection, 2))[1], "431 head_too_large");
    });
    assert.deepEqual(answered, ["lane /a"]);
  });

  test("when they change: a head that was in order is looked at again, and one that was not", async () => {
    for (const change of [{ hosts: new Set<string>() }, { origins: new Set<string>() }]) {
      const { port, rules, answered } = await openGate();
      const bytes = post("/a").replace("localhost", "gate.example\r\nOrigin: https://app.example");
      Object.assign(rules, { hosts: new Set(["gate.example"]), origins: new Set(["https://app.example"]) });
      await connected(port, async (connection) => {
        connection.socket.write(bytes);
        assert.deepEqual(await replies(connection, 1), ["200 lane /a "]);
        connection.socket.write(bytes);
        assert.deepEqual((await replies(connection, 2))[1], "200 lane /a ");
        Object.assign(rules, change);
        connection.socket.write(bytes);
        assert.match((await replies(connection, 3))[2] ?? "", /^403 (?:host|origin)_not_allowed$/);
      });
      assert.deepEqual(answered, ["lane /a", "lane /a"]);
    }
  });

  test("when they change to others that allow the same", async () => {
    const { port, rules } = await openGate();
    await connected(port, async (connection) => {
      for (let turn = 0; turn < 3; turn += 1) {
        connection.socket.write(post("/a", String(turn)));
        assert.equal((await replies(connection, turn + 1))[turn], `200 lane /a ${turn}`);
        Object.assign(rules, { hosts: new Set(), origins: new Set() });
      }
    });
  });
});

describe("a caller that leaves", () => {
  test("in the middle of a body hears of it where it still listens, and its request does not exist", async () => {
    const { port, answered, listener } = await openGate();
    for (const way of ["destroy", "resetAndDestroy", "end"] as const) {
      const connection = await rawConnection(port);
      connection.socket.write(post("/a", "0123456789").slice(0, -5));
      await new Promise((resolve) => setTimeout(resolve, 20));
      connection.socket[way]();
      await connection.until(() => false, 500);
      assert.ok(connection.ended, way);
      assert.deepEqual(
        connection.replies().replies.map(({ status }) => status),
        way === "end" ? [400] : [],
        way,
      );
      connection.socket.destroy();
    }
    assert.deepEqual(answered, []);
    await listener.close();
  });

  test("before its reply, or in the middle of it, is told of, and the connection is free again", async () => {
    const { port, waiting } = await openGate({ maxConnections: 1 });
    for (const [index, way] of (["destroy", "resetAndDestroy", "end"] as const).entries()) {
      for (const part of ["none", "part"] as const) {
        const path = `/later-${index}-${part}`;
        const connection = await rawConnection(port);
        connection.socket.write(post(path));
        const { reply, left } = await waiting(path);
        if (part === "part") {
          reply.writeHead(200, []);
          reply.write(Buffer.from("part"));
          await connection.until(({ rest }) => rest.includes("part"));
        }
        connection.socket[way]();
        await left;
        assert.ok(reply.destroyed);
        reply.end("too late");
        await connection.until(() => false, 500);
        connection.socket.destroy();
      }
    }
    await connected(port, async (connection) => {
      connection.socket.write(post("/a"));
      assert.deepEqual(await replies(connection, 1), ["200 lane /a "]);
    });
  });

  test("is told of though it has sent more requests ahead", async () => {
    const { port, waiting, answered } = await openGate();
    for (const [index, way] of (["destroy", "resetAndDestroy", "end"] as const).entries()) {
      const path = `/later-${index}`;
      const connection = await rawConnection(port);
      connection.socket.setNoDelay(true);
      connection.socket.write(post(path) + post("/a"));
      const { left } = await waiting(path);
      await dripped(connection.socket, post("/a").repeat(3), post("/a").length);
      connection.socket[way]();
      await left;
      await connection.until(() => false, 500);
      connection.socket.destroy();
    }
    assert.deepEqual(answered, ["lane /later-0", "lane /later-1", "lane /later-2"]);
  });

  test("only half, before its reply, is treated as Node treats it", async () => {
    const { port, waiting } = await openGate();
    const connection = await rawConnection(port);
    connection.socket.end(post("/later", "1"));
    const { left } = await waiting("/later");
    await left;
    await connection.until(() => false);
    assert.deepEqual([connection.ended, connection.replies().replies.length], [true, 0]);
    connection.socket.destroy();
  });

  test("only half, behind its reply, has its connection closed", async () => {
    const { port } = await openGate();
    const connection = await rawConnection(port);
    connection.socket.write(post("/a", "1"));
    await replies(connection, 1);
    connection.socket.end();
    await connection.until(() => false);
    assert.ok(connection.ended);
    assert.deepEqual(await replies(connection, 1), ["200 lane /a 1"]);
    connection.socket.destroy();
  });
});

describe("a connection that a reply is the last of", () => {
  test("is closed behind it, and what was sent ahead is no request", async () => {
    const { port, answered } = await openGate();
    for (const behind of ["", post("/a", "2"), get("/x"), "garbage"]) {
      await connected(port, async (connection) => {
        connection.socket.write(post("/last", "1") + behind);
        await connection.until(() => false);
        assert.ok(connection.ended);
        assert.deepEqual((await replies(connection, 1))[0] ?? "200 lane /last 1", "200 lane /last 1");
      });
    }
    assert.deepEqual(answered, Array(4).fill("lane /last"));
  });

  test("takes no request that comes until it is closed", async () => {
    const { port, answered } = await openGate();
    await connected(port, async (connection) => {
      const first = post("/last", "1");
      // As large as what is read at once, so that the second is read right after the first was answered.
      const padded = post("/last", "x".repeat(64 * 1024 - post("/last", "x".repeat(10_000)).length + 10_000));
      assert.equal(padded.length, 64 * 1024);
      connection.socket.write(padded + post("/a", "2"));
      connection.socket.write(first);
      await connection.until(() => false);
    });
    assert.deepEqual(answered, ["lane /last"]);
  });
});

describe("a listener that", () => {
  test("has as many connections as it may have turns others away, lanes counted", async () => {
    const { port } = await openGate({ maxConnections: 2 });
    const [one, two] = await Promise.all([rawConnection(port), rawConnection(port)]);
    one.socket.write(post("/a"));
    await replies(one, 1);
    const third = await rawConnection(port);
    assert.match((await replies(third, 1))[0] ?? "", /^503 .*too_many_connections/);
    one.socket.destroy();
    await once(one.socket, "close");
    two.socket.write(post("/a"));
    await replies(two, 1);
    const fourth = await rawConnection(port);
    fourth.socket.write(post("/a", "4"));
    assert.deepEqual(await replies(fourth, 1), ["200 lane /a 4"]);
    for (const { socket } of [two, third, fourth]) socket.destroy();
  });

  test("is about to leave answers as before, and closes each connection behind its next reply", async () => {
    const { port, listener, waiting } = await openGate();
    const [idle, busy, fresh] = await Promise.all([rawConnection(port), rawConnection(port), rawConnection(port)]);
    idle.socket.write(post("/a", "1"));
    await replies(idle, 1);
    busy.socket.write(post("/later", "1"));
    const { end } = await waiting("/later");
    listener.leave();
    end();
    assert.deepEqual(await replies(busy, 1), ["200 lane /later 1"]);
    for (const [connection, count] of [
      [idle, 2],
      [busy, 2],
      [fresh, 1],
    ] as const) {
      connection.socket.write(post("/a", "2"));
      assert.equal((await replies(connection, count)).at(-1), "200 node /a 2");
      assert.equal(connection.replies().replies.at(-1)?.headers["connection"], "close");
      await connection.until(() => false);
      assert.ok(connection.ended);
      connection.socket.destroy();
    }
  });

  test("is closed lets replies under way end, refuses what comes then, and cuts those who only wait", async () => {
    const { port, listener, waiting } = await openGate();
    const [idle, asking, busy, fresh] = await Promise.all([1, 2, 3, 4].map(() => rawConnection(port)));
    assert.ok(idle !== undefined && asking !== undefined && busy !== undefined && fresh !== undefined);
    for (const connection of [idle, asking]) {
      connection.socket.write(post("/a", "1"));
      await replies(connection, 1);
    }
    busy.socket.write(post("/later", "1"));
    const { end } = await waiting("/later");
    let closed = false;
    const closing = listener.close({ drainMs: 20_000 }).then(() => (closed = true));
    asking.socket.write(post("/a", "2"));
    assert.equal((await replies(asking, 2))[1], "503 draining");
    assert.ok(!closed);
    end();
    assert.deepEqual(await replies(busy, 1), ["200 lane /later 1"]);
    await closing;
    for (const connection of [idle, asking, busy, fresh]) {
      await connection.until(() => false);
      assert.ok(connection.ended);
      connection.socket.destroy();
    }
  });

  test("is closed does not answer what was sent ahead", async () => {
    const { port, listener, waiting, answered } = await openGate();
    const connection = await rawConnection(port);
    connection.socket.write(post("/later", "1") + post("/a", "2"));
    const { end } = await waiting("/later");
    const closing = listener.close({ drainMs: 20_000 });
    end();
    await closing;
    await connection.until(() => false);
    const [first, second] = connection.replies().replies.map(said);
    assert.equal(first, "200 lane /later 1");
    assert.equal(second ?? "503 draining", "503 draining");
    assert.deepEqual(answered, ["lane /later"]);
    connection.socket.destroy();
  });
});
