import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request as ask, type IncomingMessage, type Server } from "node:http";
import { createServer as createPort, type AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { officialSdks } from "../../../test/support/official-sdks.ts";
import { seededRandom } from "../../../test/support/random.ts";
import { rawConnection } from "../../../test/support/raw-connection.ts";
import { createMutants, plainHeads } from "../../../test/support/raw-mutants.ts";
import { readPlainHead } from "./head.ts";

/*
 * Heads made wrong at random, to what reads plain heads and to Node's parser: whatever is taken for plain is the same request
 * to both, and ends at the same byte. And what clients really send is plain.
 */

const random = seededRandom();
const mutants = createMutants(random);
const rounds = 6_000;
const mostBytes = 64 * 1024;

/** What a request is, to whom it was read by. */
interface Reading {
  readonly method: string;
  readonly url: string;
  /** Without the length. */
  readonly headers: unknown;
  readonly rawHeaders: readonly string[];
  readonly body: string;
}

let server: Server;
before(async () => {
  // as the listener opens its own
  server = createServer({ maxHeaderSize: 64 * 1024, requireHostHeader: false, noDelay: true }, (request, response) => {
    void readingOfNode(request).then((reading) => response.end(JSON.stringify(reading)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(() => {
  server.close();
  server.closeAllConnections();
});

async function readingOfNode(request: IncomingMessage): Promise<Reading> {
  let body = "";
  for await (const chunk of request.setEncoding("latin1")) body += chunk as string;
  const { method = "", url = "", rawHeaders } = request;
  const { "content-length": _length, ...headers } = request.headers;
  const isLength = (index: number): boolean => /^content-length$/i.test(rawHeaders[index - (index % 2)] ?? "");
  return { method, url, headers, rawHeaders: rawHeaders.filter((_, index) => !isLength(index)), body };
}

/** The request as it was taken here, and its bytes; undefined if it is not taken. */
function taken(): { readonly bytes: Buffer; readonly reading: Reading } | undefined {
  const given = mutants.head();
  const found = readPlainHead(given);
  if (found === undefined || found.body.end > mostBytes) return undefined;
  const { head, body } = found;
  const text = mutants.body(body.end - body.start);
  const bytes = Buffer.concat([given.subarray(0, body.start), Buffer.from(text, "latin1")]);
  const { url, rawHeaders } = head;
  return { bytes, reading: { method: "POST", url, headers: { ...head.headers }, rawHeaders, body: text } };
}

/** What Node's parser makes of the bytes with a request behind them: a reading of each, or what it said instead. */
async function readByNode(bytes: Buffer, marker: string): Promise<readonly unknown[]> {
  const connection = await rawConnection((server.address() as AddressInfo).port);
  connection.socket.write(bytes);
  connection.socket.write(`GET /${marker} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const { replies, rest } = await connection.until(({ replies }) => replies.length >= 2, 5_000);
  connection.socket.destroy();
  assert.equal(rest.length, 0);
  return replies.map(({ status, body }) => (status === 200 ? (JSON.parse(body.toString()) as unknown) : status));
}

test(`what is taken for plain is the same request to Node (seed ${random.seed})`, async (context) => {
  // Made beforehand, so that the same seed gives the same.
  const attacks = Array.from({ length: rounds }, taken).filter((one) => one !== undefined);
  const count = attacks.length;
  const attacker = async (): Promise<void> => {
    for (let one = attacks.pop(); one !== undefined; one = attacks.pop()) {
      const marker = `marker-${attacks.length}`;
      const [first, second, ...more] = await readByNode(one.bytes, marker);
      const shown = JSON.stringify(one.bytes.toString("latin1", 0, 1_000));
      assert.deepEqual(first, JSON.parse(JSON.stringify(one.reading)), shown);
      assert.equal((second as Reading | undefined)?.url, `/${marker}`, shown);
      assert.equal(more.length, 0, shown);
    }
  };
  await Promise.all(Array.from({ length: 16 }, attacker));
  context.diagnostic(`${count} of ${rounds}`);
  assert.ok(count > rounds / 10, `${count} were taken`);
});

test(`a head that is known again is read alike, whatever was done to it (seed ${random.seed})`, () => {
  const known = plainHeads.map((base) => readPlainHead(Buffer.from(base.replaceAll("\n", "\r\n")))?.head);
  let again = 0;
  for (let round = 0; round < 10 * rounds; round += 1) {
    const bytes = mutants.head();
    const read = readPlainHead(bytes);
    for (const head of known) {
      const place = head?.again(bytes);
      if (place === undefined) continue;
      again += 1;
      const shown = JSON.stringify(bytes.toString("latin1"));
      assert.deepEqual(place, read?.body, shown);
      assert.deepEqual(
        [head?.url, head?.rawHeaders, head?.headers],
        [read?.head.url, read?.head.rawHeaders, read?.head.headers],
        shown,
      );
    }
  }
  assert.ok(again > 100, `${again} were known again`);
});

describe("plain is what is sent by", () => {
  /** The first bytes that somebody sends to a port that answers with nothing of use. */
  async function firstBytes(send: (url: string) => Promise<unknown>): Promise<Buffer> {
    const came = Promise.withResolvers<Buffer>();
    const port = createPort((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (bytes) => {
        came.resolve(Buffer.from(bytes as Buffer));
        socket.end("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
      });
    });
    port.listen(0, "127.0.0.1");
    await once(port, "listening");
    await send(`http://127.0.0.1:${(port.address() as AddressInfo).port}`).catch(() => undefined);
    port.close();
    return came.promise;
  }
  const assertPlain = (bytes: Buffer): void =>
    assert.notEqual(readPlainHead(bytes), undefined, bytes.toString("latin1", 0, 1_000));

  test("`fetch`", async () => {
    assertPlain(await firstBytes((url) => fetch(`${url}/v1/messages`, { method: "POST", body: "{}" })));
  });

  test("Node's client, with and without an agent that keeps connections", async () => {
    for (const agent of [undefined, false] as const) {
      const send = (url: string): Promise<unknown> => {
        const options = { method: "POST", headers: { "content-length": 2 }, ...(agent === false && { agent }) };
        const call = ask(`${url}/v1/messages`, options).on("error", () => undefined);
        call.end("{}");
        return once(call, "close");
      };
      const bytes = await firstBytes(send);
      if (agent === undefined) assertPlain(bytes);
      else assert.equal(readPlainHead(bytes), undefined, "it asks for its connection to be closed");
    }
  });

  for (const { name } of officialSdks({ url: "http://localhost", key: "pc_abc" })) {
    for (const streamed of [false, true]) {
      test(`${name}, ${streamed ? "streamed" : "whole"}`, async () => {
        const question = { model: "a/b", prompt: "Hi", maxTokens: 9, tools: [], thinks: false };
        const bytes = await firstBytes(async (url) => {
          const sdk = officialSdks({ url, key: "pc_abc" }).find((one) => one.name === name);
          await sdk?.ask(question, streamed);
        });
        assertPlain(bytes);
      });
    }
  }

  const others: readonly (readonly [client: string, head: string])[] = [
    [
      "httpx, on which the vendors' Python SDKs are built",
      "POST /v1/messages HTTP/1.1\nHost: localhost:8484\nAccept-Encoding: gzip, deflate\nConnection: keep-alive\nAccept: application/json\nContent-Type: application/json\nUser-Agent: Anthropic/Python 0.70.0\nX-Stainless-Async: false\nx-stainless-read-timeout: 600\nx-api-key: pc_abc\nanthropic-version: 2023-06-01\nContent-Length: 2\n\n",
    ],
    [
      "Go's client",
      "POST /v1/chat/completions HTTP/1.1\nHost: localhost:8484\nUser-Agent: Go-http-client/1.1\nContent-Length: 2\nAuthorization: Bearer pc_abc\nContent-Type: application/json\nAccept-Encoding: gzip\n\n",
    ],
    [
      "curl",
      "POST /v1/messages HTTP/1.1\nHost: localhost:8484\nUser-Agent: curl/8.5.0\nAccept: */*\nx-api-key: pc_abc\nContent-Length: 2\nContent-Type: application/x-www-form-urlencoded\n\n",
    ],
  ];
  for (const [client, head] of others) test(client, () => assertPlain(Buffer.from(head.replaceAll("\n", "\r\n"))));
});
