/*
 * A provider of chat completions that costs next to nothing, in a process of its own; `raw-provider.ts` starts it. Whoever
 * asks for a stream gets as many bytes as the first argument says. Answers each message with its figures.
 */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline, Readable } from "node:stream";

const eventBytes = 64 * 1024;
const event = Buffer.from(`data: {"choices":[{"delta":{"content":"${"x".repeat(eventBytes)}"}}]}\n\n`);
const reply = Buffer.from('{"model":"m","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}');
const streamBytes = Number(process.argv[2]);
const stats = { active: 0, bytesSent: 0 };

function* events(): Generator<Buffer> {
  for (let sent = 0; sent < streamBytes; sent += event.length) {
    stats.bytesSent += event.length;
    yield event;
  }
}

function stream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  pipeline(Readable.from(events()), response, () => undefined); // whoever asked may leave
}

const server = createServer((request, response) => {
  stats.active += 1;
  response.once("close", () => (stats.active -= 1));
  let asksForStream = false;
  request.on("data", (chunk: Buffer) => (asksForStream ||= chunk.includes('"stream":true')));
  request.on("end", () => {
    if (asksForStream) return stream(response);
    response.writeHead(200, { "content-type": "application/json" });
    response.end(reply);
  });
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.send?.({ url: `http://127.0.0.1:${port}` });
});
process.on("message", () => process.send?.(stats));
process.on("disconnect", () => process.exit());
