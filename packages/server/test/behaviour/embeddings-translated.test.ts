import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { GoogleGenAI } from "@google/genai";
import { endpoints } from "@portcullis/contract";
import { Ollama } from "ollama";
import OpenAI from "openai";
import { base64OfVector } from "../../src/dialects/embeddings/vectors.ts";
import { createSimulator } from "../../src/simulator/index.ts";
import { openGate, type Reply } from "../support/gateway.ts";
import { assertRefused, lastRow } from "./ask.ts";

/* Embeddings for every dialect's clients, from every dialect's providers. The simulated providers refuse what the vendors refuse. */

const house = createSimulator();
const { url: address } = await house.listen();
after(() => house.close());

const gate = await openGate({
  config: `providers:
  openai: { base_url: "${address}", allow_private: true }
  several: { base_url: "${address}", dialects: [anthropic-messages, gemini], allow_private: true }
routes:
  strict: { target: sim-gemini/e, lossy: deny }
  lax: { target: sim-gemini/e }
`,
});
const houseKey = "sk-of-the-house-0123456789";
for (const provider of ["openai", "several"])
  await gate.admin.call(endpoints.credentials.create, { input: { provider, value: houseKey } });
beforeEach(() => {
  gate.simulator.clear();
  gate.simulator.play([]);
});

const openai = new OpenAI({ baseURL: `${gate.url}/v1`, apiKey: gate.key, maxRetries: 0 });
const google = new GoogleGenAI({ apiKey: gate.key, httpOptions: { baseUrl: gate.url } });
const ollama = new Ollama({ host: gate.url, headers: { authorization: `Bearer ${gate.key}` } });

const texts = ["The gate stands open.", "为什么?"];
const sent = () => gate.simulator.requests.at(-1) ?? assert.fail("nobody was asked");
const rowOf = (reply: Reply) =>
  gate.admin.call(endpoints.requests.get, { params: { id: String(reply.headers["x-request-id"]) } });

/** What a client of each dialect gets, as lists of numbers, however it asks. */
const clients: Readonly<Record<string, (model: string) => Promise<readonly (readonly number[])[]>>> = {
  "openai-chat": async (model) => {
    const reply = await openai.embeddings.create({ model, input: texts, dimensions: 4 });
    assert.deepEqual(
      reply.data.map(({ index }) => index),
      [0, 1],
    );
    return reply.data.map(({ embedding }) => embedding);
  },
  gemini: async (model) => {
    const reply = await google.models.embedContent({ model, contents: texts, config: { outputDimensionality: 4 } });
    return (reply.embeddings ?? []).map(({ values }) => values ?? []);
  },
  ollama: async (model) => (await ollama.embed({ model, input: texts, dimensions: 4 })).embeddings,
};
const providers = { "openai-chat": "sim-chat", gemini: "sim-gemini", ollama: "sim-ollama" } as const;
const paths = {
  "openai-chat": "/v1/embeddings",
  gemini: "/v1beta/models/e:batchEmbedContents",
  ollama: "/api/embed",
} as const;

for (const [from, embed] of Object.entries(clients)) {
  for (const to of ["openai-chat", "gemini", "ollama"] as const) {
    if (from === to) continue;
    test(`a client of ${from} gets a vector for each text from a provider that speaks ${to}`, async () => {
      const vectors = await embed(`${providers[to]}/e`);
      assert.deepEqual(
        vectors.map(({ length }) => length),
        [4, 4],
      );
      assert.notDeepEqual(vectors[0], vectors[1]);
      assert.equal(sent().path, paths[to]);
      const row = await lastRow(gate);
      assert.partialDeepStrictEqual(row, { outcome: "ok", dialect: from, upstream_dialect: to, output_tokens: 0 });
      assert.equal(row.usage_source, to === "gemini" ? "estimated" : "reported"); // Google states none
      assert.ok(row.input_tokens > 0);
    });
  }
}

test("vectors come in base64 or as numbers, as the caller asked: the same ones", async () => {
  const model = "sim-gemini/e";
  const packed = await openai.embeddings.create({ model, input: texts });
  const plain = await openai.embeddings.create({ model, input: texts, encoding_format: "float" });
  assert.equal(packed.data.length, 2);
  for (const [index, { embedding }] of packed.data.entries())
    assert.deepEqual([...embedding], [...new Float32Array(plain.data[index]?.embedding ?? [])]);
  assert.deepEqual(plain.usage, { prompt_tokens: plain.usage.total_tokens, total_tokens: plain.usage.total_tokens });
});

test("a request that is large is translated too", async () => {
  const input = Array.from({ length: 100 }, (_, index) => `${index} ${"many words ".repeat(400)}`);
  const reply = await openai.embeddings.create({ model: "sim-ollama/e", input });
  assert.deepEqual([reply.data.length, reply.data[99]?.embedding.length], [100, 8]);
});

test("a reply that is large is translated too", async () => {
  const vector = Array.from({ length: 3072 }, (_, index) => (index - 1500) / 4096);
  const input = Array.from({ length: 100 }, (_, index) => `${index}`);
  const body = JSON.stringify({ embeddings: input.map(() => vector), prompt_eval_count: 7 });
  gate.simulator.play([{ script: { body, contentType: "application/json" } }]);
  const reply = await openai.embeddings.create({ model: "sim-ollama/e", input });
  assert.deepEqual([reply.data.length, reply.data[99]?.embedding], [100, vector]);
  assert.partialDeepStrictEqual(await lastRow(gate), { outcome: "ok", input_tokens: 7, usage_source: "reported" });
  gate.simulator.play([{ script: { body: body.replace("[[", '[["?",'), contentType: "application/json" } }]);
  const refused = await gate.post("/v1/embeddings", { model: "sim-ollama/e", input });
  assert.equal(refused.status, 502, refused.body.toString());
});

test("the older addresses of Ollama and of Gemini give one vector", async () => {
  assert.equal((await ollama.embeddings({ model: "sim-chat/e", prompt: "a" })).embedding.length, 256);
  const request = { content: { parts: [{ text: "a" }] }, taskType: "RETRIEVAL_QUERY" };
  const reply = await gate.post("/v1beta/models/sim-chat/e:embedContent", request);
  assert.equal(reply.status, 200, reply.body.toString());
  const { embedding, usageMetadata } = reply.json() as {
    readonly embedding: { readonly values: readonly number[] };
    readonly usageMetadata: object;
  };
  assert.equal(embedding.values.length, 256);
  assert.deepEqual(usageMetadata, { promptTokenCount: 1, totalTokenCount: 1 });
  assert.equal(reply.headers["x-portcullis-dropped"], "task");
  assert.ok((await rowOf(reply)).dropped?.some(({ path, kind }) => path === "task" && kind === "dropped"));
});

describe("a provider of several dialects", () => {
  const asked = () => {
    const { path, headers, body } = house.requests.at(-1) ?? assert.fail("nobody was asked");
    return {
      path,
      headers: headers.join("\n"),
      body: JSON.parse(body.toString()) as Readonly<Record<string, unknown>>,
    };
  };

  test("is not asked in the one that conversations go to, where that has no embeddings", async () => {
    const reply = await gate.post("/v1beta/models/openai/text-embedding-3-small:embedContent", {
      content: { parts: [{ text: "a" }] },
    });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.deepEqual(asked().body, { model: "text-embedding-3-small", input: ["a"] });
    assert.equal(asked().path, "/v1/embeddings");
    assert.partialDeepStrictEqual(await rowOf(reply), { outcome: "ok", upstream_dialect: "openai-chat" });
  });

  test("is shown its key where the one that is asked wants it", async () => {
    assert.equal((await ollama.embed({ model: "several/e", input: "a" })).embeddings.length, 1);
    assert.equal(asked().path, paths.gemini);
    assert.match(asked().headers, new RegExp(`^x-goog-api-key\n${houseKey}$`, "m"));
    assert.doesNotMatch(asked().headers, /^(?:x-api-key|authorization)$/m);
  });

  test("that has none in any is said to offer none, in the caller's dialect", async () => {
    const model = "sim-anthropic/claude";
    const bodies = [
      ["openai-chat", "/v1/embeddings", { model, input: "a" }],
      ["ollama", "/api/embed", { model, input: "a" }],
      ["gemini", `/v1beta/models/${model}:embedContent`, { content: { parts: [{ text: "a" }] } }],
    ] as const;
    for (const [dialect, path, body] of bodies) {
      const message = assertRefused(dialect, await gate.post(path, body), 400, "not_offered");
      assert.match(message, /offers no embeddings/);
    }
    assert.equal(gate.simulator.requests.length, 0);
  });
});

describe("what cannot be translated", () => {
  test("is named in a header, or refused where the route wants no loss", async () => {
    const body = { model: "lax", input: "a", user: "me", custom_field: 1 };
    const reply = await gate.post("/v1/embeddings", body);
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(reply.headers["x-portcullis-dropped"], "user, custom_field");
    const refused = await gate.post("/v1/embeddings", { ...body, model: "strict" });
    assert.match(assertRefused("openai-chat", refused, 400, "translation_lossy"), /custom_field/);
    assert.equal((await gate.post("/v1/embeddings", { model: "strict", input: "a", user: "me" })).status, 200);
  });

  test("is refused where there is nothing to be sent instead: tokens mean something to one model only", async () => {
    const reply = await gate.post("/v1/embeddings", { model: "sim-ollama/e", input: [1, 2] });
    assert.match(assertRefused("openai-chat", reply, 400, "invalid_request"), /tokens/);
    assert.equal(gate.simulator.requests.length, 0);
  });
});

describe("a provider's failure", () => {
  test("is told in the caller's dialect, in the provider's words and without its key", async () => {
    for (const [status, expected] of [
      [400, 400],
      [404, 404],
      [429, 429],
      [500, 502],
    ] as const) {
      gate.simulator.play([{ script: { status, message: "the words of the provider", retryAfterSeconds: 3 } }]);
      const error = await openai.embeddings.create({ model: "sim-gemini/e", input: "a" }).catch((thrown) => thrown);
      assert.ok(error instanceof OpenAI.APIError);
      assert.equal(error.status, expected);
      assert.match(error.message, /the words of the provider/);
      if (status === 429) assert.equal(error.headers?.get("retry-after"), "3");
    }
    gate.simulator.play([{ script: { status: 400, echoKey: true } }]);
    const reply = await gate.post("/api/embed", { model: "sim-chat/e", input: "a" });
    assert.equal(reply.status, 400);
    assert.ok(!reply.body.toString().includes(gate.providerKey));
  });

  test("that comes with status 200 is a failure too", async () => {
    const bodies = [
      "<html>Hello</html>",
      '{"embeddings":[]}',
      '{"embeddings":[[1],[2]]}',
      '{"embeddings":[["a"]]}',
      '{"error":"out of memory"}',
    ];
    for (const body of bodies) {
      gate.simulator.play([{ script: { body, contentType: "application/json" } }]);
      const reply = await gate.post("/v1/embeddings", { model: "sim-ollama/e", input: "a" });
      assert.equal(reply.status, 502, `${body}: ${reply.body.toString()}`);
      assert.ok(["broken", "upstream_error"].includes((await rowOf(reply)).outcome));
    }
    assert.match((await lastRow(gate)).error_code ?? "", /upstream_/);
  });
});

describe("a provider of OpenAI's dialect that answers in its own way", () => {
  const document = (embedding: unknown, more = 1) =>
    JSON.stringify({
      object: "list",
      data: Array.from({ length: more }, (_, index) => ({ object: "embedding", index, embedding })),
      model: "e",
      usage: { prompt_tokens: 5, total_tokens: 5 },
    });
  const play = (body: string) => gate.simulator.play([{ script: { body, contentType: "application/json" } }]);
  const ask = (encoding_format?: string) =>
    gate.post("/v1/embeddings", { model: "sim-chat/e", input: "a", encoding_format });

  test("gives its caller base64 where that was asked for, as the SDK does by itself (B61)", async () => {
    play(document([0.5, -2]));
    assert.deepEqual(
      (await openai.embeddings.create({ model: "sim-chat/e", input: "a" })).data[0]?.embedding,
      [0.5, -2],
    );
    const reply = await ask("base64");
    assert.equal(reply.body.toString(), document("AAAAPwAAAMA="));
    assert.equal(reply.headers["content-length"], String(reply.body.length));
    assert.partialDeepStrictEqual(await rowOf(reply), { outcome: "ok", usage_source: "reported", input_tokens: 5 });
  });

  test("gives its caller numbers where those were asked for, or nothing was (B61)", async () => {
    play(document("AAAAPwAAAMA="));
    for (const format of ["float", undefined]) assert.equal((await ask(format)).body.toString(), document([0.5, -2]));
  });

  test("is passed on byte for byte where it does what was asked", async () => {
    for (const [format, embedding] of [
      ["base64", "AAAAPwAAAMA="],
      ["float", [0.5, -2]],
      ["hex", "0001"],
    ] as const) {
      const odd = document(embedding).replaceAll(",", " ,\n");
      play(odd);
      assert.equal((await ask(format)).body.toString(), odd, format);
    }
  });

  test("gives a reply that is too large to hold in the way that was asked for, too", async () => {
    const vector = Array.from({ length: 3072 }, (_, index) => (index - 1500) / 4096);
    play(document(vector, 200));
    const reply = await ask("base64");
    assert.equal(reply.body.toString(), document(base64OfVector(vector), 200));
    assert.partialDeepStrictEqual(await rowOf(reply), { outcome: "ok", usage_source: "reported", input_tokens: 5 });
  });

  test("has its errors passed on as they are", async () => {
    const body = '{"error":{"message":"no","embedding":[1]}}';
    gate.simulator.play([{ script: { status: 400, body, contentType: "application/json" } }]);
    const reply = await ask("base64");
    assert.deepEqual([reply.status, reply.body.toString()], [400, body]);
  });
});
