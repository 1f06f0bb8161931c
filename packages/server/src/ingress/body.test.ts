import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { receiveBody, type TakeChunk } from "./body.ts";

const limits = { limitBytes: 1_000_000, timeoutMs: 5_000, minRate: 0 };

/** A request whose body comes at once with its head, and how its body was received. */
async function received(t: TestContext, body: string, take: TakeChunk): Promise<void> {
  const outcome = Promise.withResolvers<void>();
  const server = createServer((request: IncomingMessage, response) => {
    receiveBody(request, limits, take)
      .then(outcome.resolve, outcome.reject)
      .finally(() => response.end());
  });
  t.after(() => server.close());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await Promise.all([outcome.promise, fetch(url, { method: "POST", body })]);
}

test("a body has been received when what was made of its last chunk is done", async (t) => {
  const done: number[] = [];
  await received(t, "x".repeat(200_000), async ({ length }) => {
    await wait(20);
    done.push(length);
  });
  assert.equal(
    done.reduce((sum, length) => sum + length, 0),
    200_000,
  );
});

test("what fails with the last chunk fails the body", async (t) => {
  const take = async (): Promise<void> => {
    await wait(20);
    throw new Error("no room");
  };
  await assert.rejects(received(t, "{}", take), { message: "no room" });
});
