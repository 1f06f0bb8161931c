import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, request, type ClientRequest, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { after, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate } from "../support/gateway.ts";
import { heldBytes } from "../support/held-memory.ts";

const streams = 20;
const mebibyte = 1024 * 1024;

const gate = await openGate();

/** A provider that keeps nothing of what it reads, and whose replies begin and then go on for ever. */
async function openSlowProvider(): Promise<number> {
  const server = createServer((incoming, response) => {
    incoming.resume();
    incoming.on("end", () => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('data: {"type":"ping"}\n\n');
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Resolves when the reply has begun. */
async function beginStream(body: Buffer): Promise<ClientRequest> {
  const headers = { authorization: `Bearer ${gate.key}`, "content-type": "application/json" };
  const call = request(`${gate.url}/v1/messages`, { method: "POST", agent: false, headers });
  call.on("error", () => undefined); // it is cut in the end
  call.end(body);
  const [incoming] = (await once(call, "response")) as [IncomingMessage];
  incoming.on("error", () => undefined);
  assert.equal(incoming.statusCode, 200);
  await once(incoming, "data");
  return call;
}

test("while a streamed reply goes on, the body of its request is not held", async () => {
  const port = await openSlowProvider();
  await gate.admin.call(endpoints.providers.create, {
    input: { id: "slow", dialect: "anthropic-messages", base_url: `http://127.0.0.1:${port}`, allow_private: true },
  });
  const content = "x".repeat(mebibyte);
  const body = Buffer.from(
    JSON.stringify({ model: "slow/m", max_tokens: 9, stream: true, messages: [{ role: "user", content }] }),
  );
  const before = await heldBytes();
  const calls = await Promise.all(Array.from({ length: streams }, () => beginStream(body)));
  const held = ((await heldBytes()) - before) / mebibyte;
  for (const call of calls) call.destroy();
  assert.ok(held < streams / 4, `${held.toFixed(1)} MiB are held for ${streams} bodies of 1 MiB`);
});
