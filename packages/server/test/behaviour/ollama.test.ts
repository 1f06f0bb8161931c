import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { dialects } from "../../src/dialects/index.ts";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { openGate, send, type Reply } from "../support/gateway.ts";
import { ask, assertRefused, openStream } from "./ask.ts";

/* Ollama's own API: what is forwarded, what is answered here, and what is not done for callers. */

const gate = await openGate();
const modelNames = ["llama3.3:70b", "hf.co/someone/some-model:Q4_K_M"];
for (const name of modelNames) {
  await gate.admin.call(endpoints.models.create, { params: { id: "sim-ollama" }, input: { name } });
}
await gate.admin.call(endpoints.models.create, { params: { id: "sim-chat" }, input: { name: "gpt-test" } });
// In the catalog: what it says of a model is what a provider that cannot be asked would.
await gate.admin.call(endpoints.credentials.create, {
  input: { provider: "anthropic", value: "sk-ant-canary-000000000" },
});

const messages = [{ role: "user", content: "hello" }];
const lastRequest = () => {
  const last = gate.simulator.requests.at(-1);
  assert.ok(last);
  return { path: last.path, body: JSON.parse(last.body.toString()) as Record<string, unknown>, headers: last.headers };
};
const rowOf = (reply: Reply) =>
  gate.admin.call(endpoints.requests.get, { params: { id: String(reply.headers["x-request-id"]) } });
const linesOf = (reply: Reply) =>
  reply.body
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("forwarding", () => {
  test("a reply comes line by line unless that is declined, and is charged as it says", async () => {
    for (const [path, body] of [
      ["/api/chat", { messages }],
      ["/api/generate", { prompt: "hello" }],
    ] as const) {
      const streamed = await gate.post(path, { model: "sim-ollama/m", ...body });
      assert.equal(streamed.headers["content-type"], "application/x-ndjson");
      const last = linesOf(streamed).at(-1);
      const row = await rowOf(streamed);
      assert.partialDeepStrictEqual(row, {
        route: path,
        dialect: "ollama",
        provider: "sim-ollama",
        stream: true,
        outcome: "ok",
        usage_source: "reported",
        input_tokens: last?.["prompt_eval_count"],
        output_tokens: last?.["eval_count"],
      });
      const whole = await gate.post(path, { model: "sim-ollama/m", stream: false, ...body });
      assert.equal(whole.headers["content-type"], "application/json");
      assert.equal(whole.headers["x-portcullis-output-tokens"], String(last?.["eval_count"]));
      assert.equal((await rowOf(whole)).stream, false);
    }
  });

  test("a model is found under its bare name and behind its provider's, tags, slashes and all", async () => {
    for (const name of modelNames) {
      for (const model of [name, `sim-ollama/${name}`]) {
        const reply = await ask(gate, "ollama", { model });
        assert.equal(reply.status, 200, reply.body.toString());
        assert.equal(lastRequest().body["model"], name);
      }
    }
  });

  test("the same addresses serve behind the vendor's prefix", async () => {
    const reply = await gate.post("/ollama/api/chat", { model: "sim-ollama/m", stream: false, messages });
    assert.equal(reply.status, 200);
    assert.equal(lastRequest().path, "/api/chat");
  });

  test("embeddings are charged by what went in", async () => {
    const reply = await gate.post("/api/embed", { model: "sim-ollama/e", input: ["a text", "another"] });
    const { embeddings, prompt_eval_count: count } = reply.json() as {
      embeddings: number[][];
      prompt_eval_count: number;
    };
    assert.equal(embeddings.length, 2);
    const row = await rowOf(reply);
    assert.deepEqual([row.input_tokens, row.output_tokens, row.usage_source], [count, 0, "reported"]);
    const legacy = await gate.post("/api/embeddings", { model: "sim-ollama/e", prompt: "a text" });
    assert.equal((legacy.json() as { embedding: number[] }).embedding.length, 8);
    const uncounted = await rowOf(legacy);
    assert.deepEqual([uncounted.output_tokens, uncounted.usage_source], [0, "estimated"]);
    assert.ok(uncounted.input_tokens > 0);
  });

  test("counts that the engine leaves out are estimated, from above nothing", async () => {
    const row = await rowOf(await ask(gate, "ollama", {}, scriptHeaders({ omit: ["usage"] })));
    assert.equal(row.usage_source, "estimated");
    assert.ok(row.input_tokens > 0 && row.output_tokens > 0);
  });

  test("what the engine refuses is passed on in its own words", async () => {
    const reply = await ask(gate, "ollama", { options: { num_predict: "many" } });
    assert.deepEqual([reply.status, reply.json()], [400, { error: 'option "num_predict" must be of type integer' }]);
  });
});

describe("a stream that fails", () => {
  test("with the engine's own error line is passed on as it came, and not taken for whole", async () => {
    const script = scriptHeaders({ errorAtEvent: 3, message: "out of memory" });
    const reply = await ask(gate, "ollama", { stream: true }, script);
    assert.deepEqual(linesOf(reply).at(-1), { error: "out of memory" });
    const row = await rowOf(reply);
    assert.deepEqual([row.outcome, row.usage_source], ["broken", "estimated"]);
  });

  for (const [how, script] of [
    ["between lines", { drop: "reset", dropAtEvent: 3, writes: "event" }],
    ["in the middle of a line", { drop: "reset", dropAtByte: 500 }],
  ] as const) {
    test(`because the engine breaks off ${how} ends with a line of its own that says so`, async () => {
      const reply = await openStream(gate, "ollama", { script });
      assert.equal(await reply.over, "ended");
      const lines = reply.text().trimEnd().split("\n");
      assert.deepEqual(JSON.parse(lines.at(-1) ?? ""), { error: "sim-ollama broke off its reply" });
      assert.ok(!reply.text().includes('"done":true'));
    });
  }

  test("by ending too soon is not taken for whole", async () => {
    const row = await rowOf(await ask(gate, "ollama", { stream: true }, scriptHeaders({ omit: ["end"] })));
    assert.deepEqual([row.outcome, row.error_code], ["broken", "upstream_broke"]);
  });
});

describe("answered here", () => {
  test("the models that the caller may use, with what clients need of each", async () => {
    const { models } = (await gate.get("/api/tags")).json() as { models: readonly Record<string, unknown>[] };
    const names = models.map((model) => model["name"]);
    for (const name of ["llama3.3:70b", "sim-ollama/hf.co/someone/some-model:Q4_K_M", "gpt-test"]) {
      assert.ok(names.includes(name), name);
    }
    for (const model of models) {
      assert.equal(model["model"], model["name"]);
      assert.match(String(model["digest"]), /^[0-9a-f]{64}$/);
      assert.ok(!Number.isNaN(Date.parse(String(model["modified_at"]))));
      assert.equal(typeof model["size"], "number");
      assert.equal(typeof (model["details"] as { family?: unknown }).family, "string");
    }
    const { key } = await gate.createKey({ models: ["sim-chat/*"] });
    const own = await send(`${gate.url}/api/tags`, "GET", key);
    assert.deepEqual(
      (own.json() as { models: readonly { name: string }[] }).models.map(({ name }) => name),
      ["gpt-test"],
    );
  });

  test("every listed name can be asked for", async () => {
    const { models } = (await gate.get("/api/tags")).json() as { models: readonly { name: string }[] };
    for (const { name } of models.filter((model) => /llama3|hf\.co/.test(model.name))) {
      assert.equal((await ask(gate, "ollama", { model: name })).status, 200, name);
    }
  });

  test("nothing is in memory, and the version is one that clients take", async () => {
    assert.deepEqual((await gate.get("/api/ps")).json(), { models: [] });
    const open = await gate.get("/api/version", { authorization: null });
    assert.match((open.json() as { version: string }).version, /^0\.\d+\.\d+$/);
  });

  test("a model whose provider does not speak the dialect is described from the catalog", async () => {
    const listed = await gate.admin.call(endpoints.models.list, { params: { id: "anthropic" } });
    const known = listed.find((model) => model.context_tokens !== null);
    assert.ok(known);
    const before = gate.simulator.stats().requests;
    const shown = (await gate.post("/api/show", { model: `anthropic/${known.name}` })).json() as {
      capabilities: string[];
      model_info: Record<string, unknown>;
    };
    assert.ok(shown.capabilities.includes("completion") && shown.capabilities.includes("tools"));
    assert.equal(shown.model_info["anthropic.context_length"], known.context_tokens);
    assert.equal(shown.model_info["general.architecture"], "anthropic");
    assert.equal(gate.simulator.stats().requests, before);
  });

  test("a model whose provider speaks it is described by the provider, and that costs nothing", async () => {
    const reply = await gate.post("/api/show", { model: "sim-ollama/llama3.2" });
    assert.deepEqual((reply.json() as { capabilities: unknown }).capabilities, ["completion", "tools"]);
    const row = await rowOf(reply);
    assert.deepEqual([row.route, row.input_tokens, row.cost_micros], ["/api/show", 0, 0]);
    const missing = await gate.post("/api/show", { model: "sim-ollama/nobody" });
    assert.deepEqual([missing.status, missing.json()], [404, { error: "model 'nobody' not found" }]);
  });

  test("a model that the caller may not use is not described", async () => {
    const { key } = await gate.createKey({ models: ["sim-chat/*"] });
    const show = (model: string) =>
      send(`${gate.url}/api/show`, "POST", key, { "content-type": "application/json" }, JSON.stringify({ model }));
    assertRefused("ollama", await show("sim-ollama/llama3.2"), 403, "model_not_allowed");
    assertRefused("ollama", await show("anthropic/claude-sonnet-4-5"), 403, "model_not_allowed");
    assertRefused("ollama", await show("nobody"), 404, "model_not_found");
  });
});

describe("not done for callers", () => {
  const managing = ["POST /api/pull", "POST /api/push", "POST /api/create", "POST /api/copy", "DELETE /api/delete"];

  test("managing an engine's models", async () => {
    const before = gate.simulator.stats().requests;
    for (const line of [...managing, "POST /api/blobs/sha256:29fdb92e57cf0827"]) {
      const [method = "", path = ""] = line.split(" ");
      for (const prefix of ["", "/ollama"]) {
        const reply = await send(gate.url + prefix + path, method, gate.key, {}, '{"model":"sim-ollama/m"}');
        assert.match(
          assertRefused("ollama", reply, 403, "engine_action_refused"),
          /is up to whoever runs the engine, and not done through this gateway/,
        );
      }
      const stranger = await send(gate.url + path, method, "pc_wrong", {}, "{}");
      assertRefused("ollama", stranger, 401, "invalid_key");
    }
    const probe = await send(`${gate.url}/api/blobs/sha256:29fdb92e57cf0827`, "HEAD", gate.key);
    assert.deepEqual([probe.status, probe.body.length], [403, 0]);
    assert.equal(gate.simulator.stats().requests, before);
  });

  test("unloading a model, while loading one is what any question does, and costs nothing", async () => {
    const before = gate.simulator.stats().requests;
    for (const [path, asked] of [
      ["/api/chat", { messages: [] }],
      ["/api/generate", { prompt: "" }],
    ] as const) {
      const unload = await gate.post(path, { model: "sim-ollama/m", keep_alive: 0, ...asked });
      assert.match(assertRefused("ollama", unload, 403, "engine_action_refused"), /^unloading a model/);
      assert.equal(gate.simulator.stats().requests, before);
    }
    const load = await gate.post("/api/generate", { model: "sim-ollama/m", keep_alive: "10m" });
    assert.equal(linesOf(load).at(-1)?.["done_reason"], "load");
    const row = await rowOf(load);
    assert.deepEqual([row.outcome, row.usage_source, row.input_tokens, row.output_tokens], ["ok", "reported", 0, 0]);
  });
});

test("the admin API keeps its own part of /api", async () => {
  const paths = dialects.flatMap(({ routes }) => routes.map(({ path }) => path));
  assert.ok(paths.includes("/api/chat") && paths.every((path) => !path.startsWith("/api/v1")));
  const reply = await gate.get("/api/v1/status");
  assert.equal(reply.status, 401);
  assert.match(String(reply.headers["content-type"]), /^application\/problem\+json/);
});

test("an engine of the user's own is probed at its own list, and its models are taken over", async () => {
  const { base_url } = await gate.admin.call(endpoints.providers.get, { params: { id: "sim-ollama" } });
  assert.ok(!base_url.endsWith("/api"));
  const tested = await gate.admin.call(endpoints.providers.test, { params: { id: "sim-ollama" } });
  assert.equal(tested.ok, true, JSON.stringify(tested));
  assert.ok(gate.simulator.requests.some(({ method, path }) => method === "GET" && path === "/api/tags"));
});
