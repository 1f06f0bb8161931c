import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../kernel/clock.ts";
import { createSimulator } from "./simulator.ts";
import { keyHeaders, smallest, started } from "./test/started.ts";

const apis = Object.values(smallest);

test("every API is served, also under the paths that providers put in front", async (t) => {
  const { send } = await started(t);
  for (const prefix of ["", "/anthropic", "/api", "/inference", "/openai"]) {
    for (const { path, body } of apis)
      assert.equal((await send({ path: `${prefix}${path}?beta=true`, body })).status, 200);
  }
  const { body } = smallest.messages;
  const count = await send({ path: "/v1/messages/count_tokens", body: { ...body, max_tokens: undefined } });
  assert.deepEqual(count.json(), { input_tokens: 15 });
  assert.equal((await send({ method: "HEAD", path: "/" })).status, 200);
});

test("models are listed in the shape of whoever asks", async (t) => {
  const { send } = await started(t);
  const anthropic = await send({ method: "GET", path: "/v1/models?limit=1000" });
  assert.equal(anthropic.json()["has_more"], false);
  assert.equal(anthropic.json()["data"]?.[0]?.["type"], "model");
  const openai = await send({ method: "GET", path: "/v1/models", headers: { authorization: "Bearer k" } });
  assert.equal(openai.json()["object"], "list");
  assert.equal(openai.json()["data"]?.[0]?.["object"], "model");
});

test("what is not there is a 404 or a 405 in the vendor's shape", async (t) => {
  const { send } = await started(t);
  const nowhere = await send({ path: "/v1/v1/messages", body: {} });
  assert.deepEqual([nowhere.status, nowhere.json()["error"]?.["type"]], [404, "not_found_error"]);
  const wrong = await send({ method: "GET", path: "/v1/responses" });
  assert.deepEqual([wrong.status, wrong.json()["error"]?.["code"]], [405, "method_not_supported"]);
});

test("a key is needed, by the vendor's header, and a wrong one is refused", async (t) => {
  const { send } = await started(t, { apiKeys: ["sk-right-key"] });
  const version = { "anthropic-version": "2023-06-01" };
  for (const { path, body } of apis) {
    const isAnthropic = path === "/v1/messages";
    const type = isAnthropic ? "authentication_error" : "invalid_request_error";
    for (const key of [{}, { authorization: "Basic sk-right-key" }, { authorization: "Bearer sk-wrong-key" }]) {
      const refused = await send({ path, body, headers: { ...version, ...key } });
      assert.deepEqual([refused.status, refused.json()["error"]?.["type"]], [401, type]);
      assert.ok(!refused.text().includes("sk-wrong-key"));
    }
    assert.equal(
      (await send({ path, body, headers: { ...version, authorization: "Bearer sk-right-key" } })).status,
      200,
    );
    const own = await send({ path, body, headers: { ...version, "x-api-key": "sk-right-key" } });
    assert.equal(own.status, isAnthropic ? 200 : 401);
  }
});

test("the same seed gives the same bytes", async (t) => {
  const replies = [];
  for (const seed of [7, 7, 8]) {
    const { send } = await started(t, { seed, clock: fakeClock() });
    const texts = [];
    for (const { path, body } of apis) {
      for (const stream of [false, true]) texts.push((await send({ path, body: { ...body, stream } })).text());
    }
    replies.push(texts.join("\n"));
  }
  assert.equal(replies[0], replies[1]);
  assert.notEqual(replies[0], replies[2]);
});

test("a cached prompt is written in the first turn and read in later ones", async (t) => {
  const { send } = await started(t);
  const usageOf = async (ttl: string, ...more: readonly object[]) => {
    const system = [{ type: "text", text: "long ".repeat(100), cache_control: { type: "ephemeral", ttl } }];
    const { path, body } = smallest.messages;
    const messages = [...body.messages, ...more];
    return (await send({ path, body: { model: "m", max_tokens: 500, system, messages } })).json()["usage"];
  };
  const later = [
    { role: "assistant", content: "a" },
    { role: "user", content: "b" },
  ];
  const [first, hour, second] = [await usageOf("5m"), await usageOf("1h"), await usageOf("5m", ...later)];
  assert.ok(Number(first?.["cache_creation"]?.["ephemeral_5m_input_tokens"]) > 100);
  assert.ok(Number(hour?.["cache_creation"]?.["ephemeral_1h_input_tokens"]) > 100);
  assert.equal(first?.["cache_read_input_tokens"], 0);
  assert.equal(second?.["cache_creation_input_tokens"], 0);
  assert.equal(second?.["cache_read_input_tokens"], first?.["cache_creation_input_tokens"]);
});

test("scripted usage is reported exactly, in every dialect, whole and streamed", async (t) => {
  const { send } = await started(t);
  const usage = { input: 1000, output: 200, cacheRead: 30, cacheWrite: 4, cacheWrite1h: 5, reasoning: 60 };
  const expected = [
    [
      '"input_tokens":1000',
      '"cache_creation_input_tokens":9',
      '"cache_read_input_tokens":30',
      '"output_tokens":200',
      '"thinking_tokens":60',
    ],
    [
      '"prompt_tokens":1039',
      '"completion_tokens":200',
      '"total_tokens":1239',
      '"cached_tokens":30',
      '"cache_write_tokens":9',
      '"reasoning_tokens":60',
    ],
    [
      '"input_tokens":1039',
      '"output_tokens":200',
      '"total_tokens":1239',
      '"cached_tokens":30',
      '"cache_write_tokens":9',
      '"reasoning_tokens":60',
    ],
  ];
  for (const [index, { path, body }] of apis.entries()) {
    for (const stream of [false, true]) {
      const options = stream && path.includes("chat") ? { stream_options: { include_usage: true } } : {};
      const reply = await send({ path, body: { ...body, stream, ...options }, script: { usage } });
      for (const field of expected[index] ?? [])
        assert.ok(reply.text().includes(field), `${path} ${field} in ${reply.text()}`);
    }
  }
});

test("requests are recorded as they came: headers in order and case, body byte by byte", async (t) => {
  const clock = fakeClock(5000);
  const { send, simulator } = await started(t, { clock });
  const body = '{"model": "m",  "input":"ü"}';
  const reply = await send({ path: "/v1/responses?a=b", body, headers: { ...keyHeaders, "X-Odd-Case": "1" } });
  await simulator.idle();
  const [request] = simulator.requests;
  assert.ok(request);
  assert.deepEqual([request.method, request.path, request.body.toString()], ["POST", "/v1/responses?a=b", body]);
  assert.deepEqual([request.startedAt, request.status, request.aborted], [5000, 200, false]);
  assert.equal(request.bytesSent, reply.body.length);
  assert.equal(request.headers[request.headers.indexOf("X-Odd-Case") + 1], "1");
  simulator.clear();
  assert.equal(simulator.requests.length, 0);
  assert.deepEqual(simulator.stats(), { requests: 1, streams: 0, active: 0, aborted: 0, bytesSent: reply.body.length });
});

test("nothing is recorded when recording is off, and counting goes on", async (t) => {
  const { send, simulator } = await started(t, { record: false });
  await send({ ...smallest.chat });
  assert.equal(simulator.requests.length, 0);
  assert.equal(simulator.stats().requests, 1);
});

test("scenarios can be changed while it runs, and the header goes before them", async (t) => {
  const { send, simulator } = await started(t, { scenarios: [{ times: 1, script: { status: 529, message: "busy" } }] });
  const statuses = async () => [(await send({ ...smallest.chat })).status, (await send({ ...smallest.chat })).status];
  assert.deepEqual(await statuses(), [529, 200]);
  simulator.play([{ match: { model: "m" }, script: { status: 500, message: "broken" } }]);
  assert.deepEqual(await statuses(), [500, 500]);
  const both = await send({ ...smallest.chat, script: { status: 503 } });
  assert.deepEqual([both.status, both.json()["error"]?.["message"]], [503, "broken"]);
});

test("a script that makes no sense is a 400 that says why", async (t) => {
  const { send } = await started(t);
  for (const [json, expected] of [
    ["{", /not JSON/],
    ['{"speed":1}', /no option `speed`/],
  ] as const) {
    const reply = await send({ ...smallest.messages, headers: { ...keyHeaders, "x-simulator": json } });
    assert.equal(reply.status, 400);
    assert.match(String(reply.json()["error"]?.["message"]), expected);
  }
});

test("a port that is taken is an error", async (t) => {
  const first = createSimulator();
  const { port } = await first.listen();
  t.after(() => first.close());
  await assert.rejects(createSimulator().listen({ port }), { code: "EADDRINUSE" });
});
