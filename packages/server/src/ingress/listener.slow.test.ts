import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { rawConnection } from "../../test/support/raw-connection.ts";
import { answerSize, get, open, post, told } from "./test-parts.ts";

describe("a caller that takes its time", () => {
  const headTimeout = JSON.stringify({
    error: {
      message: "the request head did not arrive in time",
      type: "invalid_request_error",
      param: null,
      code: "head_timeout",
    },
  });

  test("with a head is told so and cut", async () => {
    const { port } = await open();
    const [silent, dripping, second] = await Promise.all([
      rawConnection(port),
      rawConnection(port),
      rawConnection(port),
    ]);
    second.socket.write(get());
    await told(second, 1);
    const drip = setInterval(() => {
      dripping.socket.write("x");
      second.socket.write("x");
    }, 100);
    assert.deepEqual(await told(silent, 1, 4_000), [`408 ${headTimeout}`]);
    await Promise.all([silent, dripping, second].map(({ until }) => until(() => false, 4_000)));
    clearInterval(drip);
    for (const { ended, socket } of [silent, dripping, second]) {
      assert.ok(ended);
      socket.destroy();
    }
  });

  test("with a body, byte by byte, is refused; one that keeps the pace is not", async () => {
    const { port } = await open({}, answerSize(10));
    const [slow, steady] = await Promise.all([rawConnection(port), rawConnection(port)]);
    for (const { socket } of [slow, steady]) socket.write(post("/", "Content-Length: 200"));
    const drip = setInterval(() => {
      slow.socket.write("x");
      steady.socket.write("x".repeat(20));
    }, 500);
    assert.deepEqual(await told(slow, 1, 8_000), ["408 body_too_slow"]);
    assert.deepEqual(await told(steady, 1, 3_000), ["200 200 bytes"]);
    clearInterval(drip);
    for (const { socket } of [slow, steady]) socket.destroy();
  });

  test("over what it was sent is cut, and one that only waits for its reply is not", async () => {
    const waiting = Promise.withResolvers<void>();
    const { port } = await open({}, (request, response, path) => {
      if (path === "/large") response.end(Buffer.alloc(50_000_000));
      else void waiting.promise.then(() => response.end("at last"));
      void once(response, "close").then(() => path === "/large" && waiting.resolve());
      request.resume();
      return true;
    });
    const [unread, patient] = await Promise.all([rawConnection(port), rawConnection(port)]);
    unread.socket.pause();
    unread.socket.write(get("/large"));
    patient.socket.write(get("/later"));
    await told(patient, 1, 8_000);
    assert.deepEqual(await told(patient, 1), ["200 at last"], "told when the other was cut");
    for (const { socket } of [unread, patient]) socket.destroy();
  });

  test("between two requests loses its connection when its time is over", async () => {
    const connection = await rawConnection((await open({ keepAliveMs: 50 })).port);
    connection.socket.write(get());
    assert.deepEqual(await told(connection, 1), ["200 0 bytes"]);
    await connection.until(() => false, 4_000);
    assert.ok(connection.ended);
    connection.socket.destroy();
  });
});
