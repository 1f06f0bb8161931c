import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { exchangeOf, type ExchangeSpec } from "../exchanges.ts";
import { runClosed } from "./closed.ts";
import { questionOf } from "./connection.ts";
import { runOpen } from "./open.ts";

const exchange: ExchangeSpec = { kind: "small", dialect: "openai-chat" };
const { reply } = exchangeOf(exchange);

/** `answer` gets how many requests came before. */
async function serve(t: TestContext, answer: (index: number) => { status: number; body: string; delayMs: number }) {
  let index = 0;
  const server: Server = createServer((request, response) => {
    const { status, body, delayMs } = answer(index);
    index += 1;
    request.resume().once("end", () => {
      setTimeout(() => response.writeHead(status, { "content-length": body.length }).end(body), delayMs);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return questionOf({ exchange, access: { origin, headers: {} }, work: { kind: "open", perSecond: 1, seconds: 1 } });
}

const right = { status: 200, body: String(reply.chunks[0]), delayMs: 0 };

test("an open loop goes on asking while a reply is awaited", async (t) => {
  const question = await serve(t, (index) => ({ ...right, delayMs: index === 60 ? 400 : 0 }));
  const load = await runOpen(question, { perSecond: 100, seconds: 0.3 });
  assert.equal(load.exchanges, 80, "half a second to warm up is before it");
  assert.equal(load.errors, 0);
  assert.ok((load.whole?.max ?? 0) >= 395, `the slowest took ${load.whole?.max} ms`);
  assert.ok((load.whole?.p50 ?? 0) < 200, `half of them took ${load.whole?.p50} ms`);
});

test("what takes long while all warms up is counted, and not timed", async (t) => {
  const question = await serve(t, (index) => ({ ...right, delayMs: index === 0 ? 400 : 0 }));
  const load = await runOpen(question, { perSecond: 100, seconds: 0.3 });
  assert.deepEqual([load.exchanges, load.errors], [80, 0]);
  assert.ok((load.whole?.max ?? 400) < 200, `the slowest took ${load.whole?.max} ms`);
});

test("a reply that is not the provider's is an error, however fast it came", async (t) => {
  const question = await serve(t, (index) => (index % 2 === 0 ? right : { ...right, body: "{}" }));
  const load = await runOpen(question, { perSecond: 100, seconds: 0.2 });
  assert.deepEqual([load.exchanges, load.errors], [35, 35]);
  assert.match(load.firstError ?? "", /status 200 and 0 of 1 texts/);
});

test("a status that is not 200 is an error of a closed loop too", async (t) => {
  const question = await serve(t, () => ({ ...right, status: 500 }));
  const load = await runClosed(question, { connections: 1, seconds: 0.1 });
  assert.equal(load.exchanges, 0);
  assert.ok(load.errors > 0);
  assert.match(load.firstError ?? "", /status 500/);
});
