import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { sendDownload } from "./download.ts";

/** A server that sends this, and what came of it. */
async function sending(t: TestContext, content: () => AsyncIterable<Uint8Array>) {
  const outcome = Promise.withResolvers<unknown>();
  const server = createServer((_request, response) => {
    const sent = sendDownload(response, content(), { "content-type": "application/octet-stream" });
    sent.then(() => outcome.resolve("sent"), outcome.resolve);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const call = request({ port: (server.address() as AddressInfo).port, agent: false });
  call.end();
  const [response] = (await once(call, "response")) as [IncomingMessage];
  return { response, outcome: outcome.promise };
}

async function* pieces(count: number, failsAfter: number, ended: () => void): AsyncGenerator<Uint8Array> {
  try {
    for (let index = 0; index < count; index++) {
      if (index === failsAfter) throw new Error("the database went away");
      yield await Promise.resolve(Buffer.alloc(64_000, index));
    }
  } finally {
    ended();
  }
}

async function lengthOf(response: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const piece of response) bytes += Buffer.from(piece).length;
  return bytes;
}

test("a file is sent to its end", async (t) => {
  const { response, outcome } = await sending(t, () => pieces(50, Infinity, () => undefined));
  assert.equal(response.headers["content-type"], "application/octet-stream");
  assert.equal(await lengthOf(response), 50 * 64_000);
  assert.equal(await outcome, "sent");
});

test("a file that cannot be made to its end is broken off, so that nobody takes a part for the whole", async (t) => {
  const { response, outcome } = await sending(t, () => pieces(50, 7, () => undefined));
  await assert.rejects(lengthOf(response), /aborted|ECONNRESET/);
  assert.match(String(await outcome), /the database went away/);
});

test("a reader who goes away ends the making, and is no failure", async (t) => {
  const ended = Promise.withResolvers<void>();
  const { response, outcome } = await sending(t, () => pieces(Infinity, Infinity, ended.resolve));
  await once(response, "data");
  response.destroy();
  await ended.promise;
  assert.equal(await outcome, "sent");
});
