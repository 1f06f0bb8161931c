import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { test } from "node:test";
import { httpUpstream, rawUpstream, sendTo, testConnector, type Sent } from "./test-parts.ts";

/** A provider that answers when it is told to. */
async function patientUpstream() {
  const waiting: ServerResponse[] = [];
  let arrived = Promise.withResolvers<void>();
  const port = await httpUpstream((_request, response) => {
    waiting.push(response);
    arrived.resolve();
  });
  return {
    port,
    waiting,
    async requests(count: number): Promise<void> {
      while (waiting.length < count) {
        await arrived.promise;
        arrived = Promise.withResolvers<void>();
      }
    },
  };
}

const howAll = async (sent: readonly Sent[]): Promise<string[]> =>
  (await Promise.all(sent.map(({ over }) => over))).map(({ how }) => how);

test("requests past the limit wait for a connection and get it in their order", async () => {
  const upstream = await patientUpstream();
  const connector = testConnector({ maxConnections: 2 });
  const sent = Array.from({ length: 4 }, (_, index) => sendTo(connector, upstream.port, { path: `/${index}` }));
  await upstream.requests(2);
  upstream.waiting[1]?.end("first");
  await upstream.requests(3);
  assert.deepEqual(
    upstream.waiting.map(({ req }) => req.url),
    ["/0", "/1", "/2"],
  );
  upstream.waiting[0]?.end();
  await upstream.requests(4);
  for (const response of upstream.waiting) response.end();
  assert.deepEqual(await howAll(sent), ["end", "end", "end", "end"]);
});

test("a request that waits too long is refused, and can be tried again", async () => {
  const upstream = await patientUpstream();
  const connector = testConnector({ maxConnections: 1, queueTimeoutMs: 50 });
  const first = sendTo(connector, upstream.port);
  const { how, error } = await sendTo(connector, upstream.port).over;
  assert.equal(how, "upstream_busy");
  assert.equal(error?.status, 503);
  assert.equal(error?.retryAfterSeconds, 1);
  upstream.waiting[0]?.end("done");
  assert.equal((await first.over).how, "end");
  const again = sendTo(connector, upstream.port);
  await upstream.requests(2);
  upstream.waiting[1]?.end();
  assert.equal((await again.over).how, "end");
});

test("no more requests wait than there may be connections; the next is refused at once", async () => {
  const upstream = await patientUpstream();
  const connector = testConnector({ maxConnections: 3, queueTimeoutMs: 60_000 });
  const sent = Array.from({ length: 6 }, () => sendTo(connector, upstream.port));
  assert.equal((await sendTo(connector, upstream.port).over).how, "upstream_busy");
  for (let served = 0; served < 6; served++) {
    await upstream.requests(served + 1);
    upstream.waiting[served]?.end();
  }
  assert.deepEqual(await howAll(sent), Array<string>(6).fill("end"));
});

test("a request that is aborted while it waits is never sent and takes nobody's place", async () => {
  const upstream = await patientUpstream();
  const connector = testConnector({ maxConnections: 1 });
  const first = sendTo(connector, upstream.port, { path: "/first" });
  const left = sendTo(connector, upstream.port, { path: "/left" });
  left.call.abort();
  const last = sendTo(connector, upstream.port, { path: "/last" });
  await upstream.requests(1);
  upstream.waiting[0]?.end();
  await upstream.requests(2);
  upstream.waiting[1]?.end();
  assert.deepEqual(await howAll([first, last]), ["end", "end"]);
  assert.deepEqual(
    upstream.waiting.map(({ req }) => req.url),
    ["/first", "/last"],
  );
});

test("an aborted or broken call makes room for the next", async () => {
  let count = 0;
  const port = await httpUpstream((request, response) => {
    count += 1;
    if (request.url === "/break") request.socket.destroy();
    else if (request.url !== "/hang") response.end("done");
  });
  const connector = testConnector({ maxConnections: 2 });
  for (let round = 0; round < 20; round++) {
    const hanging = sendTo(connector, port, { path: "/hang" });
    const breaking = sendTo(connector, port, { path: "/break" });
    const good = sendTo(connector, port, { path: "/good" });
    hanging.call.abort();
    assert.equal((await breaking.over).how, "upstream_unreachable");
    assert.equal((await good.over).how, "end");
  }
  assert.ok(count >= 40);
});

test("a connection the provider closed while nobody used it is replaced unnoticed", async () => {
  const closed: Promise<unknown>[] = [];
  const port = await rawUpstream((socket) => {
    closed.push(new Promise((resolve) => socket.once("close", resolve)));
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
      setTimeout(() => socket.end(), 20);
    });
  });
  const connector = testConnector({ maxConnections: 1 });
  for (let round = 0; round < 3; round++) {
    assert.equal((await sendTo(connector, port).over).how, "end");
    await closed[round];
  }
  assert.equal(closed.length, 3);
});

test("when the connector is closed, those who wait and those who are served hear of it", async () => {
  const upstream = await patientUpstream();
  const connector = testConnector({ maxConnections: 1 });
  const sent = [sendTo(connector, upstream.port), sendTo(connector, upstream.port)];
  await upstream.requests(1);
  connector.close();
  assert.deepEqual(await howAll(sent), ["upstream_unreachable", "upstream_busy"]);
});
