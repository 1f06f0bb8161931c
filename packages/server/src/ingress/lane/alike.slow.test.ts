import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { seededRandom } from "../../../test/support/random.ts";
import { rawConnection } from "../../../test/support/raw-connection.ts";
import { createMutants, plainHeads } from "../../../test/support/raw-mutants.ts";
import { readBody } from "../body.ts";
import type { HttpReply, HttpRequest } from "../http.ts";
import { open } from "../test-parts.ts";
import { readPlainHead } from "./head.ts";

/*
 * A listener with lanes and one without, side by side: whatever is sent to both, whether it is plain or not, alone or behind a
 * plain request, both say the same to it, and to the request behind it. Both planes answer with all that they were told.
 */

const random = seededRandom();
const mutants = createMutants(random);
const rounds = 1_500;

async function echo(request: HttpRequest, reply: HttpReply): Promise<void> {
  const { method, url, rawHeaders } = request;
  const { "content-length": _length, ...headers } = request.headers;
  const isLength = (index: number): boolean => /^content-length$/i.test(rawHeaders[index - (index % 2)] ?? "");
  const raw = rawHeaders.filter((_, index) => !isLength(index));
  const body = await Promise.try(readBody, request, { limitBytes: 1_000_000, timeoutMs: 5_000, minRate: 0 });
  reply.writeHead(200, ["x-method", method ?? ""]);
  reply.end(JSON.stringify({ method, url, headers, raw, body: body.toString("latin1") }));
}

const answer = (request: HttpRequest, reply: HttpReply): true => {
  void echo(request, reply).catch(() => reply.destroy());
  return true;
};

let byLane = 0;
const options = { maxConnections: 1_000, maxConnectionsPerAddress: 1_000 };
const withLanes = await open(options, answer, {
  takes: () => true,
  answer(request, reply) {
    byLane += 1;
    answer(request, reply);
  },
});
const withoutLanes = await open(options, answer);

/** A head made wrong at random with a body of the size it most likely states, if that is not too much. */
function attack(): Buffer {
  for (;;) {
    const head = mutants.head();
    const stated = [...head.toString("latin1").matchAll(/length[^\r\n\d]*(\d+)/gi)].map(([, digits]) => Number(digits));
    const size = readPlainHead(head)?.body;
    const length = size === undefined ? Math.max(0, ...stated) : size.end - size.start;
    if (length > 200_000) continue;
    const bytes = Buffer.concat([head.subarray(0, size?.start), Buffer.from(mutants.body(length), "latin1")]);
    // What is plain ends where the bytes end: with rubbish right behind it, Node would not answer it either.
    const end = readPlainHead(bytes)?.body.end ?? bytes.length;
    if (end === bytes.length) return bytes;
  }
}

/** What is said to the bytes and to the request behind them, `first` having been answered before. */
async function told(port: number, first: string, bytes: Buffer): Promise<unknown> {
  const connection = await rawConnection(port);
  const { socket } = connection;
  if (first !== "") {
    socket.write(first);
    await connection.until(({ replies }) => replies.length > 0, 20_000);
  }
  socket.write(Buffer.concat([bytes, Buffer.from("GET /marker HTTP/1.1\r\nHost: localhost\r\n\r\n")]));
  const isOver = ({ body }: { readonly body: Buffer }): boolean => body.includes('"url":"/marker"');
  const { replies, rest } = await connection.until(({ replies }) => replies.some(isOver), 3_000);
  socket.destroy();
  return { replies: replies.map(({ status, body }) => `${status} ${body.toString()}`), rest: rest.toString("latin1") };
}

const both = (first: string, bytes: Buffer): Promise<unknown[]> =>
  Promise.all([withLanes, withoutLanes].map(({ port }) => told(port, first, bytes)));

test(`what is said is the same with lanes and without (seed ${random.seed})`, async (context) => {
  // Often the head that the one behind it was made of.
  const good = plainHeads.map((head) => {
    const bytes = Buffer.from(head.replaceAll("\n", "\r\n"));
    const { start, end } = readPlainHead(bytes)?.body ?? assert.fail();
    return bytes.toString() + "x".repeat(end - start);
  });
  // Made beforehand, so that the same seed gives the same.
  const attacks = Array.from({ length: rounds }, () => ({ first: random.pick(["", ...good]), bytes: attack() }));
  const attacker = async (): Promise<void> => {
    for (let next = attacks.pop(); next !== undefined; next = attacks.pop()) {
      const { first, bytes } = next;
      const [here, there] = await both(first, bytes);
      if (isDeepStrictEqual(here, there)) continue;
      // How the bytes are split on the way decides whether Node answers a request with rubbish behind it: so once more.
      const shown = JSON.stringify(first + bytes.toString("latin1", 0, 1_000));
      context.diagnostic(`not the same at first: ${shown} ${JSON.stringify([here, there])}`);
      const [again, thereAgain] = await both(first, bytes);
      assert.deepEqual(again, thereAgain, shown);
    }
  };
  await Promise.all(Array.from({ length: 24 }, attacker));
  context.diagnostic(`${byLane} answered on lanes`);
  assert.ok(byLane > rounds / 5, String(byLane));
});
