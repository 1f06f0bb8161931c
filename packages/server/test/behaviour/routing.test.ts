import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate, send, type Reply } from "../support/gateway.ts";
import { ask, assertRefused, dialectIds, minimal, modelFor, requestIdShape, type DialectId } from "./ask.ts";

/* Which provider a request goes to, under which name, and what is said where it goes nowhere. */

const gate = await openGate();
const { base_url: upstreamUrl } = await gate.admin.call(endpoints.providers.get, { params: { id: "sim-chat" } });

const addProvider = (id: string, dialect: DialectId, apiKey?: string) =>
  gate.admin.call(endpoints.providers.create, {
    input: {
      id,
      dialect,
      base_url: apiKey === undefined ? "https://provider.example" : upstreamUrl,
      allow_private: apiKey !== undefined,
      ...(apiKey !== undefined && { api_key: apiKey }),
    },
  });
const addModel = (provider: string, name: string) =>
  gate.admin.call(endpoints.models.create, { params: { id: provider }, input: { name } });

const lastUpstream = () => {
  const last = gate.simulator.requests.at(-1);
  assert.ok(last);
  return last;
};
const modelUpstream = (dialect: DialectId): string => {
  const { path, body } = lastUpstream();
  if (dialect !== "gemini") return (JSON.parse(body.toString()) as { model: string }).model;
  return decodeURIComponent(/^\/v1beta\/models\/(.+):generateContent$/.exec(path)?.[1] ?? "");
};

const goesTo = async (dialect: DialectId, model: string, provider: string, name: string): Promise<void> => {
  const reply = await ask(gate, dialect, { model });
  assert.equal(reply.status, 200, reply.body.toString());
  assert.equal(reply.headers["x-portcullis-provider"], provider);
  assert.equal(modelUpstream(dialect), name);
};

describe("a model's name", () => {
  test("as `provider/model` goes to that provider, known there or not", async () => {
    for (const dialect of dialectIds) {
      const provider = modelFor(dialect).split("/")[0] ?? "";
      await goesTo(dialect, `${provider}/never-heard-of`, provider, "never-heard-of");
    }
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
    assert.equal(data[0]?.cost_micros, null, "what it cost is not known, and not said to be nothing");
  });

  test("keeps its own slashes, colons and letters", async () => {
    const names = [
      "vendor/family",
      "llama3.3:70b-q4_K_M",
      "a/b/c:d@e",
      "größe-七",
      "😀",
      "with space",
      "%2f",
      'quote"d',
    ];
    for (const name of names) {
      await goesTo("openai-chat", `sim-chat/${name}`, "sim-chat", name);
      // A slash that is encoded twice is refused in every address.
      if (name !== "%2f") await goesTo("gemini", `sim-gemini/${name}`, "sim-gemini", name);
    }
    const reply = await ask(gate, "openai-chat", { model: "sim-chat/größe\r\nx-evil: 1" });
    assert.equal(reply.status, 200);
    assert.equal(reply.headers["x-portcullis-model"], "gr??e??x-evil: 1");
    assert.equal(reply.headers["x-evil"], undefined);
  });

  test("without a tag means the latest, where only tagged ones are known", async () => {
    await addModel("sim-ollama", "tagged:latest");
    await addModel("sim-ollama", "both:latest");
    await addModel("sim-ollama", "both");
    await goesTo("ollama", "tagged", "sim-ollama", "tagged:latest");
    await goesTo("ollama", "both", "sim-ollama", "both");
    await goesTo("ollama", "tagged:latest", "sim-ollama", "tagged:latest");
  });

  test("bare, goes to the one provider that serves it", async () => {
    await addModel("sim-chat", "only-here");
    await addModel("sim-chat", "family/only-here");
    await goesTo("openai-chat", "only-here", "sim-chat", "only-here");
    await goesTo("openai-chat", "family/only-here", "sim-chat", "family/only-here");
  });

  test("bare, with several that serve it, is for the caller to decide", async () => {
    await addProvider("sim-twin", "openai-chat", gate.providerKey);
    await addModel("sim-chat", "twice");
    await addModel("sim-twin", "twice");
    const message = assertRefused(
      "openai-chat",
      await ask(gate, "openai-chat", { model: "twice" }),
      400,
      "ambiguous_model",
    );
    assert.match(message, /served by several providers: sim-chat, sim-twin\. Ask for one of them as `provider\/twice`/);
    await goesTo("openai-chat", "sim-twin/twice", "sim-twin", "twice");
  });

  test("bare, goes to the provider that speaks the caller's dialect, and to one that can be called", async () => {
    await addModel("sim-chat", "both");
    await addModel("sim-anthropic", "both");
    await goesTo("openai-chat", "both", "sim-chat", "both");
    await goesTo("anthropic-messages", "both", "sim-anthropic", "both");
    await addProvider("sim-keyless", "openai-chat");
    await addModel("sim-keyless", "only-here");
    await goesTo("openai-chat", "only-here", "sim-chat", "only-here");
  });

  test("that nobody serves is not found, and the answer says how to ask", async () => {
    for (const dialect of dialectIds) {
      for (const model of [
        "nobody",
        "nobody/has-this",
        "/x",
        "sim-chat/",
        "SIM-CHAT/x",
        " sim-chat/x",
        "sim-chat",
        "__proto__",
      ]) {
        if (dialect === "gemini" && model.startsWith("/")) continue; // no plain path, and refused as such
        const message = assertRefused(dialect, await ask(gate, dialect, { model }), 404, "model_not_found");
        assert.ok(message.includes(`\`${model}\``) && message.includes("GET /v1/models"), message);
      }
    }
  });

  test("that only a provider without a key serves is told as such", async () => {
    await addModel("sim-keyless", "locked");
    const reply = await ask(gate, "openai-chat", { model: "locked" });
    assert.match(assertRefused("openai-chat", reply, 503, "no_credential"), /credentials add sim-keyless/);
  });

  test("at a provider of another dialect, for what is not translated: the answer says where to send conversations", async () => {
    const before = gate.simulator.stats().requests;
    const paths = {
      "anthropic-messages": "/v1/messages",
      gemini: "/v1beta/models/{model}:generateContent",
      ollama: "/api/chat",
      "openai-responses": "/v1/responses",
    };
    for (const [spoken, path] of Object.entries(paths) as [keyof typeof paths, string][]) {
      const reply = await gate.post("/v1/completions", { model: modelFor(spoken), prompt: "Once" });
      const message = assertRefused("openai-chat", reply, 400, "translation_needed");
      assert.ok(message.includes(`Send it to ${path}`), message);
    }
    assert.equal(gate.simulator.stats().requests, before);
  });

  test("at a provider of another dialect, for what is not translated: the answer names who serves it directly", async () => {
    await addModel("sim-responses", "elsewhere");
    await addModel("sim-chat", "elsewhere");
    const complete = () => gate.post("/v1/completions", { model: "sim-responses/elsewhere", prompt: "Once" });
    const message = assertRefused("openai-chat", await complete(), 400, "translation_needed");
    assert.match(message, /or ask for `sim-chat\/elsewhere`, which is served directly/);
    await addProvider("sim-absent", "openai-chat");
    await addModel("sim-absent", "elsewhere");
    assert.equal(
      assertRefused("openai-chat", await complete(), 400, "translation_needed"),
      message,
      "one that can be called",
    );
  });
});

describe("the rest of the address", () => {
  test("a query goes along as it is", async () => {
    for (const query of ["?beta=true", "?a=%2f%20&a=2&b", "?api-version=2024-10-21&x=%C3%BC"]) {
      const { path, body, headers } = minimal["anthropic-messages"];
      const asked = { model: modelFor("anthropic-messages"), ...body("hello") };
      assert.equal((await gate.post(path + query, asked, headers)).status, 200);
      assert.equal(lastUpstream().path, `/v1/messages${query}`);
    }
  });

  test("a base URL's own path stays in front", async () => {
    const base_url = `${upstreamUrl}/openai/v1`;
    const input = {
      id: "sim-deep",
      dialect: "openai-chat",
      base_url,
      allow_private: true,
      api_key: gate.providerKey,
    } as const;
    await gate.admin.call(endpoints.providers.create, { input });
    await goesTo("openai-chat", "sim-deep/m", "sim-deep", "m");
    assert.equal(lastUpstream().path, "/openai/v1/chat/completions");
  });
});

describe("addresses that are not a dialect's", () => {
  const bare = (method: string, path: string, headers: Record<string, string | null> = {}): Promise<Reply> =>
    send(gate.url + path, method, "", { authorization: null, ...headers });

  test("the root and the probes answer everyone", async () => {
    for (const path of ["/", "/api/hello"]) {
      const reply = await bare("GET", path);
      assert.equal(reply.status, 200);
      assert.equal((reply.json() as { name: string }).name, "portcullis");
    }
    for (const path of ["/health", "/healthz"]) {
      const reply = await bare("GET", path);
      assert.equal(reply.status, 200);
      const { status, version, timestamp } = reply.json() as Record<string, string>;
      assert.equal(status, "ok");
      assert.match(version ?? "", /^\d+\.\d+\.\d+/);
      assert.ok(Math.abs(Date.parse(timestamp ?? "") - Date.now()) < 60_000);
    }
    const ready = await bare("GET", "/readyz");
    assert.deepEqual([ready.status, ready.json()], [200, { status: "ready" }]);
  });

  test("HEAD answers as GET does, without a body", async () => {
    for (const path of ["/", "/health", "/healthz", "/readyz"]) {
      const reply = await bare("HEAD", path);
      assert.equal(reply.status, 200, path);
      assert.equal(reply.body.length, 0);
      assert.ok(Number(reply.headers["content-length"]) > 0);
    }
  });

  test("while the vault is sealed the process is alive and not ready", async () => {
    const sealable = await openGate();
    await sealable.admin.call(endpoints.vault.seal);
    const get = (path: string): Promise<Reply> => sealable.get(path, { authorization: null });
    assert.equal((await get("/healthz")).status, 200);
    assert.equal((await get("/")).status, 200);
    const ready = await get("/readyz");
    assert.deepEqual([ready.status, ready.json()], [503, { status: "not ready", problem: "the vault is sealed" }]);
    await sealable.admin.call(endpoints.vault.unseal, { input: {} });
    assert.equal((await get("/readyz")).status, 200);
  });

  test("an unknown address is not found, in the caller's dialect", async () => {
    for (const path of [
      "/v1/nothing",
      "/v1/messages/batches/x",
      "/v1/chat",
      "/v1",
      "/v2/messages",
      "/readyz/",
      "/health/x",
    ]) {
      for (const method of ["GET", "POST", "DELETE"]) {
        const reply = await bare(method, path);
        assert.equal(
          assertRefused("openai-chat", reply, 404, "route_not_found"),
          `there is nothing at ${method} ${path}`,
        );
        const anthropic = await bare(method, path, { "anthropic-version": "2023-06-01" });
        assertRefused("anthropic-messages", anthropic, 404, "route_not_found");
      }
    }
  });

  test("a known address with another method is told which it takes", async () => {
    // What Gemini's clients post to is also the address of what might be a model's name.
    for (const dialect of dialectIds.filter((id) => id !== "gemini")) {
      const { path } = minimal[dialect];
      for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
        const reply = await bare(method, path);
        assert.match(assertRefused(dialect, reply, 405, "method_not_allowed"), /it takes POST$/);
        assert.equal(reply.headers.allow, "POST");
      }
      const head = await bare("HEAD", path);
      assert.deepEqual([head.status, head.body.length, head.headers.allow], [405, 0, "POST"]);
      assert.match(String(head.headers["x-request-id"]), requestIdShape);
    }
    const models = await bare("POST", "/v1/models");
    assertRefused("openai-chat", models, 405, "method_not_allowed");
    assert.equal(models.headers.allow, "GET");
  });
});
