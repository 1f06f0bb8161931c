import assert from "node:assert/strict";
import { after, before, describe, test, type TestContext } from "node:test";
import { endpoints } from "@portcullis/contract";
import { createSimulator, type Simulator } from "../../src/simulator/index.ts";
import { send, type Reply } from "../support/gateway.ts";
import { furnish } from "../support/process.ts";
import { largeBodies } from "../support/raw-large-bodies.ts";
import { chunked, startRawUpstream, streamHead, type RawUpstream } from "../support/raw-upstream.ts";
import { serveWatched, stallLimitMs, type WatchedGateway } from "../support/watched-gateway.ts";

/*
 * The largest bodies that are taken, either way, to and from who is on this machine and takes and gives them as fast as the
 * system can carry them: nobody else waits longer than a moment for the gateway meanwhile.
 */

const providerKey = "sk-provider-canary-0123456789abcdef";
const answer = JSON.stringify({
  object: "chat.completion",
  choices: [{ message: { role: "assistant", content: "\n".repeat(15_500_000) }, finish_reason: "stop" }],
  usage: { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 },
});
let says = "";
let simulator: Simulator;
let upstream: RawUpstream;
let gateway: WatchedGateway;
let key: string;

before(async () => {
  simulator = createSimulator({ apiKeys: [providerKey] });
  const simulated = await simulator.listen();
  upstream = await startRawUpstream(new Map(), (socket) => socket.write(says, "latin1"));
  gateway = await serveWatched();
  key = await furnish(gateway.admin, simulated.url, providerKey);
  const input = { id: "wordy", dialect: "openai-chat", base_url: upstream.url, allow_private: true } as const;
  await gateway.admin.call(endpoints.providers.create, { input: { ...input, api_key: providerKey } });
});
after(async () => {
  await gateway.stop();
  await simulator.close();
  await upstream.close();
});

const whole = (status: number, body: string): string =>
  `HTTP/1.1 ${status} OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

/**
 * A busy neighbour of this machine doubles a time now and then: of one that is too long, the median of three counts, and none of
 * them may be more than doubled.
 */
async function assertNoStall(context: TestContext, ask: () => Promise<Reply>): Promise<Reply> {
  const stallsMs: number[] = [];
  for (;;) {
    await gateway.longestStallMs();
    const reply = await ask();
    stallsMs.push(await gateway.longestStallMs());
    if (stallsMs.length < 3 && Number(stallsMs[0]) >= stallLimitMs) continue;
    context.diagnostic(`${stallsMs.join(", ")} ms`);
    const medianMs = Number(stallsMs.toSorted((one, other) => one - other)[Math.floor(stallsMs.length / 2)]);
    const isShort = medianMs < stallLimitMs && Math.max(...stallsMs) < 2 * stallLimitMs;
    assert.ok(isShort, `the event loop was busy for ${stallsMs.join(", ")} ms`);
    return reply;
  }
}

describe("a body of 32 MiB does not stall the event loop, whatever it is:", () => {
  for (const { name, path, body, status } of largeBodies()) {
    test(name, async (context) => {
      const reply = await assertNoStall(context, () => send(gateway.url + path, "POST", key, {}, body()));
      assert.equal(reply.status, status, reply.body.toString("latin1", 0, 300));
    });
  }
});

const request = { model: "wordy/m", messages: [{ role: "user", content: "hello" }], max_tokens: 9 };

describe("a reply of nearly as much does not either:", () => {
  const long = whole(200, answer);
  const refusal = whole(429, JSON.stringify({ error: { message: "slowly ".repeat(300_000) } }));
  const cases: readonly (readonly [name: string, status: number, path: string, asked: object, said: string])[] = [
    ["as it came", 200, "/v1/chat/completions", {}, long],
    ["in another dialect", 200, "/v1/messages", {}, long],
    ["in another dialect, as the stream that was asked for", 200, "/v1/messages", { stream: true }, long],
    ["as items that can be referred to", 200, "/v1/responses", { input: "hello", messages: undefined }, long],
    ["an error in another dialect", 429, "/v1/messages", {}, refusal],
    ["a longer error in another dialect", 502, "/v1/messages", {}, whole(429, answer)],
  ];
  for (const [name, status, path, asked, said] of cases) {
    test(name, async (context) => {
      says = said;
      const body = JSON.stringify({ ...request, ...asked });
      const reply = await assertNoStall(context, () => send(gateway.url + path, "POST", key, {}, body));
      assert.equal(reply.status, status, reply.body.toString("latin1", 0, 300));
      assert.equal(reply.body.length > 30_000_000, status === 200);
    });
  }
});

test("sixty thousand events that come at once, as they came and in another dialect, do not either", async (context) => {
  const word = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "some words here " } }] })}\n\n`;
  const end = `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`;
  says = streamHead + chunked(word.repeat(60_000) + end) + chunked("");
  const body = JSON.stringify({ ...request, stream: true });
  for (const path of ["/v1/chat/completions", "/v1/messages"]) {
    const reply = await assertNoStall(context, () => send(gateway.url + path, "POST", key, {}, body));
    assert.equal(reply.body.toString().split("some words here ").length, 60_001);
  }
});
