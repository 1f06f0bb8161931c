import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate } from "../support/gateway.ts";
import { ask, assertRefused, requestIdShape } from "./ask.ts";

/* `GET /v1/models`: what this caller may use now, in the shape that the asking client knows. */

const gate = await openGate();
const anthropicHeaders = { "anthropic-version": "2023-06-01" };

const addModel = (provider: string, name: string, more: object = {}) =>
  gate.admin.call(endpoints.models.create, { params: { id: provider }, input: { name, ...more } });

await addModel("sim-anthropic", "claude-house", { display_name: "House Claude" });
await addModel("sim-anthropic", "shared");
await addModel("sim-chat", "gpt-house");
await addModel("sim-chat", "shared");
await addModel("sim-chat", "vendor/family:large@2026");
await addModel("sim-chat", "llama3.3:70b");
await addModel("sim-responses", "sim-chat/gpt-house");

interface Listed {
  readonly id: string;
}

interface Page {
  readonly data: readonly Listed[];
}

const list = async (headers: Record<string, string> = {}): Promise<readonly string[]> => {
  const reply = await gate.get("/v1/models", headers);
  assert.equal(reply.status, 200);
  return (reply.json() as Page).data.map(({ id }) => id);
};

const all = [
  "sim-anthropic/claude-house",
  "sim-anthropic/shared",
  "sim-chat/gpt-house",
  "sim-chat/llama3.3:70b",
  "sim-chat/shared",
  "sim-chat/vendor/family:large@2026",
  "sim-responses/sim-chat/gpt-house",
];

describe("the list of models", () => {
  test("has OpenAI's shape for all who do not say otherwise", async () => {
    const reply = await gate.get("/v1/models");
    assert.equal(reply.headers["content-type"], "application/json");
    assert.match(String(reply.headers["x-request-id"]), requestIdShape);
    const body = reply.json() as Page & { object: string };
    assert.deepEqual(Object.keys(body), ["object", "data"]);
    assert.equal(body.object, "list");
    assert.deepEqual(
      body.data.map(({ id }) => id),
      all,
    );
    for (const model of body.data) {
      const [owner] = model.id.split("/");
      assert.deepEqual(model, { id: model.id, object: "model", created: 0, owned_by: owner });
    }
  });

  test("has Anthropic's shape for Anthropic's clients, which show only ids that begin with claude", async () => {
    const reply = await gate.get("/v1/models?limit=1000", anthropicHeaders);
    const { data, ...page } = reply.json() as Page;
    assert.deepEqual(page, { has_more: false, first_id: "claude-house", last_id: all.at(-1) });
    assert.deepEqual(data[0], {
      type: "model",
      id: "claude-house",
      display_name: "House Claude",
      created_at: "1970-01-01T00:00:00.000Z",
    });
    assert.deepEqual(
      data.slice(1).map(({ id }) => id),
      all.slice(1),
    );
  });

  test("holds only names that can be asked for", async () => {
    for (const model of ["claude-house", "sim-anthropic/shared"]) {
      assert.equal((await ask(gate, "anthropic-messages", { model })).status, 200, model);
    }
    for (const model of ["sim-chat/llama3.3:70b", "sim-chat/vendor/family:large@2026"]) {
      assert.equal((await ask(gate, "openai-chat", { model })).status, 200, model);
    }
    assert.equal((await ask(gate, "openai-responses", { model: "sim-responses/sim-chat/gpt-house" })).status, 200);
  });

  test("holds only what the key may use", async () => {
    const cases: readonly (readonly [readonly string[], readonly string[]])[] = [
      [["shared"], ["sim-anthropic/shared", "sim-chat/shared"]],
      [["sim-chat/shared"], ["sim-chat/shared"]],
      [["*-house"], ["sim-anthropic/claude-house", "sim-chat/gpt-house", "sim-responses/sim-chat/gpt-house"]],
      [["sim-chat/gpt-*"], ["sim-chat/gpt-house"]],
      [["vendor/*"], []],
      [["sim-chat/vendor/*"], ["sim-chat/vendor/family:large@2026"]],
      [["nothing"], []],
    ];
    for (const [models, expected] of cases) {
      const { key } = await gate.createKey({ models });
      assert.deepEqual(await list({ authorization: `Bearer ${key}` }), expected, models.join());
    }
    const { key } = await gate.createKey({ models: ["nothing"] });
    const reply = await gate.get("/v1/models", { ...anthropicHeaders, authorization: `Bearer ${key}` });
    assert.deepEqual(reply.json(), { data: [], has_more: false, first_id: null, last_id: null });
  });

  test("follows what can be called: no key, no models", async () => {
    const openai = { id: "sim-remote", base_url: "https://provider.example", models: ["remote-1"] };
    await gate.admin.call(endpoints.providers.create, { input: openai });
    assert.ok(!(await list()).includes("sim-remote/remote-1"), "a provider without a key serves nobody");
    const params = { id: "sim-remote" };
    await gate.admin.call(endpoints.providers.update, { params, input: { api_key: "sk-remote-0123456789" } });
    assert.ok((await list()).includes("sim-remote/remote-1"));
    const [credential] = (await gate.admin.call(endpoints.credentials.list, { query: { provider: "sim-remote" } }))
      .data;
    assert.ok(credential);
    await gate.admin.call(endpoints.credentials.disable, { params: { id: credential.id } });
    assert.ok(!(await list()).includes("sim-remote/remote-1"));
    await gate.admin.call(endpoints.providers.remove, { params });
    assert.deepEqual(await list(), all);
  });

  test("is for callers only", async () => {
    assertRefused("openai-chat", await gate.get("/v1/models", { authorization: null }), 401, "missing_key");
    const headers = { authorization: null, ...anthropicHeaders };
    assertRefused("anthropic-messages", await gate.get("/v1/models", headers), 401, "missing_key");
  });
});

describe("one model", () => {
  const get = (id: string, headers: Record<string, string> = {}) => gate.get(`/v1/models/${id}`, headers);
  const idOf = async (id: string, headers: Record<string, string> = {}): Promise<string> => {
    const reply = await get(id, headers);
    assert.equal(reply.status, 200, reply.body.toString());
    assert.match(String(reply.headers["x-request-id"]), requestIdShape);
    return (reply.json() as Listed).id;
  };

  test("is found by its whole name, slashes as they are", async () => {
    for (const id of all) assert.equal(await idOf(encodeURI(id)), id);
    assert.equal(await idOf("sim-chat/vendor/family%3Alarge%402026"), "sim-chat/vendor/family:large@2026");
  });

  test("is found by its bare id, which may have slashes of its own", async () => {
    assert.equal(await idOf("gpt-house"), "sim-chat/gpt-house");
    assert.equal(await idOf("vendor/family:large@2026"), "sim-chat/vendor/family:large@2026");
    assert.equal(await idOf("claude-house", anthropicHeaders), "claude-house");
    assert.equal(await idOf("sim-anthropic/claude-house", anthropicHeaders), "claude-house");
  });

  test("of two readings of a name, the one that a request would take counts", async () => {
    assert.equal(await idOf("sim-chat/gpt-house"), "sim-chat/gpt-house");
    const { key } = await gate.createKey({ models: ["sim-responses/*"] });
    const authorization = `Bearer ${key}`;
    assert.deepEqual(await list({ authorization }), ["sim-responses/sim-chat/gpt-house"]);
  });

  test("that is unknown, or not for this key, does not exist", async () => {
    for (const id of ["nothing", "sim-chat/nothing", "sim-chat", "sim-chat/", "%zz", "%C3%28"]) {
      const message = assertRefused("openai-chat", await get(id), 404, "model_not_found");
      assert.match(message, /no provider here serves the model/, id);
      assertRefused("anthropic-messages", await get(id, anthropicHeaders), 404, "model_not_found");
    }
    const { key } = await gate.createKey({ models: ["shared"] });
    assertRefused("openai-chat", await get("gpt-house", { authorization: `Bearer ${key}` }), 404, "model_not_found");
  });

  test("is not found behind an encoded slash: two programs could read that in two ways", async () => {
    for (const id of ["sim-chat%2fgpt-house", "sim-chat%2Fgpt-house", "gpt-house%00"]) {
      const message = assertRefused("openai-chat", await get(id), 400, "invalid_request");
      assert.match(message, /request target/);
      assertRefused("anthropic-messages", await get(id, anthropicHeaders), 400, "invalid_request");
    }
  });
});
