import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { type Json, started } from "./test/started.ts";

const user = { role: "user", content: "How is the weather?" };
const weather = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "get_weather", parameters: weather } }];

async function lines(t: TestContext, path: string, body: object, script = {}): Promise<readonly Json[]> {
  const { send } = await started(t);
  const reply = await send({ path, body: { model: "m", ...body }, script });
  assert.equal(reply.headers["content-type"], "application/x-ndjson");
  const text = reply.text();
  assert.ok(text.endsWith("}\n"));
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as Json);
}

describe("an Ollama stream", () => {
  test("comes unless it is declined: thoughts, text, a call whole in one line, and counts in nanoseconds last", async (t) => {
    const documents = await lines(t, "/api/chat", { messages: [user], tools, think: true });
    const messages = documents.map((one) => one["message"]);
    assert.ok(messages.some((one) => String(one?.["thinking"] ?? "") !== ""));
    assert.ok(messages.some((one) => String(one?.["content"] ?? "") !== ""));
    const [call] = messages.flatMap((one) => one?.["tool_calls"] ?? []);
    assert.deepEqual(call?.["function"], { index: 0, name: "get_weather", arguments: { city: "example" } });
    assert.deepEqual(
      documents.map((one) => one["done"]),
      [...documents.slice(1).map(() => false), true],
    );
    const last = documents.at(-1);
    assert.equal(last?.["done_reason"], "stop");
    for (const name of ["prompt_eval_count", "eval_count", "total_duration", "load_duration", "eval_duration"]) {
      assert.ok(Number.isSafeInteger(last?.[name]) && Number(last?.[name]) > 0, name);
    }
  });

  test("says the same as a whole reply", async (t) => {
    const { send } = await started(t);
    for (const [path, body, textOf] of [
      ["/api/chat", { messages: [user] }, (one: Json) => String(one["message"]?.["content"])],
      ["/api/generate", { prompt: "Why?" }, (one: Json) => String(one["response"])],
    ] as const) {
      const whole = (await send({ path, body: { model: "m", stream: false, ...body } })).json();
      const streamed = await lines(t, path, body);
      assert.equal(streamed.map(textOf).join(""), textOf(whole));
      assert.equal(streamed.at(-1)?.["eval_count"], whole["eval_count"]);
    }
  });

  test("that fails ends with a line that is an error", async (t) => {
    const documents = await lines(t, "/api/chat", { messages: [user] }, { errorAtEvent: 3, message: "out of memory" });
    assert.equal(documents.length, 4);
    assert.deepEqual(documents.at(-1), { error: "out of memory" });
  });

  test("leaves its counts out, or its end, where the script says so", async (t) => {
    const uncounted = await lines(t, "/api/chat", { messages: [user] }, { omit: ["usage"] });
    assert.equal(uncounted.at(-1)?.["eval_count"], undefined);
    const endless = await lines(t, "/api/chat", { messages: [user] }, { omit: ["end"] });
    assert.ok(endless.every((one) => Boolean(one["done"]) === false));
  });
});

test("a request without a prompt loads the model, or unloads it", async (t) => {
  const { send } = await started(t);
  const reason = async (path: string, body: object): Promise<unknown> =>
    (await send({ path, body: { model: "m", stream: false, ...body } })).json()["done_reason"];
  assert.equal(await reason("/api/chat", {}), "load");
  assert.equal(await reason("/api/generate", { prompt: "", keep_alive: "5m" }), "load");
  assert.equal(await reason("/api/generate", { keep_alive: 0 }), "unload");
});

test("models are listed, described and embedded with; none is in memory", async (t) => {
  const { send } = await started(t);
  const get = async (path: string): Promise<Json> => (await send({ method: "GET", path })).json();
  const [first] = (await get("/api/tags"))["models"] ?? [];
  assert.match(String(first?.["digest"]), /^[0-9a-f]{64}$/);
  assert.deepEqual(await get("/api/ps"), { models: [] });
  const shown = (await send({ path: "/api/show", body: { model: "llama3.2" } })).json();
  assert.deepEqual(shown["capabilities"], ["completion", "tools"]);
  const embed = (await send({ path: "/api/embed", body: { model: "m", input: ["a", "b"], dimensions: 3 } })).json();
  assert.deepEqual(
    embed["embeddings"]?.map((vector) => vector.length),
    [3, 3],
  );
  const legacy = (await send({ path: "/api/embeddings", body: { model: "m", prompt: "a" } })).json();
  assert.equal(legacy["embedding"]?.length, 8);
});

const goType = /^json: cannot unmarshal \w+ into Go struct field /;

const refusals: readonly (readonly [string, object, RegExp])[] = [
  ["/api/chat", { model: undefined }, /^model is required$/],
  ["/api/chat", { model: 7 }, goType],
  ["/api/chat", { stream: "no" }, goType],
  ["/api/chat", { messages: "hello" }, goType],
  ["/api/chat", { messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }] }, goType],
  ["/api/chat", { messages: [{ ...user, images: ["data:image/png;base64,AAAA"] }] }, /^illegal base64 data/],
  ["/api/chat", { messages: [{ ...user, images: [{ url: "x" }] }] }, goType],
  [
    "/api/chat",
    { messages: [{ role: "assistant", content: "", tool_calls: [{ function: { name: "f", arguments: "{}" } }] }] },
    goType,
  ],
  ["/api/chat", { tools: [{ type: "function", function: { name: "f", parameters: "{}" } }] }, goType],
  ["/api/chat", { think: "often" }, /^invalid think value: "often"/],
  ["/api/chat", { format: "yaml" }, /^invalid format: "yaml"/],
  ["/api/chat", { options: { num_predict: "10" } }, /^option "num_predict" must be of type integer$/],
  ["/api/chat", { keep_alive: "soon" }, /^time: invalid duration "soon"$/],
  ["/api/generate", { prompt: ["a"] }, goType],
  ["/api/generate", { context: "abc" }, goType],
  ["/api/embed", { input: [1, 2] }, /^invalid input type$/],
  ["/api/embeddings", { prompt: 1 }, goType],
];

test("a value of another type is refused, in Ollama's shape", async (t) => {
  const { send } = await started(t);
  for (const [path, body, complaint] of refusals) {
    const reply = await send({ path, body: { model: "m", ...body } });
    assert.equal(reply.status, 400, JSON.stringify(body));
    assert.deepEqual(Object.keys(reply.json()), ["error"]);
    assert.match(String(reply.json()["error"]), complaint);
  }
  const missing = await send({ path: "/api/show", body: { model: "nobody" } });
  assert.deepEqual([missing.status, missing.json()], [404, { error: "model 'nobody' not found" }]);
});

test("an engine takes no key; one that was given keys wants a good one", async (t) => {
  const body = { model: "m", stream: false, messages: [user] };
  assert.equal((await (await started(t)).send({ path: "/api/chat", body, headers: {} })).status, 200);
  const guarded = await started(t, { apiKeys: ["good"] });
  const ask = (headers: Readonly<Record<string, string>>) => guarded.send({ path: "/api/chat", body, headers });
  assert.deepEqual((await ask({})).json(), { error: "unauthorized" });
  assert.equal((await ask({ authorization: "Bearer good" })).status, 200);
});
