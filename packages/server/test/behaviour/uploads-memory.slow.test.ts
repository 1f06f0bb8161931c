import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate } from "../support/gateway.ts";

const uploads = 60;
const fileBytes = 8 * 1024 * 1024;
const mebibyte = 1024 * 1024;

const gate = await openGate();

/** A provider that reads what comes without keeping it, and remembers how much it was. */
async function openSink(): Promise<{ readonly port: number; readonly sizes: readonly number[] }> {
  const sizes: number[] = [];
  const server = createServer((incoming, response) => {
    let sizeBytes = 0;
    incoming.on("data", (chunk: Buffer) => (sizeBytes += chunk.length));
    incoming.on("end", () => {
      sizes.push(sizeBytes);
      response.writeHead(200, { "content-type": "application/json" });
      response.end('{"text":"heard","usage":{"type":"duration","seconds":1}}');
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => void server.close());
  return { port: (server.address() as AddressInfo).port, sizes };
}

/** The file comes first, as the SDKs send it; one piece of it is sent again and again. */
async function upload(piece: Buffer): Promise<number> {
  const boundary = "memory-test";
  const disposition = 'content-disposition: form-data; name="file"; filename="a.wav"';
  const call = request(`${gate.url}/v1/audio/transcriptions`, {
    method: "POST",
    agent: false,
    headers: { authorization: `Bearer ${gate.key}`, "content-type": `multipart/form-data; boundary=${boundary}` },
  });
  call.write(`--${boundary}\r\n${disposition}\r\n\r\n`);
  for (let sent = 0; sent < fileBytes; sent += piece.length) if (!call.write(piece)) await once(call, "drain");
  call.end(`\r\n--${boundary}\r\ncontent-disposition: form-data; name="model"\r\n\r\nsink/m\r\n--${boundary}--\r\n`);
  const [incoming] = (await once(call, "response")) as [IncomingMessage];
  incoming.resume();
  await once(incoming, "end");
  return incoming.statusCode ?? 0;
}

test(`${uploads} uploads of ${fileBytes / mebibyte} MiB at once take a fraction of their size (B58)`, async () => {
  const { port, sizes } = await openSink();
  await gate.admin.call(endpoints.providers.create, {
    input: { id: "sink", dialect: "openai-chat", base_url: `http://127.0.0.1:${port}`, allow_private: true },
  });
  const piece = Buffer.alloc(64 * 1024, "sound ");
  assert.equal(await upload(piece), 200);
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  const statuses = await Promise.all(Array.from({ length: uploads }, () => upload(piece)));
  clearInterval(watch);
  assert.deepEqual(new Set(statuses), new Set([200]));
  assert.equal(sizes.length, uploads + 1);
  assert.ok(sizes.every((sizeBytes) => sizeBytes > fileBytes));
  const grown = (most - before) / mebibyte;
  // What is here beside the gateway, the senders and the provider, takes its part of that.
  assert.ok(grown < (uploads * fileBytes) / mebibyte / 2, `grew by ${Math.round(grown)} MiB`);
});
