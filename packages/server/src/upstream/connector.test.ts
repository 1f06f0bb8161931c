import assert from "node:assert/strict";
import { createServer as createTcpServer, type AddressInfo, type LookupFunction, type Server } from "node:net";
import { createServer, type RequestListener } from "node:http";
import { after, describe, test } from "node:test";
import type { AppError } from "../kernel/errors.ts";
import { createConnector, type ConnectorOptions, type UpstreamCall } from "./connector.ts";
import { httpGet } from "./get.ts";

const options: ConnectorOptions = {
  connectTimeoutMs: 2000,
  firstByteTimeoutMs: 5000,
  idleTimeoutMs: 5000,
  maxConnections: 8,
  queueTimeoutMs: 5000,
};
const open: { close(): unknown }[] = [];
after(() => Promise.all(open.map((thing) => thing.close())));

async function listen(server: Server): Promise<number> {
  open.push({ close: () => new Promise((resolve) => server.close(resolve)) });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

function httpServer(listener: RequestListener): Promise<number> {
  return listen(createServer({ keepAliveTimeout: 1 }, listener));
}

function connector(changes: Partial<ConnectorOptions> = {}) {
  const made = createConnector({ ...options, ...changes });
  open.unshift(made);
  return made;
}

/** Resolves every name to the given addresses, a new set at each look-up. */
function scripted(...answers: readonly string[][]): LookupFunction & { calls: number } {
  const lookup: LookupFunction & { calls: number } = Object.assign(
    ((_name, _options, callback) => {
      const addresses = answers[Math.min(lookup.calls, answers.length - 1)] ?? [];
      lookup.calls += 1;
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      );
    }) as LookupFunction,
    { calls: 0 },
  );
  return lookup;
}

const request = { provider: "test", headers: [], allowPrivate: true };
const limits = { provider: "test", allowPrivate: true, timeoutMs: 3000, maxBytes: 1000 };

test("a document is fetched whole from an allowed address", async () => {
  const port = await httpServer((_request, response) => response.end("hello"));
  const got = await httpGet(connector())(`http://127.0.0.1:${port}/x`, {}, limits);
  assert.equal(got.status, 200);
  assert.equal(got.body.toString(), "hello");
});

describe("without allow_private no packet reaches a private address", () => {
  const channels: readonly (readonly [string, (port: number) => { url: string; lookup?: LookupFunction }])[] = [
    ["an IPv4 literal", (port) => ({ url: `http://127.0.0.1:${port}/` })],
    ["a short IPv4 spelling", (port) => ({ url: `http://127.1:${port}/` })],
    ["a decimal IPv4 spelling", (port) => ({ url: `http://2130706433:${port}/` })],
    ["a hexadecimal IPv4 spelling", (port) => ({ url: `http://0x7f.0.0.1:${port}/` })],
    ["a mapped IPv6 literal", (port) => ({ url: `http://[::ffff:127.0.0.1]:${port}/` })],
    ["localhost", (port) => ({ url: `http://localhost:${port}/` })],
    [
      "a name that resolves to loopback",
      (port) => ({ url: `http://evil.example:${port}/`, lookup: scripted(["127.0.0.1"]) }),
    ],
    [
      "a name that resolves to a private and then a loopback address",
      (port) => ({ url: `http://evil.example:${port}/`, lookup: scripted(["10.0.0.1"], ["127.0.0.1"]) }),
    ],
  ];
  for (const [name, make] of channels) {
    test(name, async () => {
      let connections = 0;
      const port = await listen(
        createTcpServer((socket) => {
          connections += 1;
          socket.destroy();
        }),
      );
      const { url, lookup } = make(port);
      const caller = connector(lookup === undefined ? {} : { lookup });
      await assert.rejects(httpGet(caller)(url, {}, { ...limits, allowPrivate: false }), {
        code: "upstream_forbidden",
      });
      assert.equal(connections, 0);
    });
  }
});

test("the connection goes to the address that was checked, whatever a second look-up would say", async () => {
  const port = await httpServer((_request, response) => response.end("pinned"));
  const lookup = scripted(["127.0.0.1"], ["169.254.169.254"]);
  const got = await httpGet(connector({ lookup }))(`http://engine.internal:${port}/`, {}, limits);
  assert.equal(got.body.toString(), "pinned");
  assert.equal(lookup.calls, 1);
});

test("a redirect is handed over as it is and not followed", async () => {
  let visits = 0;
  const target = await httpServer((_request, response) => {
    visits += 1;
    response.end();
  });
  const port = await httpServer((_request, response) =>
    response.writeHead(302, { location: `http://127.0.0.1:${target}/` }).end(),
  );
  const got = await httpGet(connector())(`http://127.0.0.1:${port}/`, {}, limits);
  assert.equal(got.status, 302);
  assert.equal(visits, 0);
});

test("a document past its size is cut off", async () => {
  const port = await httpServer((_request, response) => response.end("x".repeat(2000)));
  await assert.rejects(httpGet(connector())(`http://127.0.0.1:${port}/`, {}, limits), { code: "upstream_broke" });
});

test("nobody listening, silence and a broken reply are three different errors", async () => {
  const silent = await httpServer(() => {});
  const broken = await httpServer((_request, response) => {
    response.writeHead(200, { "content-length": 100 });
    response.write("some");
    setImmediate(() => response.destroy());
  });
  const closed = await listen(createTcpServer((socket) => socket.destroy()));
  const caller = connector({ firstByteTimeoutMs: 100 });
  const outcome = (port: number) =>
    new Promise<string>((resolve) => {
      caller.send(
        { ...request, origin: `http://127.0.0.1:${port}`, path: "/", method: "POST", body: Buffer.from("{}") },
        {
          onHead() {},
          onData() {},
          onEnd: () => resolve("ended"),
          onFailure: (error: AppError) => resolve(error.code),
        },
      );
    });
  assert.equal(await outcome(closed), "upstream_unreachable");
  assert.equal(await outcome(broken), "upstream_broke");
  assert.equal(await outcome(silent), "upstream_timeout");
});

test("an aborted call closes the upstream's connection and is heard of no more", async () => {
  let closed: (() => void) | undefined;
  const upstreamClosed = new Promise<void>((resolve) => (closed = resolve));
  const port = await httpServer((_request, response) => {
    response.writeHead(200).write("first");
    response.on("close", () => closed?.());
  });
  const heard: string[] = [];
  const call: UpstreamCall = connector().send(
    { ...request, origin: `http://127.0.0.1:${port}`, path: "/", method: "POST", body: null },
    {
      onHead: () => heard.push("head"),
      onData() {
        heard.push("data");
        call.abort();
      },
      onEnd: () => heard.push("end"),
      onFailure: (error) => heard.push(error.code),
    },
  );
  await upstreamClosed;
  assert.deepEqual(heard, ["head", "data"]);
});
