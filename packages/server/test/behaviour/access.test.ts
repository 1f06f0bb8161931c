import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { endpoints, type ErrorCode } from "@portcullis/contract";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { openGate, send, simulated, type Gate, type Reply } from "../support/gateway.ts";
import {
  ask,
  assertRefused,
  dialectIds,
  minimal,
  modelFor,
  normalEnd,
  openStream,
  requestIdShape,
  until,
  type DialectId,
} from "./ask.ts";

/* Whose key opens what, for how long, and how each refusal reads in each dialect. */

const gate = await openGate();

/** Asks with another key than the gate's own. */
const askWith = (key: string, dialect: DialectId, body: object = {}, headers: Record<string, string> = {}) =>
  ask(gate, dialect, body, { ...headers, authorization: `Bearer ${key}` });

/** That `key` is refused in every dialect, with this status and code, and nothing reaches a provider. */
async function assertRefusedEverywhere(key: string, status: number, code: ErrorCode, message: RegExp): Promise<void> {
  const before = gate.simulator.stats().requests;
  for (const dialect of dialectIds) {
    assert.match(assertRefused(dialect, await askWith(key, dialect), status, code), message);
  }
  const authorization = `Bearer ${key}`;
  assert.match(assertRefused("openai-chat", await gate.get("/v1/models", { authorization }), status, code), message);
  const anthropic = { authorization, "anthropic-version": "2023-06-01" };
  assert.match(assertRefused("anthropic-messages", await gate.get("/v1/models", anthropic), status, code), message);
  assert.equal(gate.simulator.stats().requests, before);
}

async function assertServedEverywhere(key: string): Promise<void> {
  for (const dialect of dialectIds) assert.equal((await askWith(key, dialect)).status, 200, dialect);
}

async function assertCut(reply: Awaited<ReturnType<typeof openStream>>, dialect: DialectId): Promise<void> {
  const before = performance.now();
  assert.equal(await reply.over, "ended");
  assert.ok(performance.now() - before < 1_000, "within a second");
  const event = {
    "anthropic-messages":
      /\n\nevent: error\ndata: \{"type":"error","error":\{"type":"authentication_error",[^\n]+\n\n$/,
    gemini: /\r\n\r\ndata: \{"error":\{"code":401,[^\n]+"status":"UNAUTHENTICATED"\}\}\n\n$/,
    ollama: /\n\{"error":"[^"\n]+ `portcullis [^"\n]+"\}\n$/,
    "openai-chat": /\n\ndata: \{"error":\{[^\n]+"code":"invalid_api_key"\}\}\n\n$/,
    "openai-responses": /\n\nevent: response\.failed\ndata: \{"type":"response\.failed",[^\n]+\n\n$/,
  };
  assert.match(reply.text(), event[dialect]);
  assert.doesNotMatch(reply.text(), normalEnd);
}

const slow = { paceMs: 20, deltas: 500, writes: "event" } as const;

describe("no key, or not one of ours", () => {
  test("without a key there is no answer but how to send one", async () => {
    for (const dialect of dialectIds) {
      const reply = await ask(gate, dialect, {}, { authorization: null });
      assert.match(assertRefused(dialect, reply, 401, "missing_key"), /Authorization: Bearer pc_/);
      assert.equal(reply.headers["www-authenticate"], "Bearer");
    }
  });

  test("a wrong, cut, mistyped or foreign key is one and the same error", async () => {
    const mistyped = gate.key.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
    const otherSecret = (await gate.createKey()).key;
    const swapped = gate.key.slice(0, 20) + otherSecret.slice(20);
    for (const key of [mistyped, gate.key.slice(0, -3), swapped, "pc_x", "sk-ant-foreign", `${gate.key}0`]) {
      await assertRefusedEverywhere(key, 401, "invalid_key", /not a valid Portcullis key/);
    }
  });

  test("a key in a scheme other than Bearer is no key, and one in the query is told where it belongs", async () => {
    for (const authorization of [`Basic ${gate.key}`, gate.key, "Bearer"]) {
      assertRefused("openai-chat", await ask(gate, "openai-chat", {}, { authorization }), 401, "missing_key");
    }
    const { path, body } = minimal["openai-chat"];
    const asked = { model: modelFor("openai-chat"), ...body("hello") };
    const reply = await gate.post(`${path}?key=${gate.key}&api_key=${gate.key}`, asked, { authorization: null });
    assert.match(assertRefused("openai-chat", reply, 400, "invalid_request"), /send it as a header/);
  });

  test("nothing of the body is looked at before the key is known", async () => {
    const reply = await send(`${gate.url}/v1/messages`, "POST", "pc_wrong", {}, "{ this is no JSON");
    assertRefused("anthropic-messages", reply, 401, "invalid_key");
  });
});

test("every reply has an id of its own, whatever id the caller sends", async () => {
  const seen = new Set<string>();
  const own = { "x-request-id": "01m7xkeyof0the0caller00000" };
  for (const dialect of dialectIds) {
    for (const [body, headers] of [
      [{}, {}],
      [{ stream: true }, {}],
      [{}, scriptHeaders({ status: 429 })],
      [{}, scriptHeaders({ status: 401 })],
      [{ model: "nobody" }, {}],
    ] as const) {
      const reply = await ask(gate, dialect, body, { ...own, ...headers });
      const id = String(reply.headers["x-request-id"]);
      assert.match(id, requestIdShape);
      const row = await gate.admin.call(endpoints.requests.get, { params: { id } });
      assert.equal(row.status, reply.status);
      seen.add(id);
    }
  }
  for (const path of ["/v1/models", "/v1/models/nothing", "/v1/nowhere"]) {
    const reply = await gate.get(path, own);
    assert.match(String(reply.headers["x-request-id"]), requestIdShape);
    seen.add(String(reply.headers["x-request-id"]));
  }
  assert.equal(seen.size, dialectIds.length * 5 + 3);
  assert.ok(!seen.has(own["x-request-id"]));
});

describe("a key limited to some models", () => {
  const cases: readonly {
    readonly list: readonly string[];
    readonly allowed: readonly string[];
    readonly refused: readonly string[];
  }[] = [
    {
      list: ["house-model"],
      allowed: ["sim-chat/house-model", "house-model", "sim-chat/HOUSE-MODEL"],
      refused: [
        "sim-chat/house-model-2",
        "sim-chat/house",
        "sim-chat/other",
        "sim-chat/house-model ",
        "sim-chat/x/house-model",
      ],
    },
    {
      list: ["sim-chat/house-model"],
      allowed: ["sim-chat/house-model", "house-model"],
      refused: [
        "sim-twin/house-model",
        "sim-twin/sim-chat/house-model",
        "sim-twin/SIM-Chat/house-model",
        "sim-chat/sim-chat/house-model",
        "sim-chat/other",
      ],
    },
    {
      list: ["house-*"],
      allowed: ["sim-chat/house-model", "sim-twin/house-large", "house-model"],
      refused: ["sim-chat/other", "sim-chat/my-house-model", "sim-chat/x/house-model"],
    },
    {
      list: ["sim-chat/*"],
      allowed: ["sim-chat/house-model", "sim-chat/anything/at:all"],
      refused: ["sim-twin/house-model", "sim-twin/sim-chat/house-model", "twin-model"],
    },
    {
      list: ["*-mini", "sim-twin/a*z"],
      allowed: ["sim-chat/x-mini", "sim-twin/a-to-z"],
      refused: ["sim-chat/a-to-z", "sim-twin/az2"],
    },
  ];

  before(async () => {
    const upstream = await gate.admin.call(endpoints.providers.get, { params: { id: "sim-chat" } });
    const twin = { id: "sim-twin", dialect: "openai-chat", base_url: upstream.base_url, allow_private: true } as const;
    await gate.admin.call(endpoints.providers.create, { input: { ...twin, api_key: gate.providerKey } });
    await gate.admin.call(endpoints.models.create, { params: { id: "sim-chat" }, input: { name: "house-model" } });
    await gate.admin.call(endpoints.models.create, { params: { id: "sim-twin" }, input: { name: "twin-model" } });
  });

  for (const { list, allowed, refused } of cases) {
    test(`by ${list.join(" and ")}`, async () => {
      const { id, key } = await gate.createKey({ models: list });
      for (const model of allowed) {
        assert.equal((await askWith(key, "openai-chat", { model })).status, 200, model);
      }
      const before = gate.simulator.stats().requests;
      for (const model of refused) {
        const reply = await askWith(key, "openai-chat", { model });
        const message = assertRefused("openai-chat", reply, 403, "model_not_allowed");
        assert.ok(message.includes(id) && message.includes(list.join(", ")), message);
      }
      assert.equal(gate.simulator.stats().requests, before);
    });
  }

  test("no spelling of the JSON gets past the list", async () => {
    const { key } = await gate.createKey({ models: ["house-model"] });
    const raw = (text: string): Promise<Reply> => send(`${gate.url}/v1/chat/completions`, "POST", key, {}, text);
    const rest = '"messages":[{"role":"user","content":"hello"}]';
    const before = gate.simulator.stats().requests;
    const escaped = '"sim-chat\\u002fsecret-\\u006dodel"';
    assertRefused("openai-chat", await raw(`{"model":${escaped},${rest}}`), 403, "model_not_allowed");
    assertRefused("openai-chat", await raw(`{"m\\u006fdel":"sim-chat/secret",${rest}}`), 403, "model_not_allowed");
    const twice = [
      `{"model":"house-model",${rest},"model":"sim-chat/secret"}`,
      `{"model":"house-model",${rest},"m\\u006fdel":"sim-chat/secret"}`,
      `{"model":"house-model",${rest},"Model":"sim-chat/secret"}`,
    ];
    for (const text of twice) assertRefused("openai-chat", await raw(text), 400, "invalid_json");
    assert.equal(gate.simulator.stats().requests, before);
  });

  for (const dialect of dialectIds) {
    test(`the refusal, in ${dialect}`, async () => {
      const { key } = await gate.createKey({ models: ["nothing-*"] });
      for (const stream of [false, true]) {
        const message = assertRefused(dialect, await askWith(key, dialect, { stream }), 403, "model_not_allowed");
        assert.match(message, /may not use the model `test-model`\. Its models are: nothing-\*/);
      }
    });
  }
});

describe("a key limited otherwise", () => {
  test("works until it expires", async () => {
    const { id, key } = await gate.createKey({ expires_in: "400ms" });
    assert.equal((await askWith(key, "openai-chat")).status, 200);
    await until("the key has expired", async () => (await askWith(key, "openai-chat")).status === 401);
    await assertRefusedEverywhere(key, 401, "key_expired", new RegExp(`the key ${id} expired on 20`));
  });

  test("opens the service it is for and no other", async () => {
    await assertServedEverywhere((await gate.createKey({ service: "chat" })).key);
    const { key } = await gate.createKey({ service: "tts" });
    await assertRefusedEverywhere(key, 403, "service_not_allowed", /for the service `tts` only/);
  });

  test("works from the addresses on its list, whatever a header says", async () => {
    await assertServedEverywhere((await gate.createKey({ allow_ip: ["10.0.0.0/8", "127.0.0.0/8"] })).key);
    const { key } = await gate.createKey({ allow_ip: ["10.0.0.0/8", "2001:db8::1"] });
    await assertRefusedEverywhere(key, 403, "address_not_allowed", /may not be used from 127\.0\.0\.1/);
    for (const name of ["x-forwarded-for", "x-real-ip", "forwarded", "true-client-ip", "cf-connecting-ip"]) {
      const claimed = name === "forwarded" ? "for=10.0.0.1" : "10.0.0.1";
      assertRefused(
        "openai-chat",
        await askWith(key, "openai-chat", {}, { [name]: claimed }),
        403,
        "address_not_allowed",
      );
    }
  });
});

describe("a key taken back", () => {
  test("is refused from the moment it is disabled, and taken again once enabled", async () => {
    const { id, key } = await gate.createKey();
    await assertServedEverywhere(key);
    await gate.admin.call(endpoints.keys.disable, { params: { id } });
    await assertRefusedEverywhere(key, 401, "key_disabled", new RegExp(`the key ${id} is disabled`));
    await gate.admin.call(endpoints.keys.enable, { params: { id } });
    await assertServedEverywhere(key);
  });

  test("is refused from the moment it is deleted", async () => {
    const { id, key } = await gate.createKey();
    await assertServedEverywhere(key);
    await gate.admin.call(endpoints.keys.remove, { params: { id } });
    await assertRefusedEverywhere(key, 401, "invalid_key", /not a valid Portcullis key/);
  });

  test("is replaced at once by rotation, or after the overlap", async () => {
    const { id, key: first } = await gate.createKey();
    const { key: second } = await gate.admin.call(endpoints.keys.rotate, { params: { id }, input: {} });
    await assertRefusedEverywhere(first, 401, "invalid_key", /not a valid/);
    await assertServedEverywhere(second);
    const { key: third } = await gate.admin.call(endpoints.keys.rotate, { params: { id }, input: { overlap: "1s" } });
    await assertServedEverywhere(second);
    await assertServedEverywhere(third);
    await until("the overlap is over", async () => (await askWith(second, "openai-chat")).status === 401, 2_000);
    await assertRefusedEverywhere(second, 401, "invalid_key", /not a valid/);
    await assertServedEverywhere(third);
  });

  for (const dialect of dialectIds) {
    test(`what it has open is cut with an error event, at the provider too (${dialect})`, async () => {
      const { id, key } = await gate.createKey();
      const other = await openStream(gate, dialect, { script: slow });
      const own = await openStream(gate, dialect, { script: slow, key });
      const upstream = gate.simulator.requests.at(-1);
      await until("text flows", () => own.text().split(/delta|"done":false|"candidates"/).length > 10);
      await gate.admin.call(endpoints.keys.disable, { params: { id } });
      await assertCut(own, dialect);
      await until("the provider's side is aborted", () => upstream?.aborted === true);
      const requestId = String(own.headers["x-request-id"]);
      const row = await gate.admin.call(endpoints.requests.get, { params: { id: requestId } });
      assert.deepEqual([row.outcome, row.error_code, row.usage_source], ["aborted", "key_disabled", "estimated"]);
      assert.ok(row.output_tokens > 0, "what had come is charged");
      const seen = other.text().length;
      await until("another key's stream goes on", () => other.text().length > seen);
      other.leave();
    });
  }

  for (const [verb, take] of [
    ["deleted", (id: string) => gate.admin.call(endpoints.keys.remove, { params: { id } })],
    ["rotated", (id: string) => gate.admin.call(endpoints.keys.rotate, { params: { id }, input: {} })],
  ] as const) {
    test(`what it has open is cut when it is ${verb}, too`, async () => {
      const { id, key } = await gate.createKey();
      const own = await openStream(gate, "openai-chat", { script: slow, key });
      await take(id);
      await assertCut(own, "openai-chat");
      assert.doesNotMatch(own.text(), /is disabled/, "which it is not");
    });
  }

  test("a request that waits for the provider's head is answered with the error", async () => {
    const { id, key } = await gate.createKey();
    gate.simulator.clear();
    const waiting = askWith(key, "anthropic-messages", {}, scriptHeaders({ hang: true }));
    await until("the provider has it", () => gate.simulator.requests.length === 1);
    await gate.admin.call(endpoints.keys.disable, { params: { id } });
    assertRefused("anthropic-messages", await waiting, 401, "key_disabled");
    await until("the provider's side is aborted", () => gate.simulator.requests[0]?.aborted === true);
  });
});

describe("a sealed vault", () => {
  test("answers 503 in every dialect, lets probes tell, and serves again once unsealed", async () => {
    const sealable = await openGate();
    await sealable.admin.call(endpoints.vault.seal);
    const before = sealable.simulator.stats().requests;
    for (const dialect of dialectIds) {
      const reply = await ask(sealable, dialect);
      assert.match(assertRefused(dialect, reply, 503, "vault_sealed"), /the vault is sealed\. Unseal it with/);
      assert.equal(reply.headers["retry-after"], "5");
    }
    assertRefused("openai-chat", await sealable.get("/v1/models"), 503, "vault_sealed");
    assert.equal((await sealable.get("/readyz", { authorization: null })).status, 503);
    assert.equal((await sealable.get("/healthz", { authorization: null })).status, 200);
    assert.equal(sealable.simulator.stats().requests, before);
    await sealable.admin.call(endpoints.vault.unseal, { input: {} });
    for (const dialect of dialectIds) assert.equal((await ask(sealable, dialect)).status, 200);
    assert.equal((await sealable.get("/readyz", { authorization: null })).status, 200);
  });

  test("and a reply under way is not cut short", async () => {
    const sealable = await openGate();
    const reply = await openStream(sealable, "openai-chat", { script: { paceMs: 5, deltas: 40, writes: "event" } });
    await sealable.admin.call(endpoints.vault.seal);
    assert.equal(await reply.over, "ended");
    assert.match(reply.text(), normalEnd);
  });
});

describe("keys of the two planes", () => {
  test("an admin's key calls no models", async () => {
    const { key } = await gate.createKey({ admin: true });
    await assertRefusedEverywhere(key, 401, "invalid_key", /not a valid Portcullis key/);
    for (const name of ["x-api-key", "x-goog-api-key", "api-key"]) {
      const reply = await ask(gate, "openai-chat", {}, { authorization: null, [name]: key });
      assertRefused("openai-chat", reply, 401, "invalid_key");
    }
    await assertRefusedEverywhere(gate.gateway.adminToken.reveal(), 401, "invalid_key", /not a valid Portcullis key/);
  });

  test("a caller's key administers nothing", async () => {
    const admin = await gate.createKey({ admin: true });
    const list = (key: string): Promise<Reply> => send(`${gate.url}/api/v1/keys`, "GET", key);
    assert.equal((await list(admin.key)).status, 200);
    const refused = await list(gate.key);
    assert.equal(refused.status, 401);
    assert.equal(refused.headers["content-type"], "application/problem+json");
    assert.equal((refused.json() as { code: string }).code, "admin_required");
    const made = await send(`${gate.url}/api/v1/keys`, "POST", gate.key, {}, "{}");
    assert.equal(made.status, 401);
  });
});

describe("a provider without a usable key of its own", () => {
  test("is named, with what to type", async () => {
    for (const dialect of dialectIds) {
      const id = `bare-${simulated[dialect]}`;
      const base = { id, dialect, base_url: "https://provider.example" } as const;
      await gate.admin.call(endpoints.providers.create, { input: base });
      const reply = await ask(gate, dialect, { model: `${id}/m` });
      if (dialect === "anthropic-messages") {
        // `overloaded_error` would make clients wait for what waiting does not bring
        assert.equal((reply.json() as { error: { type: string } }).error.type, "api_error");
        assert.equal(reply.status, 503);
      } else {
        assert.match(
          assertRefused(dialect, reply, 503, "no_credential"),
          new RegExp(`portcullis credentials add ${id}`),
        );
      }
    }
  });

  test("a disabled credential is not used", async () => {
    const own: Gate = await openGate();
    const { data } = await own.admin.call(endpoints.credentials.list, {});
    for (const { id } of data) await own.admin.call(endpoints.credentials.disable, { params: { id } });
    // an engine on a private address may be called without a key, so the provider itself refuses
    const reply = await ask(own, "openai-chat");
    assert.equal(reply.status, 502);
    assert.ok(!own.simulator.requests.some(({ headers }) => headers.includes(`Bearer ${own.providerKey}`)));
  });
});
