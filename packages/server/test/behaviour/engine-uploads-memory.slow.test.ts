import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { openGate } from "../support/gateway.ts";

const uploads = 20;
const mebibyte = 1024 * 1024;
const fileBytes = 25 * mebibyte;

/** An engine of whisper.cpp's shape that reads what comes without keeping it. */
async function openSink(): Promise<{ readonly port: number; readonly sizes: readonly number[] }> {
  const sizes: number[] = [];
  const server = createServer((incoming, response) => {
    let sizeBytes = 0;
    incoming.on("data", (chunk: Buffer) => (sizeBytes += chunk.length));
    incoming.on("end", () => {
      sizes.push(incoming.url === "/inference" ? sizeBytes : -1);
      response.writeHead(200, { "content-type": "application/json" }).end('{"text":" heard\\n"}');
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => void server.close());
  return { port: (server.address() as AddressInfo).port, sizes };
}

const { port, sizes } = await openSink();
const gate = await openGate({
  config: `providers: { whisper-cpp: { base_url: "http://127.0.0.1:${port}" } }\n`,
  environment: { PORTCULLIS_SERVER_BODY_LIMIT_BYTES: String(64 * mebibyte) },
});

/** The model stands behind the file, and before it a field that the engine does not get. */
async function upload(piece: Buffer): Promise<string> {
  const boundary = "memory-test";
  const field = (name: string, value: string): string =>
    `--${boundary}\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const call = request(`${gate.url}/v1/audio/transcriptions`, {
    method: "POST",
    agent: false,
    headers: { authorization: `Bearer ${gate.key}`, "content-type": `multipart/form-data; boundary=${boundary}` },
  });
  call.write(field("include[]", "logprobs"));
  call.write(`--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n`);
  for (let sent = 0; sent < fileBytes; sent += piece.length) if (!call.write(piece)) await once(call, "drain");
  call.end(`\r\n${field("model", "whisper-cpp/default")}--${boundary}--\r\n`);
  const [incoming] = (await once(call, "response")) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test(`${uploads} recordings of ${fileBytes / mebibyte} MiB at once, whose form is changed on the way, take a fraction of their size`, async () => {
  const piece = Buffer.alloc(64 * 1024, "sound ");
  assert.equal(await upload(piece), '{"text":"heard"}');
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 20);
  const replies = await Promise.all(Array.from({ length: uploads }, () => upload(piece)));
  clearInterval(watch);
  assert.deepEqual(new Set(replies), new Set(['{"text":"heard"}']));
  assert.equal(sizes.length, uploads + 1);
  assert.ok(sizes.every((sizeBytes) => sizeBytes > fileBytes && sizeBytes < fileBytes + 1_000));
  const grown = (most - before) / mebibyte;
  // What is here beside the gateway, the senders and the engine, takes its part of that.
  assert.ok(grown < (uploads * fileBytes) / mebibyte / 3, `grew by ${Math.round(grown)} MiB`);
});
