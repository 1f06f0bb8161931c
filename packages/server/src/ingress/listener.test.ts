import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { rawConnection } from "../../test/support/raw-connection.ts";
import { get, open, post, told } from "./test-parts.ts";

describe("a caller that asks before it sends its body", () => {
  test("is asked for it by whoever reads it", async () => {
    const connection = await rawConnection((await open()).port);
    connection.socket.write(post("/", "Content-Length: 3", "Expect: 100-continue"));
    assert.deepEqual(await told(connection, 1), ["100"]);
    connection.socket.write("abc");
    assert.deepEqual(await told(connection, 2), ["100", "200 3 bytes"]);
    connection.socket.write(get());
    assert.deepEqual((await told(connection, 3)).at(-1), "200 0 bytes", "the connection is good for more");
    connection.socket.destroy();
  });

  test("is not asked for what is refused by its head, or by its size; and the connection is closed", async () => {
    const { port } = await open();
    const cases = [
      [post("/refused", "Content-Length: 3", "Expect: 100-continue"), "401 no"],
      [post("/", "Content-Length: 2000000", "Expect: 100-continue"), "413 body_too_large"],
      [post("/..", "Content-Length: 3", "Expect: 100-continue"), "400 invalid_request"],
      [post("/", "Content-Length: 3", "Expect: gifts"), "417 expectation_failed"],
    ] as const;
    for (const [text, answer] of cases) {
      const connection = await rawConnection(port);
      connection.socket.write(text);
      await connection.until(() => false);
      assert.deepEqual(await told(connection, 1), [answer]);
      assert.ok(connection.ended);
      connection.socket.destroy();
    }
  });
});

describe("more connections than there may be", () => {
  const turnedAway = /^503 .*too_many_connections/;

  test("from one address are turned away, and nobody else is", async () => {
    const { port } = await open({ maxConnectionsPerAddress: 2 });
    const [one, two] = await Promise.all([rawConnection(port), rawConnection(port)]);
    const third = await rawConnection(port);
    assert.match((await told(third, 1))[0] ?? "", turnedAway);
    await third.until(() => false);
    assert.ok(third.ended);
    const other = await rawConnection(port, { localAddress: "127.0.0.2" });
    other.socket.write(get());
    assert.deepEqual(await told(other, 1), ["200 0 bytes"]);
    one.socket.destroy();
    await once(one.socket, "close");
    two.socket.write(get());
    await told(two, 1); // by then the listener has seen the first one close
    const again = await rawConnection(port);
    again.socket.write(get());
    assert.deepEqual(await told(again, 1), ["200 0 bytes"]);
    for (const { socket } of [two, third, other, again]) socket.destroy();
  });

  test("in all are turned away", async () => {
    const { port } = await open({ maxConnections: 2 });
    const kept = await Promise.all([rawConnection(port), rawConnection(port, { localAddress: "127.0.0.2" })]);
    const third = await rawConnection(port, { localAddress: "127.0.0.3" });
    assert.match((await told(third, 1))[0] ?? "", turnedAway);
    for (const { socket } of [...kept, third]) socket.destroy();
  });
});

describe("bytes that are no request", () => {
  test("behind a request whose reply is under way do not get into that reply", async () => {
    const begun = Promise.withResolvers<void>();
    const { port } = await open({}, (request, response) => {
      request.resume();
      response.writeHead(200, { "content-length": 10 });
      response.write("12345", () => begun.resolve());
      return true;
    });
    const connection = await rawConnection(port);
    connection.socket.write(get());
    await begun.promise;
    connection.socket.write("garbage\r\n\r\n");
    const { replies, rest } = await connection.until(() => false);
    assert.ok(connection.ended);
    assert.deepEqual(replies, []);
    assert.match(rest.toString(), /\r\n\r\n12345$/);
    connection.socket.destroy();
  });

  test("behind a request that is not answered yet are not answered in its place", async () => {
    const { port } = await open({}, (request) => {
      request.resume();
      return true;
    });
    const connection = await rawConnection(port);
    connection.socket.write(`${get()}garbage\r\n\r\n`);
    assert.deepEqual(await told(connection, 1), []);
    assert.ok(connection.ended);
    connection.socket.destroy();
  });

  test("in a body are answered for that request, in its dialect", async () => {
    const connection = await rawConnection((await open()).port);
    connection.socket.write(`${post("/", "Transfer-Encoding: chunked")}zz\r\n`);
    assert.deepEqual(await told(connection, 1), ["400 invalid_request"]);
    await connection.until(() => false);
    assert.ok(connection.ended);
    connection.socket.destroy();
  });
});
