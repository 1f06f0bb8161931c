import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { fakeClock } from "../kernel/clock.ts";
import type { Script } from "./script.ts";
import { eventsOf, smallest, started } from "./test/started.ts";

const streamed = { path: smallest.chat.path, body: { ...smallest.chat.body, stream: true } };
const streams = Object.values(smallest).map(({ path, body }) => ({ path, body: { ...body, stream: true } }));
const still = { seed: 3, clock: fakeClock() };

test("however it is written, the same bytes arrive", async (t) => {
  const plain = (await (await started(t, still)).send(streamed)).text();
  const scripts = fc.oneof(
    fc.record({ chunkBytes: fc.integer({ min: 40, max: 5000 }) }),
    fc.constantFrom<Script>(
      { writes: "event" },
      { writes: "burst" },
      { paceMs: 0 },
      { delayMs: 1 },
      { writes: "burst", paceMs: 1 },
    ),
  );
  await fc.assert(
    fc.asyncProperty(scripts, async (script) => {
      const { send } = await started(t, still);
      assert.equal((await send({ ...streamed, script })).text(), plain);
    }),
    { numRuns: 20 },
  );
});

test("events are written one by one, or everything at once", async (t) => {
  const { send } = await started(t);
  const text = "one two three four five";
  const byEvent = await send({ ...streamed, script: { text, writes: "event" } });
  assert.ok(byEvent.pieces.length > 3, `${byEvent.pieces.length} pieces`);
  assert.equal((await send({ ...streamed, script: { text } })).pieces.length, 1);
  const bytes = await send({ ...streamed, script: { text: "ü", chunkBytes: 1, paceMs: 1, deltas: 1 } });
  assert.ok(bytes.pieces.length > 100, `${bytes.pieces.length} pieces`);
});

test("pace and delay take their time", async (t) => {
  const { send } = await started(t);
  const begin = performance.now();
  await send({ ...smallest.chat, script: { delayMs: 50 } });
  assert.ok(performance.now() - begin >= 49);
  await send({ ...streamed, script: { deltas: 10, paceMs: 5 } });
  assert.ok(performance.now() - begin >= 49 + 10 * 4);
});

test("line endings, comments and a byte order mark change nothing else", async (t) => {
  const { send } = await started(t, still);
  const plain = eventsOf((await send(streamed)).text()).map(({ data }) => data.replace(/chatcmpl-\w+/, ""));
  for (const [newline, ending] of [
    ["lf", "\n"],
    ["crlf", "\r\n"],
    ["cr", "\r"],
  ] as const) {
    const text = (await send({ ...streamed, script: { newline, bom: true, comments: true } })).text();
    assert.ok(text.startsWith("\ufeff: "));
    assert.ok(text.endsWith(`data: [DONE]${ending}${ending}`));
    const normal = text.slice(1).replaceAll(ending, "\n");
    assert.deepEqual(
      eventsOf(normal.replace(/^: .*\n\n/gm, "")).map(({ data }) => data.replace(/chatcmpl-\w+/, "")),
      plain,
    );
  }
});

test("a compressed stream can be read while it comes", async (t) => {
  const { send } = await started(t);
  const reply = await send({ ...streamed, script: { gzip: true, text: "a b c d", writes: "event" } });
  assert.equal(reply.headers["content-encoding"], "gzip");
  assert.ok(reply.pieces.length > 3);
  assert.match(gunzipSync(reply.body).toString(), /\[DONE\]\n\n$/);
  const json = await send({ ...smallest.chat, script: { gzip: true } });
  assert.equal(JSON.parse(gunzipSync(json.body).toString()).object, "chat.completion");
});

test("a stream breaks off where the script says, and how", async (t) => {
  const { send, simulator } = await started(t, still);
  for (const [script, isWhole] of [
    [{ drop: "reset", dropAtByte: 700 }, false],
    [{ drop: "close", dropAtByte: 700, chunkBytes: 100 }, false],
    [{ drop: "end", dropAtByte: 700 }, true],
  ] as const) {
    const reply = await send({ ...streamed, script });
    assert.deepEqual([reply.status, reply.isWhole, reply.body.length], [200, isWhole, 700], JSON.stringify(script));
  }
  const byEvent = await send({ ...streamed, script: { drop: "close", dropAtEvent: 3 } });
  assert.equal(eventsOf(byEvent.text()).length, 3);
  await simulator.idle();
  assert.equal(simulator.stats().aborted, 0, "it was not the client who left");
});

test("a JSON reply breaks off as well", async (t) => {
  const { send } = await started(t);
  const reply = await send({ ...smallest.chat, script: { drop: "close", dropAtByte: 10 } });
  assert.deepEqual([reply.isWhole, reply.text()], [false, '{"id":"cha']);
  const ended = await send({ ...smallest.chat, script: { drop: "end", dropAtByte: 10 } });
  assert.deepEqual([ended.isWhole, ended.text()], [true, '{"id":"cha']);
});

test("a connection breaks before the head", async (t) => {
  const { send } = await started(t);
  for (const drop of ["reset", "close"] as const)
    await assert.rejects(send({ ...streamed, script: { drop } }), { code: "ECONNRESET" });
});

test("a simulator that hangs or stalls lets the client give up, and sees it leave", async (t) => {
  const { send, simulator } = await started(t);
  const hanging = send({
    ...streamed,
    script: { hang: true },
    onRequest: (call) => setTimeout(() => call.destroy(), 20),
  });
  await assert.rejects(hanging, { code: "ECONNRESET" });
  let leave = (): void => undefined;
  const stalled = send({
    ...streamed,
    script: { drop: "stall", dropAtEvent: 2 },
    onRequest: (call) => (leave = () => void call.destroy()),
    onPiece: () => leave(),
  });
  assert.equal(eventsOf((await stalled).text()).length, 2);
  await simulator.idle();
  assert.deepEqual(
    simulator.requests.map((request) => request.aborted),
    [true, true],
  );
});

test("a client that leaves a paced stream is noticed, and no more is written", async (t) => {
  const { send, simulator } = await started(t);
  let leave = (): void => undefined;
  await send({
    ...streamed,
    script: { deltas: 1000, paceMs: 20 },
    onRequest: (call) => (leave = () => void call.destroy()),
    onPiece: () => leave(),
  });
  await simulator.idle();
  const [request] = simulator.requests;
  assert.equal(request?.aborted, true);
  assert.ok(Number(request?.bytesSent) < 3000);
});

test("closing ends what hangs", async (t) => {
  const { send, simulator } = await started(t);
  const hanging = assert.rejects(send({ ...streamed, script: { hang: true } }), { code: "ECONNRESET" });
  while (simulator.stats().active === 0) await new Promise((resolve) => void setImmediate(resolve));
  await simulator.close();
  await hanging;
});

test("an error event comes where the script says, and ends the stream", async (t) => {
  const { send } = await started(t);
  const script: Script = { errorAtEvent: 4, echoKey: true };
  const lasts = [];
  for (const stream of streams) {
    const reply = await send({ ...stream, script });
    const events = eventsOf(reply.text());
    assert.deepEqual([reply.status, reply.isWhole, events.length], [200, true, 5]);
    assert.match(events[4]?.data ?? "", /Overloaded \(key: sk-test\)/);
    lasts.push([events[4]?.name, JSON.parse(events[4]?.data ?? "")]);
  }
  assert.deepEqual(
    lasts.map(([name]) => name),
    ["error", undefined, "response.failed"],
  );
  assert.equal(lasts[0]?.[1].error.type, "overloaded_error");
  assert.equal(lasts[1]?.[1].error.type, "server_error");
  assert.equal(lasts[2]?.[1].response.status, "failed");
  assert.equal(lasts[2]?.[1].sequence_number, 4);
});

test("the end marker and the usage can be left out", async (t) => {
  const { send } = await started(t);
  const markers = ["message_stop", "[DONE]", "response.completed"];
  for (const [index, stream] of streams.entries()) {
    const body = stream.path.includes("chat")
      ? { ...stream.body, stream_options: { include_usage: true } }
      : stream.body;
    const whole = (await send({ ...stream, body })).text();
    assert.ok(whole.includes(markers[index] ?? "?") && /"usage":\{/.test(whole));
    const cut = (await send({ ...stream, body, script: { omit: ["end"] } })).text();
    assert.ok(!cut.includes(markers[index] ?? "?"));
    assert.doesNotMatch((await send({ ...stream, body, script: { omit: ["usage"] } })).text(), /"usage":\{/);
  }
});

test("a script answers in the vendor's place", async (t) => {
  const { send } = await started(t);
  const page = await send({ ...streamed, script: { status: 502, body: "<html>", contentType: "text/html" } });
  assert.deepEqual([page.status, page.headers["content-type"], page.text()], [502, "text/html", "<html>"]);
  const limited = await send({
    ...smallest.messages,
    script: { status: 429, retryAfterSeconds: 3, message: "slow down" },
  });
  assert.deepEqual([limited.headers["retry-after"], limited.json()["error"]?.["type"]], ["3", "rate_limit_error"]);
  const coded = await send({
    ...smallest.chat,
    script: { status: 429, errorType: "insufficient_quota", errorCode: "insufficient_quota" },
  });
  assert.equal(coded.json()["error"]?.["code"], "insufficient_quota");
  const moved = await send({ ...smallest.chat, script: { redirect: "http://127.0.0.1:1/x" } });
  assert.deepEqual([moved.status, moved.headers.location], [307, "http://127.0.0.1:1/x"]);
  const json = await send({ ...streamed, script: { json: true, headers: { "x-own": "1" } } });
  assert.deepEqual([json.headers["content-type"], json.headers["x-own"]], ["application/json", "1"]);
  const padded = await send({ ...smallest.chat, script: { headerBytes: 9000 } });
  assert.equal(
    [0, 1, 2].reduce((sum, index) => sum + String(padded.headers[`x-filler-${index}`]).length, 0),
    9000,
  );
});
