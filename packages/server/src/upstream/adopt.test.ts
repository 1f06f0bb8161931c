import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { test } from "node:test";
import { listen, sendTo, testConnector } from "./test-parts.ts";

const limits = {
  connectTimeoutMs: 2_000,
  firstByteTimeoutMs: 5_000,
  idleTimeoutMs: 5_000,
  maxConnections: 8,
  queueTimeoutMs: 5_000,
};

test("other limits are for calls to come; a reply under way ends as it would, and then its connection is given up", async () => {
  const sockets: Socket[] = [];
  const replies: ServerResponse[] = [];
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    request.resume();
    replies.push(response);
    response.write("begun ");
    if (request.url === "/whole") response.end();
  });
  server.on("connection", (socket: Socket) => sockets.push(socket));
  const port = await listen(server);
  const connector = testConnector();
  const idle = sendTo(connector, port, { path: "/whole" });
  const underWay = sendTo(connector, port, { path: "/open" });
  assert.equal((await idle.over).how, "end");
  const [idleSocket, busySocket] = sockets as [Socket, Socket];
  const idleClosed = once(idleSocket, "close");
  const busyClosed = once(busySocket, "close");

  connector.adopt({ ...limits, firstByteTimeoutMs: 200 });
  await idleClosed;
  assert.equal((await sendTo(connector, port, { path: "/whole" }).over).how, "end");
  assert.equal(sockets.length, 3, "over a connection of its own");
  replies[1]?.end("and done");
  const { how, body } = await underWay.over;
  assert.deepEqual([how, body.toString()], ["end", "begun and done"]);
  await busyClosed;
});

test("closing gives up what was replaced, too", async () => {
  const server = createServer((request) => void request.resume());
  const port = await listen(server);
  const connector = testConnector();
  const underWay = sendTo(connector, port);
  await once(server, "request");
  connector.adopt(limits);
  connector.close();
  assert.notEqual((await underWay.over).how, "end");
});
