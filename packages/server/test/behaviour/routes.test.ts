import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { endpoints, type CallOf, type RouteExplanation } from "@portcullis/contract";
import { databases } from "../support/databases.ts";
import { openGate, send, type Gate, type GateOptions, type Reply } from "../support/gateway.ts";
import { ask, assertRefused, type DialectId } from "./ask.ts";

/* Names that callers ask for in place of a model: made over the API or declared in the file, listed, and explained. */

const { routes } = endpoints;
type Explained = NonNullable<CallOf<typeof routes.explain>["input"]>;

const failure = (status: number, code: string) => (thrown: unknown) =>
  typeof thrown === "object" &&
  thrown !== null &&
  "status" in thrown &&
  "code" in thrown &&
  thrown.status === status &&
  thrown.code === code;

const goesTo = async (gate: Gate, dialect: DialectId, model: string, target: string): Promise<void> => {
  const reply = await ask(gate, dialect, { model });
  assert.equal(reply.status, 200, reply.body.toString());
  const { "x-portcullis-provider": provider, "x-portcullis-model": id } = reply.headers;
  assert.equal(`${String(provider)}/${String(id)}`, target);
};

async function openWith(options: GateOptions = {}) {
  const gate = await openGate(options);
  const set = (name: string, input: NonNullable<CallOf<typeof routes.set>["input"]>) =>
    gate.admin.call(routes.set, { params: { name }, input });
  const explain = (input: Explained): Promise<RouteExplanation> => gate.admin.call(routes.explain, { input });
  const addModel = (id: string, name: string, more: object = {}) =>
    gate.admin.call(endpoints.models.create, { params: { id }, input: { name, ...more } });
  return { gate, set, explain, addModel };
}

for (const database of databases) {
  test(`a route that is set is in force for the next request, and so is its removal (${database.name})`, {
    skip: database.skip,
  }, async () => {
    const storageUrl = await database.create("empty");
    const { gate, set } = await openWith({ storageUrl });
    await set("house", { target: "sim-chat/first" });
    await goesTo(gate, "openai-chat", "house", "sim-chat/first");
    await set("house", { targets: ["sim-chat/second"], lossy: "deny" });
    await goesTo(gate, "openai-chat", "house", "sim-chat/second");
    await set("claude-*", { tiers: { completion: "sim-anthropic/medium", value: "sim-anthropic/small" } });
    await goesTo(gate, "anthropic-messages", "claude-sonnet-4-5", "sim-anthropic/medium");
    await goesTo(gate, "anthropic-messages", "claude-haiku-4-5[1m]", "sim-anthropic/small");
    const { data } = await gate.admin.call(routes.list, {});
    assert.deepEqual(
      data.map(({ name, targets, tiers, lossy, source, problem }) => ({
        name,
        targets,
        tiers,
        lossy,
        source,
        problem,
      })),
      [
        {
          name: "claude-*",
          targets: null,
          tiers: { reasoning: null, completion: "sim-anthropic/medium", value: "sim-anthropic/small" },
          lossy: null,
          source: "stored",
          problem: null,
        },
        { name: "house", targets: ["sim-chat/second"], tiers: null, lossy: "deny", source: "stored", problem: null },
      ],
    );
    await gate.admin.call(routes.remove, { params: { name: "house" } });
    assertRefused("openai-chat", await ask(gate, "openai-chat", { model: "house" }), 404, "model_not_found");
    await gate.close();
    const again = await openGate({ storageUrl, home: gate.home });
    assert.deepEqual((await again.admin.call(routes.list, {})).data, [data[0]]);
  });
}

test("a request with thinking turned on goes to the reasoning tier, unless its name says otherwise", async () => {
  const { gate, set } = await openWith();
  const [reasoning, completion, value] = ["large", "medium", "small"].map((size) => `sim-anthropic/${size}`);
  await set("claude-*", { tiers: { reasoning, completion: completion ?? "", value } });
  const thinking = { type: "enabled", budget_tokens: 1024 };
  const table = { "claude-sonnet-4-5[1m]": reasoning, "claude-haiku-4-5": value, "claude-opus-4-5": reasoning };
  for (const [model, target] of Object.entries(table)) {
    const reply = await ask(gate, "anthropic-messages", { model, thinking, max_tokens: 2048 });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(`sim-anthropic/${String(reply.headers["x-portcullis-model"])}`, target, model);
  }
});

test("making a route answers 201, changing it 200, and names with odd letters have an address", async () => {
  const { gate } = await openWith();
  const { token } = { token: gate.gateway.adminToken.reveal() };
  const put = (name: string, body: object): Promise<Reply> =>
    send(
      `${gate.url}/api/v1/routes/${encodeURIComponent(name)}`,
      "PUT",
      token,
      { "content-type": "application/json" },
      JSON.stringify(body),
    );
  for (const name of ["claude-opus-4-5[1m]", "*", "llama3.3:70b", "a?b#c;d@e+f=g&h", 'quote"d', "explain", "{name}"]) {
    assert.equal((await put(name, { target: "sim-chat/x" })).status, 201, name);
    assert.equal((await put(name, { target: "sim-chat/x" })).status, 200, name);
    assert.equal((await gate.admin.call(routes.get, { params: { name } })).name, name);
    await gate.admin.call(routes.remove, { params: { name } });
  }
  for (const body of [{ target: "sim-chat/x", surprise: 1 }, {}, { target: "x" }, { targets: [] }, { tiers: {} }]) {
    assert.equal((await put("house", body)).status, 400, JSON.stringify(body));
  }
  const two = await put("house", { targets: ["sim-chat/x", "sim-gemini/x"] });
  assert.match(two.body.toString(), /has 2 targets, and a route leads to exactly one: requests do not fail over/);
  assert.match((await put("house", { target: "nobody/x" })).body.toString(), /there is no provider `nobody`/);
  assert.deepEqual((await gate.admin.call(routes.list, {})).data, []);
});

test("every change is in the audit log before it is made, and so is a question", async () => {
  const { gate, set, explain } = await openWith();
  await set("house", { tiers: { completion: "sim-chat/x" }, lossy: "deny", display_name: "House" });
  await assert.rejects(set("house", { target: "nobody/x" }), failure(400, "invalid_request"));
  await explain({ model: "house", dialect: "gemini", thinking: true, key_id: gate.keyId });
  await gate.admin.call(routes.remove, { params: { name: "house" } });
  const { data } = await gate.admin.call(endpoints.audit.list, { query: { limit: 4 } });
  assert.deepEqual(
    data.map(({ action, target, detail }) => [action, target, detail]),
    [
      ["routes.remove", "house", {}],
      ["routes.explain", "", { model: "house", dialect: "gemini", thinking: true, key_id: gate.keyId }],
      ["routes.set", "house", { target: "nobody/x" }],
      ["routes.set", "house", { tiers: { completion: "sim-chat/x" }, lossy: "deny", display_name: "House" }],
    ],
  );
});

test("a key's list is asked of where a route leads, whatever the route is called", async () => {
  const { gate, set } = await openWith();
  await set("allowed-name", { target: "sim-chat/secret" });
  await set("other-name", { target: "sim-chat/allowed-model" });
  const { key } = await gate.createKey({ models: ["allowed-*"] });
  const headers = { authorization: `Bearer ${key}` };
  const refused = await ask(gate, "openai-chat", { model: "allowed-name" }, headers);
  assertRefused("openai-chat", refused, 403, "model_not_allowed");
  assert.equal((await ask(gate, "openai-chat", { model: "other-name" }, headers)).status, 200);
});

describe("a route in the lists of models", async () => {
  const { gate, set, addModel } = await openWith();
  await addModel("sim-chat", "gpt-house", { display_name: "GPT House", context_tokens: 1000 });
  await addModel("sim-anthropic", "claude-own");
  await addModel("sim-anthropic", "claude-hidden");
  await set("claude-house", { target: "sim-chat/gpt-house", display_name: "House Claude" });
  await set("claude-tiers", { tiers: { completion: "sim-chat/unheard-of", reasoning: "sim-anthropic/claude-own" } });
  await set("claude-hid*", { target: "sim-chat/gpt-house" });
  const anthropic = { "anthropic-version": "2023-06-01" };
  const body = async (path: string, headers: Record<string, string> = {}): Promise<unknown> => {
    const reply = await gate.get(path, headers);
    assert.equal(reply.status, 200, reply.body.toString());
    return reply.json();
  };

  test("comes first, and says where it leads, in Anthropic's shape", async () => {
    const { data } = (await body("/v1/models", anthropic)) as { data: { id: string; display_name: string }[] };
    assert.deepEqual(
      data.map(({ id, display_name }) => [id, display_name]),
      [
        ["claude-house", "House Claude (→ sim-chat/gpt-house)"],
        ["claude-tiers", "claude-tiers (→ sim-chat/unheard-of)"],
        ["sim-anthropic/claude-hidden", "claude-hidden"], // by its bare id it would lead elsewhere
        ["claude-own", "claude-own"],
        ["sim-chat/gpt-house", "GPT House"],
      ],
    );
  });

  test("says it in OpenAI's, Gemini's, Ollama's and LiteLLM's shape, too", async () => {
    const first = { id: "claude-house", leads: "sim-chat/gpt-house", name: "House Claude (→ sim-chat/gpt-house)" };
    const openai = (await body("/v1/models")) as { data: object[] };
    const { id, leads, name } = first;
    assert.deepEqual(openai.data[0], { id, object: "model", created: 0, owned_by: "sim-chat", name });
    const gemini = (await body("/v1beta/models")) as { models: object[] };
    assert.partialDeepStrictEqual(gemini.models[0], { name: `models/${id}`, displayName: name, inputTokenLimit: 1000 });
    const tags = (await body("/api/tags")) as { models: object[] };
    assert.partialDeepStrictEqual(tags.models[0], { name: id, model: id, details: { parent_model: leads } });
    const info = (await body("/model/info")) as { data: object[] };
    assert.partialDeepStrictEqual(info.data[0], {
      model_name: id,
      litellm_params: { model: leads },
      model_info: { id },
    });
  });

  test("is found by its own name, and a pattern by each name that fits", async () => {
    const one = (id: string) => body(`/v1/models/${encodeURIComponent(id)}`, anthropic);
    assert.partialDeepStrictEqual(await one("claude-house"), { display_name: "House Claude (→ sim-chat/gpt-house)" });
    for (const id of ["claude-hidden", "claude-hid-x"]) {
      assert.partialDeepStrictEqual(await one(id), { id, display_name: `${id} (→ sim-chat/gpt-house)` });
    }
    assert.partialDeepStrictEqual(await body("/v1/models/sim-anthropic/claude-hidden"), {
      id: "sim-anthropic/claude-hidden",
    });
  });

  test("is described to Ollama's clients, by its own name", async () => {
    const reply = await gate.post("/api/show", { model: "claude-house" });
    assert.equal(reply.status, 200);
    assert.partialDeepStrictEqual(reply.json(), {
      name: "claude-house",
      details: { parent_model: "sim-chat/gpt-house" },
    });
    const own = await gate.post("/api/show", { model: "gpt-house" });
    assert.partialDeepStrictEqual(own.json(), { name: "gpt-house", details: { parent_model: "" } });
  });

  test("is there for callers that may use its model, while that can be called", async () => {
    const ids = async (headers: Record<string, string>) =>
      ((await body("/v1/models", { ...anthropic, ...headers })) as { data: { id: string }[] }).data.map(({ id }) => id);
    const { key } = await gate.createKey({ models: ["claude-*"] });
    assert.deepEqual(await ids({ authorization: `Bearer ${key}` }), ["sim-anthropic/claude-hidden", "claude-own"]);
    await gate.admin.call(endpoints.providers.create, { input: { id: "keyless", base_url: "https://a.example" } });
    await set("claude-later", { target: "keyless/x" });
    assert.ok(!(await ids({})).includes("claude-later"));
    const params = { id: "keyless" };
    await gate.admin.call(endpoints.providers.update, { params, input: { api_key: "sk-0123456789abcdef" } });
    assert.ok((await ids({})).includes("claude-later"));
    await gate.admin.call(endpoints.providers.remove, { params });
    assert.ok(!(await ids({})).includes("claude-later"));
    const { problem } = await gate.admin.call(routes.get, { params: { name: "claude-later" } });
    assert.equal(problem, "the route `claude-later` leads to `keyless/x`, and there is no provider `keyless`");
    const refused = await ask(gate, "openai-chat", { model: "claude-later" });
    assertRefused("openai-chat", refused, 503, "route_broken");
  });
});

describe("an explanation", async () => {
  const { gate, set, explain, addModel } = await openWith();
  const price = { input: 1_000_000, output: 2_000_000 };
  await addModel("sim-responses", "large", { price_micros_per_mtok: price });
  await set("claude-*", { tiers: { reasoning: "sim-responses/large", completion: "sim-chat/medium" }, lossy: "deny" });
  const { data } = await gate.admin.call(endpoints.credentials.list, {});
  const credentialOf = (id: string): string => data.find(({ provider }) => provider === id)?.id ?? "";

  test("says where a request would go, as what, and with which credential; nobody is called", async () => {
    const before = gate.simulator.stats().requests;
    const asked = { model: "claude-sonnet-4-5", dialect: "anthropic-messages", thinking: true } as const;
    assert.deepEqual(await explain(asked), {
      model: "claude-sonnet-4-5",
      route: "claude-*",
      tier: "reasoning",
      target: { provider: "sim-responses", model: "large" },
      dialect: "anthropic-messages",
      upstream_dialect: "openai-responses",
      translated: true,
      lossy: "deny",
      credential: credentialOf("sim-responses"),
      price_micros_per_mtok: price,
      price_micros_per_unit: null,
      losses: null,
      allowed: null,
      problem: null,
    });
    assert.deepEqual(await explain({ model: "sim-chat/x" }), {
      model: "sim-chat/x",
      route: null,
      tier: null,
      target: { provider: "sim-chat", model: "x" },
      dialect: "openai-chat",
      upstream_dialect: "openai-chat",
      translated: false,
      lossy: "allow",
      credential: credentialOf("sim-chat"),
      price_micros_per_mtok: null,
      price_micros_per_unit: null,
      losses: null,
      allowed: null,
      problem: null,
    });
    assert.equal(gate.simulator.stats().requests, before);
  });

  test("takes no credential's turn", async () => {
    const second = { provider: "sim-chat", value: gate.providerKey, label: "second" };
    await gate.admin.call(endpoints.credentials.create, { input: second });
    for (let round = 0; round < 4; round += 1) {
      const { credential } = await explain({ model: "sim-chat/x" });
      assert.equal((await explain({ model: "sim-chat/x" })).credential, credential);
      const reply = await ask(gate, "openai-chat", { model: "sim-chat/x" });
      assert.equal(reply.headers["x-portcullis-credential"], credential);
    }
  });

  test("says whether a key may do it, and if not why", async () => {
    const problemFor = async (key: object, model: string) => {
      const { id } = await gate.createKey({ ...key });
      const { allowed, problem } = await explain({ model, key_id: id });
      return [allowed, problem?.code];
    };
    assert.deepEqual(await problemFor({}, "sim-chat/x"), [true, undefined]);
    assert.deepEqual(await problemFor({ models: ["medium"] }, "claude-sonnet-4-5"), [true, undefined]);
    assert.deepEqual(await problemFor({ models: ["claude-*"] }, "claude-sonnet-4-5"), [false, "model_not_allowed"]);
    assert.deepEqual(await problemFor({ service: "tts" }, "sim-chat/x"), [false, "service_not_allowed"]);
    assert.deepEqual(await problemFor({ admin: true }, "sim-chat/x"), [false, "invalid_key"]);
    const { id } = await gate.createKey();
    await gate.admin.call(endpoints.keys.disable, { params: { id } });
    const { allowed, problem } = await explain({ model: "sim-chat/x", key_id: id });
    assert.deepEqual([allowed, problem?.code], [false, "key_disabled"]);
    await assert.rejects(explain({ model: "sim-chat/x", key_id: "nobody" }), failure(404, "not_found"));
  });

  test("tells what a caller would be told, where a request would be refused", async () => {
    const nobody = await explain({ model: "nobody" });
    assert.deepEqual([nobody.target, nobody.upstream_dialect, nobody.problem?.code], [null, null, "model_not_found"]);
    await gate.admin.call(endpoints.providers.create, { input: { id: "keyless", base_url: "https://a.example" } });
    await set("locked", { target: "keyless/x" });
    const locked = await explain({ model: "locked" });
    assert.deepEqual([locked.route, locked.credential, locked.problem?.code], ["locked", null, "no_credential"]);
    assert.match(locked.problem?.hint ?? "", /credentials add keyless/);
    await gate.admin.call(endpoints.providers.remove, { params: { id: "keyless" } });
    const broken = await explain({ model: "locked" });
    assert.deepEqual([broken.route, broken.target, broken.problem?.code], ["locked", null, "route_broken"]);
    await gate.admin.call(endpoints.vault.seal, {});
    assert.equal((await explain({ model: "sim-chat/x" })).problem?.code, "vault_sealed");
  });
});

test("routes of the file follow it, all or none, and are read-only here", async () => {
  const gate = await openGate({ config: "routes: { house: { target: sim-chat/first } }\n" });
  const change = (text: string): Promise<boolean> => {
    writeFileSync(join(gate.home, "portcullis.yaml"), text);
    return gate.gateway.reload();
  };
  const explain = (model: string) => gate.admin.call(routes.explain, { input: { model } });
  await goesTo(gate, "openai-chat", "house", "sim-chat/first");
  const [declared] = (await gate.admin.call(routes.list, {})).data;
  assert.deepEqual([declared?.source, declared?.created_at], ["declared", null]);
  const params = { name: "house" };
  const refused = failure(409, "route_declared");
  await assert.rejects(gate.admin.call(routes.set, { params, input: { target: "sim-chat/x" } }), refused);
  await assert.rejects(gate.admin.call(routes.remove, { params }), refused);

  assert.equal(await change("routes:\n  house: { target: sim-chat/second }\n  bad: { target: x }\n"), false);
  const { problem } = (await gate.admin.call(endpoints.status.get)).config;
  assert.match(problem ?? "", /portcullis\.yaml:3:18: "routes\.bad\.target" must be a model at a provider/);
  await goesTo(gate, "openai-chat", "house", "sim-chat/first");

  const next =
    'translation: { lossy: deny }\nroutes:\n  "ho*": { target: sim-chat/second }\n  gone: { target: gone/x }\n';
  assert.equal(await change(next), true);
  await goesTo(gate, "openai-chat", "house", "sim-chat/second");
  assert.equal((await explain("house")).lossy, "deny");
  assert.ok(gate.logLines.some((line) => /leads to a provider that is not there.*"route":"gone"/.test(line)));
  const { data } = await gate.admin.call(endpoints.audit.list, {});
  assert.deepEqual(data.find(({ action }) => action === "config.reload")?.detail, {
    changed: ["routes.gone.target", "routes.ho*.target", "routes.house.target", "translation.lossy"],
  });

  await gate.admin.call(routes.set, { params, input: { target: "sim-chat/own" } });
  await goesTo(gate, "openai-chat", "house", "sim-chat/own");
  assert.equal(await change("# nothing is declared any more\n"), true);
  await goesTo(gate, "openai-chat", "house", "sim-chat/own");
  assertRefused("openai-chat", await ask(gate, "openai-chat", { model: "hotel" }), 404, "model_not_found");
  assert.equal((await explain("sim-chat/x")).lossy, "allow");
});
