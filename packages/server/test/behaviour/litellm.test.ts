import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate, send, type Reply } from "../support/gateway.ts";

/* What scripts written for LiteLLM call, answered in its shapes. */

const gate = await openGate();
const admin = gate.gateway.adminToken.reveal();

type Body = Record<string, unknown>;

const post = (path: string, body: object, key = admin): Promise<Reply> =>
  send(gate.gateway.adminUrl + path, "POST", key, {}, JSON.stringify(body));
const get = (path: string, key = admin): Promise<Reply> => send(gate.gateway.adminUrl + path, "GET", key);

async function done(reply: Promise<Reply>): Promise<Body> {
  const { status, body } = await reply;
  assert.equal(status, 200, body.toString());
  return JSON.parse(body.toString()) as Body;
}

const chat = (key: string): Promise<Reply> =>
  gate.post(
    "/v1/chat/completions",
    { model: "sim-chat/test-model", messages: [{ role: "user", content: "hello" }] },
    { authorization: `Bearer ${key}` },
  );

const generate = (input: object = {}): Promise<Body> => done(post("/key/generate", input));

describe("LiteLLM's key management", () => {
  test("makes a key that works, with what was said of it", async () => {
    const made = await generate({
      key_alias: "nightly",
      user_id: "ada",
      team_id: "research",
      models: ["sim-chat/*"],
      duration: "30d",
      metadata: {},
      max_budget: null,
    });
    assert.match(String(made["key"]), /^pc_/);
    assert.equal((await chat(String(made["key"]))).status, 200);
    const { info, key } = await done(get(`/key/info?key=${String(made["key"])}`));
    assert.equal(key, made["token"]);
    const { key_alias, user_id, team_id, models, blocked, expires } = info as Body;
    assert.deepEqual(
      { key_alias, user_id, team_id, models, blocked },
      { key_alias: "nightly", user_id: "ada", team_id: "research", models: ["sim-chat/*"], blocked: false },
    );
    const days = (Date.parse(String(expires)) - Date.now()) / 86_400_000;
    assert.ok(days > 29.9 && days < 30.1);
  });

  test("refuses by name what this gateway would not do, and makes nothing", async () => {
    const before = (await done(get("/key/list")))["total_count"];
    for (const [name, value] of Object.entries({ max_budget: 10, rpm_limit: 5, key: "sk-own", metadata: { a: 1 } })) {
      const reply = await post("/key/generate", { [name]: value });
      assert.equal(reply.status, 400);
      const { error } = reply.json() as { error: { message: string; type: string } };
      assert.match(error.message, new RegExp(`\\b${name}\\b.*leave it out`));
      assert.equal(error.type, "invalid_request_error");
    }
    assert.equal((await done(get("/key/list")))["total_count"], before);
  });

  test("changes only what is given", async () => {
    const { key, token } = await generate({ key_alias: "a", user_id: "bob", models: ["sim-anthropic/*"] });
    assert.equal((await chat(String(key))).status, 403);
    const changed = await done(post("/key/update", { key, models: ["sim-chat/*"] }));
    assert.deepEqual([changed["key"], changed["key_alias"], changed["user_id"]], [token, "a", "bob"]);
    assert.equal((await chat(String(key))).status, 200);
    await done(post("/key/update", { key: token, models: [] }));
    const { models } = await gate.admin.call(endpoints.keys.get, { params: { id: String(token) } });
    assert.equal(models, null, "an empty list allows every model");
  });

  test("blocks, unblocks, regenerates and deletes", async () => {
    const { key, token } = await generate();
    assert.equal((await done(post("/key/block", { key })))["blocked"], true);
    assert.equal((await chat(String(key))).status, 401);
    assert.equal((await done(post("/key/unblock", { key: token })))["blocked"], false);
    const second = await done(post("/key/regenerate", { key }));
    assert.equal((await chat(String(key))).status, 401);
    const third = await done(post(`/key/${String(token)}/regenerate`, {}));
    assert.equal((await chat(String(second["key"]))).status, 401);
    assert.equal((await chat(String(third["key"]))).status, 200);
    assert.deepEqual(await done(post("/key/delete", { keys: [third["key"]] })), { deleted_keys: [token] });
    assert.equal((await chat(String(third["key"]))).status, 401);
    assert.equal((await get(`/key/info?key=${String(token)}`)).status, 404);
  });

  test("deletes all or nothing", async () => {
    const { token } = await generate();
    assert.equal((await post("/key/delete", { keys: [token, "nothing"] })).status, 404);
    assert.equal((await get(`/key/info?key=${String(token)}`)).status, 200);
  });

  test("leaves admins' keys alone: none is prolonged, replaced, blocked or deleted", async () => {
    const made = await gate.createKey({ admin: true });
    const before = await gate.admin.call(endpoints.keys.get, { params: { id: made.id } });
    for (const key of [made.id, made.key]) {
      const replies = [
        await post("/key/update", { key, duration: null }),
        await post("/key/regenerate", { key }),
        await post("/key/block", { key }),
        await post("/key/delete", { keys: [key] }),
        await get(`/key/info?key=${key}`),
      ];
      assert.deepEqual(
        replies.map(({ status }) => status),
        [404, 404, 404, 404, 404],
      );
    }
    assert.deepEqual(await gate.admin.call(endpoints.keys.get, { params: { id: made.id } }), before);
  });

  test("lists keys in pages", async () => {
    for (let index = 0; index < 3; index++) await generate({ team_id: "pages" });
    const first = await done(get("/key/list?team_id=pages&size=2"));
    const second = await done(get("/key/list?team_id=pages&size=2&page=2"));
    assert.deepEqual([first["total_count"], first["total_pages"]], [3, 2]);
    assert.equal(new Set([...(first["keys"] as string[]), ...(second["keys"] as string[])]).size, 3);
  });

  test("is for admins alone, and its changes are in the audit log without the key", async () => {
    const { key } = await generate();
    for (const path of ["/key/generate", "/key/delete", "/key/update", "/key/block"]) {
      const reply = await post(path, { key, keys: [key] }, String(key));
      assert.equal(reply.status, 401, path);
      assert.ok((reply.json() as { error: unknown }).error);
    }
    await done(post("/key/block", { key }));
    const { data } = await gate.admin.call(endpoints.audit.list, { query: { limit: 1 } });
    assert.equal(data[0]?.action, "litellm.block");
    assert.ok(!JSON.stringify(data).includes(String(key)));
  });
});

describe("LiteLLM's other addresses", () => {
  test("tell what a key spent", async () => {
    const { key, token } = await generate({ user_id: "spender" });
    const reply = await chat(String(key));
    const today = new Date().toISOString().slice(0, 10);
    const logs = (await done(
      get(`/spend/logs?api_key=${String(key)}&start_date=${today}&end_date=${today}`),
    )) as unknown;
    assert.ok(Array.isArray(logs));
    assert.equal(logs.length, 1);
    const [row] = logs as Body[];
    assert.equal(row?.["request_id"], reply.headers["x-request-id"]);
    assert.deepEqual([row?.["api_key"], row?.["user"], row?.["spend"]], [token, "spender", null]);
    assert.equal(row?.["total_tokens"], Number(row?.["prompt_tokens"]) + Number(row?.["completion_tokens"]));
  });

  test("tell whether it is alive and ready, without a key", async () => {
    for (const path of ["/health/liveliness", "/health/liveness", "/health/readiness"]) {
      assert.equal((await gate.get(path, { authorization: null })).status, 200, path);
    }
  });

  test("tell of the models that a key may use", async () => {
    await gate.admin.call(endpoints.models.create, {
      params: { id: "sim-chat" },
      input: { name: "priced", price_micros_per_mtok: { input: 3_000_000, output: 15_000_000 } },
    });
    const { key } = await generate({ models: ["sim-chat/priced"] });
    const { data } = JSON.parse((await get("/model/info", String(key))).body.toString()) as { data: Body[] };
    assert.deepEqual(
      data.map((model) => model["model_name"]),
      ["sim-chat/priced"],
    );
    const { input_cost_per_token, output_cost_per_token } = (data[0]?.["model_info"] ?? {}) as Body;
    assert.deepEqual([input_cost_per_token, output_cost_per_token], [0.000003, 0.000015]);
  });
});
