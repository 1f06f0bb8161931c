import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { basename, dirname, extname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate, type Gate } from "../support/gateway.ts";

/*
 * What the provider writes is what the caller reads, to the byte, however the provider cuts it into packets. The provider
 * here is a bare socket that answers with a recorded reply in pieces of a given size.
 */

const fixtures = join(import.meta.dirname, "../fixtures");
const paths: Readonly<Record<string, string>> = {
  "anthropic-messages": "/v1/messages",
  gemini: "/v1beta/models/raw-gemini/m:generateContent",
  ollama: "/api/chat",
  "openai-chat": "/v1/chat/completions",
  "openai-responses": "/v1/responses",
};

/** How the recorded replies came. */
const contentTypes: Readonly<Record<string, string>> = {
  ".json": "application/json",
  ".ndjson": "application/x-ndjson",
  ".sse": "text/event-stream",
};

let answer: { readonly head: string; readonly body: Buffer; readonly pieceBytes: number };
let upstream: Server;
let gate: Gate;

before(async () => {
  upstream = createServer({ noDelay: true }, (socket) => {
    let received = "";
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      received += chunk.toString("latin1");
      const headEnd = received.indexOf("\r\n\r\n");
      const length = Number(/content-length: (\d+)/i.exec(received)?.[1] ?? 0);
      if (headEnd === -1 || received.length < headEnd + 4 + length) return;
      received = "";
      void write(answer);
    });
    async function write({ head, body, pieceBytes }: typeof answer): Promise<void> {
      socket.write(head);
      for (let from = 0; from < body.length; from += pieceBytes) {
        const piece = body.subarray(from, from + pieceBytes);
        socket.write(`${piece.length.toString(16)}\r\n`);
        socket.write(piece);
        socket.write("\r\n");
        await new Promise((resume) => setImmediate(resume));
      }
      socket.write("0\r\n\r\n");
    }
  });
  await new Promise<void>((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  const { port } = upstream.address() as AddressInfo;
  gate = await openGate();
  for (const dialect of ["anthropic-messages", "gemini", "ollama", "openai-chat", "openai-responses"] as const) {
    const id = `raw-${dialect}`;
    await gate.admin.call(endpoints.providers.create, {
      input: { id, dialect, base_url: `http://127.0.0.1:${port}`, allow_private: true },
    });
  }
});
after(() => void upstream.close());

async function forwarded(
  dialect: string,
  contentType: string,
  body: Buffer,
  pieceBytes: number,
  status = 200,
): Promise<Buffer> {
  const head = `HTTP/1.1 ${status} OK\r\ncontent-type: ${contentType}\r\ntransfer-encoding: chunked\r\n\r\n`;
  answer = { head, body, pieceBytes };
  const stream = contentType !== "application/json";
  const asked = { model: `raw-${dialect}/m`, stream, stream_options: { include_usage: true } };
  const path = paths[dialect] ?? "";
  const reply = await gate.post(stream ? path.replace(":generate", ":streamGenerate") : path, asked);
  assert.equal(reply.status, status);
  return reply.body;
}

const hostile: readonly (readonly [string, Buffer])[] = [
  ["no blank line at the end", Buffer.from('data: {"a":1}')],
  ["only comments", Buffer.from(": x\n\n: y\n\n")],
  ["bytes that are not text", Buffer.from([0xff, 0xfe, 0x00, 0x0a, 0x0a, 0xc3, 0x28, 0x0d, 0x0a])],
  ["a byte order mark and carriage returns", Buffer.from('\ufeffdata: {"usage":null}\r\rdata: [DONE]\r\r')],
  [
    "an event that looks like usage and is not",
    Buffer.from('data: {"choices":[],"x":"usage"}\n\ndata: {"choices":[{"delta":{"content":"\\"usage\\":{}"}}]}\n\n'),
  ],
  ["one large event", Buffer.from(`data: {"choices":[{"delta":{"content":"${"ü".repeat(100_000)}"}}]}\n\n`)],
  ["nothing at all", Buffer.alloc(0)],
];

for (const dialect of Object.keys(paths)) {
  const recorded = globSync(`${fixtures}/${dialect}/*.{sse,ndjson,json}`).sort();

  describe(`byte for byte (${dialect})`, () => {
    test("there are recorded replies", () => assert.ok(recorded.length >= 2));

    for (const file of recorded) {
      test(`${basename(dirname(file))}/${basename(file)}`, async () => {
        const bytes = readFileSync(file);
        const type = contentTypes[extname(file)] ?? "";
        const sizes = bytes.length > 20_000 ? [1_000_000, 997] : [1_000_000, 61, 1];
        for (const pieceBytes of sizes) {
          const got = await forwarded(dialect, type, bytes, pieceBytes);
          assert.ok(got.equals(bytes), `in pieces of ${pieceBytes}`);
        }
      });
    }

    for (const [name, bytes] of hostile) {
      test(`a stream of ${name}`, async () => {
        for (const pieceBytes of [1_000_000, 3]) {
          if (bytes.length / pieceBytes > 10_000) continue;
          assert.ok((await forwarded(dialect, "text/event-stream", bytes, pieceBytes)).equals(bytes));
        }
      });
    }

    test("an error body, whatever its words and spaces", async () => {
      const bytes = Buffer.from('{ "error" :\n {"type":"weird_error","message":"ü", "more": [1.0, 1e3] } }\n');
      assert.ok((await forwarded(dialect, "application/json", bytes, 5, 429)).equals(bytes));
    });

    test("a body too large to be held back", async () => {
      const bytes = Buffer.from(`{"choices":[{"message":{"content":"${"x".repeat(6_000_000)}"}}]}`);
      assert.ok((await forwarded(dialect, "application/json", bytes, 100_000)).equals(bytes));
    });
  });
}
