import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { rawConnection, type RawConnection } from "../../../test/support/raw-connection.ts";
import { open } from "../test-parts.ts";
import { connected, openGate, post, replies } from "./test-parts.ts";

async function endedAfter(connection: RawConnection, since: number): Promise<number> {
  await connection.until(() => false, 8_000);
  assert.ok(connection.ended);
  return performance.now() - since;
}

describe("a caller that takes its time", () => {
  test("with the first byte is told so and cut, not before its time, as one without a lane is", async () => {
    const [{ port }, other] = [await openGate(), await open()];
    const since = performance.now();
    const answers = await Promise.all(
      [port, other.port].map(async (each) => {
        const connection = await rawConnection(each);
        const [answer] = await replies(connection, 1, 6_000);
        assert.ok(performance.now() - since >= 990, "not before");
        const {
          replies: [reply],
        } = connection.replies();
        await endedAfter(connection, since);
        connection.socket.destroy();
        return [answer, reply?.headers];
      }),
    );
    assert.match(String(answers[0]?.[0]), /^408 .*head_timeout/);
    assert.deepEqual(answers[0], answers[1]);
  });

  test("with the rest of a head is told so and cut, whatever came on the connection before", async () => {
    const { port } = await openGate();
    for (const first of ["", post("/a", "1")]) {
      await connected(port, async (connection) => {
        const before = first === "" ? 0 : 1;
        connection.socket.write(first);
        await replies(connection, before);
        connection.socket.write(post("/a", "2").slice(0, 30));
        const got = await replies(connection, before + 1, 6_000);
        assert.match(got[before] ?? "", /^408 .*head_timeout/);
        await endedAfter(connection, 0);
      });
    }
  });

  test("with the rest of a body is Node's to wait for, and its request is answered once", async () => {
    const { port, answered } = await openGate();
    await connected(port, async (connection) => {
      const bytes = post("/a", "0123456789");
      connection.socket.write(post("/a", "1"));
      await replies(connection, 1);
      connection.socket.write(bytes.slice(0, -5));
      await wait(1_200);
      assert.deepEqual(answered, ["lane /a", "node /a"], "begun there");
      connection.socket.write(bytes.slice(-5));
      assert.deepEqual(await replies(connection, 2), ["200 lane /a 1", "200 node /a 0123456789"]);
    });
    assert.equal(answered.length, 2);
  });

  test("between two requests loses its connection when its time is over, not before", async () => {
    const { port, listener } = await openGate({ keepAliveMs: 700, headTimeoutMs: 100_000 });
    const idle = async (): Promise<number> => {
      const connection = await rawConnection(port);
      connection.socket.write(post("/a", "1"));
      await replies(connection, 1);
      const since = performance.now();
      const passed = await endedAfter(connection, since);
      connection.socket.destroy();
      return passed;
    };
    assert.ok((await idle()) >= 700);
    listener.adopt({ keepAliveMs: 1_600, headTimeoutMs: 100_000, bodyTimeoutMs: 100_000 });
    assert.ok((await idle()) >= 1_600, "with the time that is in force now");
  });

  test("over what it was sent is cut, and is told of; one that waits for its reply is not, nor one that reads slowly", async () => {
    const { port, waiting, answered } = await openGate({
      writeTimeoutMs: 1_000,
      keepAliveMs: 500,
      headTimeoutMs: 1_000,
    });
    const [unread, patient, slow] = await Promise.all([rawConnection(port), rawConnection(port), rawConnection(port)]);
    unread.socket.pause();
    unread.socket.write(post("/later-large"));
    patient.socket.write(post("/later-patient"));
    const [large, later] = [await waiting("/later-large"), await waiting("/later-patient")];
    large.reply.writeHead(200, []);
    large.reply.end(Buffer.alloc(50_000_000));
    let size = 0;
    slow.socket.removeAllListeners("data").on("data", (chunk: Buffer) => {
      size += chunk.length;
      slow.socket.pause();
      setTimeout(() => slow.socket.resume(), 4);
    });
    slow.socket.write(post("/large"));
    const read = once(slow.socket, "end");
    await large.left;
    await wait(1_500);
    later.end();
    assert.deepEqual(await replies(patient, 1), ["200 lane /later-patient "]);
    await read;
    assert.ok(size > 50_000_000, "all of it, over a time in which another was cut");
    assert.ok(answered.includes("lane /large"));
    for (const { socket } of [unread, patient, slow]) socket.destroy();
  });
});

describe("a listener that", () => {
  test("is closed cuts what is not over in time, with the words that were put in before", async () => {
    const { port, listener, waiting } = await openGate();
    const [silent, talking] = await Promise.all([rawConnection(port), rawConnection(port)]);
    silent.socket.write(post("/later-silent"));
    talking.socket.write(post("/later-talking"));
    const [first, second] = [await waiting("/later-silent"), await waiting("/later-talking")];
    second.reply.writeHead(200, []);
    second.reply.write(Buffer.from("half, "));
    await listener.close({ drainMs: 20, beforeCut: () => second.reply.end("and cut") });
    await first.left;
    assert.deepEqual(await replies(talking, 1), ["200 half, and cut"]);
    await silent.until(() => false);
    assert.deepEqual([silent.ended, silent.replies().replies.length], [true, 0]);
    for (const { socket } of [silent, talking]) socket.destroy();
  });
});
