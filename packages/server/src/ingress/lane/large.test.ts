import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { readBody } from "../body.ts";
import { connected, dripped, openGate, post, replies } from "./test-parts.ts";

/* Requests larger than what is held until it has come whole: they are answered for as soon as their head has come. */

const body = (sizeBytes: number): string => "0123456789abcdef".repeat(sizeBytes / 16);
const large = body(640_000);
/** What two sockets can hold between them, several times over. */
const endless = 9_000_000;

describe("a large request", () => {
  test("is answered in its turn with every byte of it, and so is what was sent ahead behind it", async () => {
    const { port, answered } = await openGate();
    await connected(port, async (connection) => {
      const paths = ["/a", "/big", "/b", "/big", "/big", "/c"];
      const bodies = paths.map((path, index) => (path === "/big" ? large + String(index) : String(index)));
      connection.socket.write(paths.map((path, index) => post(path, bodies[index])).join(""));
      assert.deepEqual(
        await replies(connection, paths.length, 10_000),
        paths.map((path, index) => `200 lane ${path} ${bodies[index]}`),
      );
      assert.equal(answered.length, paths.length);
    });
  });

  test("is the same wherever it is cut, and the request behind it begins where it ends", async () => {
    const { port } = await openGate();
    const first = post("/big", body(80_000));
    const bytes = first + post("/a", "behind");
    const headSize = first.length - 80_000;
    const cuts = [headSize - 1, headSize, headSize + 1, headSize + 65_536, first.length - 1, first.length];
    for (const cut of [...cuts, first.length + 1, first.length + 40]) {
      await connected(port, async (connection) => {
        connection.socket.write(bytes.slice(0, cut));
        await wait(5);
        connection.socket.write(bytes.slice(cut));
        const got = (await replies(connection, 2)).map((text) => text.replace(/ node /, " lane "));
        assert.deepEqual(got, [`200 lane /big ${body(80_000)}`, "200 lane /a behind"], `cut at ${cut}`);
      });
    }
  });

  test("may come in a thousand pieces", async () => {
    const { port } = await openGate();
    await connected(port, async (connection) => {
      await dripped(connection.socket, post("/big", large), 700);
      assert.deepEqual(await replies(connection, 1), [`200 lane /big ${large}`]);
    });
  });

  test("of 64 KiB with its head is waited for, and one that is larger by a byte is answered for at once", async () => {
    const { port, answered } = await openGate();
    const frame = post("/a", "x".repeat(60_000)).length - 60_000;
    for (const [sizeBytes, begun] of [
      [64 * 1024, 0],
      [64 * 1024 + 1, 1],
    ] as const) {
      answered.length = 0;
      await connected(port, async (connection) => {
        const bytes = post("/a", "x".repeat(sizeBytes - frame));
        connection.socket.write(bytes.slice(0, -1));
        await wait(50);
        assert.equal(answered.length, begun);
        connection.socket.write(bytes.slice(-1));
        assert.match((await replies(connection, 1))[0] ?? "", /^200 lane/);
      });
    }
  });
});

describe("the body of a large request that nobody reads", () => {
  test("stays with its caller, but for what the sockets hold", async () => {
    const { port, waiting } = await openGate();
    await connected(port, async (connection) => {
      const { socket } = connection;
      socket.write(post("/unread", "x".repeat(endless)));
      const { request, end } = await waiting("/unread");
      await wait(300);
      assert.ok(request.coming);
      assert.ok(request.coming.missing > endless - 200_000, `${request.coming.missing} bytes have not come`);
      assert.ok(socket.writableLength > 0);
      end();
      assert.deepEqual(await replies(connection, 1), ["400 unread"]);
    });
  });

  test("does not keep its caller from seeing the refusal, and nothing of it is taken for a request", async () => {
    const { port, answered } = await openGate();
    const inside = post("/inside", "1");
    await connected(port, async (connection) => {
      connection.socket.write(post("/refused", inside.repeat(Math.floor(3_000_000 / inside.length))) + inside);
      assert.deepEqual(await replies(connection, 1), ["400 unread"]);
      const [reply] = connection.replies().replies;
      assert.equal(reply?.headers["connection"], "close");
      await connection.until(() => false, 4_000);
      assert.ok(connection.ended);
      assert.equal(connection.replies().replies.length, 1);
    });
    assert.deepEqual(answered, ["lane /refused"]);
  });

  test("does not keep the connection open for a caller that goes on for ever", async () => {
    const { port } = await openGate();
    await connected(port, async (connection) => {
      const { socket } = connection;
      socket.write(post("/refused", "x".repeat(endless)).slice(0, 100_000));
      await replies(connection, 1);
      const closed = new Promise<number>((resolve) => socket.once("close", () => resolve(performance.now())));
      const since = performance.now();
      const dripping = setInterval(() => socket.write("x"), 50);
      const tookMs = (await closed) - since;
      clearInterval(dripping);
      assert.ok(tookMs < 4_000, `${tookMs} ms`);
    });
  });
});

describe("a large request whose body does not come whole", () => {
  const begun = post("/big", large).slice(0, 300_000);

  test("is refused if its caller says that no more comes", async () => {
    const { port } = await openGate();
    await connected(port, async (connection) => {
      connection.socket.write(begun);
      await wait(20);
      connection.socket.end();
      assert.deepEqual(await replies(connection, 1), ["400 invalid_request"]);
    });
  });

  test("fails if its caller said so before anybody began to read", async () => {
    const { port, waiting } = await openGate();
    await connected(port, async (connection) => {
      connection.socket.end(post("/unread", large).slice(0, -large.length));
      const { request, end } = await waiting("/unread");
      while (request.coming?.destroyed === false) await wait(5);
      const limits = { limitBytes: 1_000_000, timeoutMs: 10_000, minRate: 0 };
      await assert.rejects(async () => readBody(request, limits), { code: "invalid_request" });
      end();
    });
  });

  test("fails if its caller leaves", async () => {
    const { port, refused } = await openGate();
    await connected(port, async (connection) => {
      connection.socket.write(begun);
      await wait(20);
      connection.socket.destroy();
      for (let tries = 0; refused.length === 0 && tries < 400; tries += 1) await wait(5);
      assert.deepEqual(refused, ["invalid_request"]);
    });
  });

  test("is refused if it takes too long", async () => {
    const { port } = await openGate();
    await connected(port, async (connection) => {
      connection.socket.write(begun.replace("/big ", "/soon "));
      assert.deepEqual(await replies(connection, 1), ["400 body_timeout"]);
      assert.equal(connection.replies().replies[0]?.headers["connection"], "close");
    });
  });
});
