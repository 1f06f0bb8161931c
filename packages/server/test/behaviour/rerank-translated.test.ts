import assert from "node:assert/strict";
import { after, beforeEach, describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { createSimulator } from "../../src/simulator/index.ts";
import { openGate, type Reply } from "../support/gateway.ts";
import { openJsonServer } from "../support/json-server.ts";
import { assertRefused } from "./ask.ts";

/* Rerankers in another shape than the caller's. */

const house = createSimulator();
const { url: address } = await house.listen();
after(() => house.close());
const engine = await openJsonServer(() => ({
  status: 200,
  body: [
    { index: 2, score: 0.25 },
    { index: 1, score: 0.9 },
    { index: 0, score: 0.1 },
  ],
}));
after(() => engine.close());

const gate = await openGate({
  config: `providers:
  cohere: { base_url: "${address}", allow_private: true }
  tei: { base_url: "${engine.url}" }
  second: { base_url: "${address}/v2", dialect: openai-chat, allow_private: true }
routes:
  strict: { target: sim-chat/r, lossy: deny }
`,
});
for (const provider of ["cohere", "second"])
  await gate.admin.call(endpoints.credentials.create, { input: { provider, value: "sk-of-the-house-0123456789" } });
beforeEach(() => {
  for (const simulator of [gate.simulator, house]) {
    simulator.clear();
    simulator.play([]);
  }
});

const asked = { query: "open gate", documents: ["a wall", "the gate stands open", "an open door"], top_n: 2 };
const rowOf = (reply: Reply) =>
  gate.admin.call(endpoints.requests.get, { params: { id: String(reply.headers["x-request-id"]) } });
const sentTo = (simulator: typeof house) => {
  const { path, body } = simulator.requests.at(-1) ?? assert.fail("nobody was asked");
  return { path, body: JSON.parse(body.toString()) as unknown };
};

describe("a client of Cohere's", () => {
  test("gets what a reranker of Jina's shape found, in its own", async () => {
    const reply = await gate.post("/v2/rerank", { model: "sim-chat/r", ...asked });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.deepEqual(sentTo(gate.simulator), {
      path: "/v1/rerank",
      body: { model: "r", ...asked, return_documents: false },
    });
    const { id, ...said } = reply.json() as { readonly id: unknown };
    const row = await rowOf(reply);
    assert.equal(id, row.request_id);
    assert.deepEqual(said, {
      results: [
        { index: 1, relevance_score: 1 },
        { index: 2, relevance_score: 0.5 },
      ],
      meta: { api_version: { version: "2" }, billed_units: { search_units: 1, input_tokens: row.input_tokens } },
    });
    assert.partialDeepStrictEqual(row, { route: "/v2/rerank", outcome: "ok", usage_source: "reported", searches: 0 });
    assert.ok(row.input_tokens > 0);
  });

  test("gets to Cohere's own place, byte for byte, though that lies beside its other addresses", async () => {
    const body = `{ "model":"cohere/rerank-v4", "query" :"gate","documents":["a gate"],"priority": 1 }`;
    const reply = await fetch(`${gate.url}/v2/rerank`, {
      method: "POST",
      headers: { authorization: `Bearer ${gate.key}`, "content-type": "application/json" },
      body,
    });
    assert.equal(reply.status, 200);
    assert.equal(house.requests.at(-1)?.path, "/v2/rerank");
    assert.equal(house.requests.at(-1)?.body.toString(), body.replace("cohere/rerank-v4", "rerank-v4"));
  });

  test("is told what it asked for that the reranker has not, or is refused where its route wants no loss", async () => {
    const body = { ...asked, max_tokens_per_doc: 100 };
    const reply = await gate.post("/v2/rerank", { model: "sim-chat/r", ...body });
    assert.equal(reply.headers["x-portcullis-dropped"], "max_tokens_per_doc");
    assertRefused("openai-chat", await gate.post("/v2/rerank", { model: "strict", ...body }), 400, "translation_lossy");
    assert.equal((await gate.post("/v2/rerank", { model: "strict", ...asked })).status, 200);
  });
});

describe("a client of Jina's", () => {
  test("gets what Cohere found, in its own shape and with the documents", async () => {
    for (const [provider, path] of [
      ["cohere", "/v2/rerank"],
      ["second", "/v2/rerank"],
    ] as const) {
      const reply = await gate.post("/v1/rerank", { model: `${provider}/rerank-v4`, ...asked });
      assert.equal(reply.status, 200, reply.body.toString());
      assert.deepEqual(sentTo(house), { path, body: { model: "rerank-v4", ...asked } });
      const { usage, ...said } = reply.json() as { readonly usage: { readonly total_tokens: number } };
      assert.deepEqual(said, {
        model: `${provider}/rerank-v4`,
        object: "list",
        results: [
          { index: 1, relevance_score: 1, document: { text: "the gate stands open" } },
          { index: 2, relevance_score: 0.5, document: { text: "an open door" } },
        ],
      });
      assert.ok(usage.total_tokens > 0);
      assert.partialDeepStrictEqual(await rowOf(reply), { outcome: "ok", searches: 1, usage_source: "reported" });
    }
  });
});

test("an engine that has one model, and answers with a list, serves clients of any shape", async () => {
  const jina = await gate.post("/v1/rerank", { model: "tei/bge", ...asked, return_documents: false });
  assert.equal(jina.status, 200, jina.body.toString());
  assert.deepEqual(engine.requests.at(-1)?.body, { query: asked.query, texts: asked.documents });
  assert.equal(engine.requests.at(-1)?.path, "/rerank");
  const results = [
    { index: 1, relevance_score: 0.9 },
    { index: 2, relevance_score: 0.25 },
  ];
  assert.partialDeepStrictEqual(jina.json(), { model: "tei/bge", results });
  assert.partialDeepStrictEqual(await rowOf(jina), { outcome: "ok", usage_source: "estimated" });
  const cohere = await gate.post("/v2/rerank", { model: "tei/bge", ...asked });
  assert.partialDeepStrictEqual(cohere.json(), { results, meta: { billed_units: { search_units: 1 } } });
});

test("a client of Voyage's is known by its `top_k`, and answered as it is used to", async () => {
  const { top_n, ...rest } = asked;
  const reply = await gate.post("/v1/rerank", { model: "sim-chat/r", ...rest, top_k: top_n });
  assert.equal(reply.status, 200, reply.body.toString());
  const { data } = reply.json() as { readonly data: readonly object[] };
  assert.deepEqual(data, [
    { index: 1, relevance_score: 1 },
    { index: 2, relevance_score: 0.5 },
  ]);
});

describe("what fails", () => {
  test("is told in the provider's words", async () => {
    house.play([{ script: { status: 429, message: "the words of the provider", retryAfterSeconds: 7 } }]);
    const reply = await gate.post("/v1/rerank", { model: "cohere/r", ...asked });
    assert.equal(reply.status, 429);
    assert.match(reply.body.toString(), /"code":"rate_limit_exceeded"/);
    assert.match(reply.body.toString(), /the words of the provider/);
    assert.equal(reply.headers["retry-after"], "7");
    house.play([{ script: { body: '{"message":"no results today"}', contentType: "application/json" } }]);
    const odd = await gate.post("/v1/rerank", { model: "cohere/r", ...asked });
    assertRefused("openai-chat", odd, 502, "upstream_broke");
  });

  test("is said before anybody is asked where the request cannot be read, or there is no reranker", async () => {
    const wrong = await gate.post("/v2/rerank", { model: "sim-chat/r", query: "x", documents: [] });
    assert.match(assertRefused("openai-chat", wrong, 400, "invalid_request"), /documents/);
    const without = await gate.post("/v1/rerank", { model: "sim-gemini/r", ...asked });
    assert.match(assertRefused("openai-chat", without, 400, "not_offered"), /offers no reranking/);
    assert.equal(gate.simulator.requests.length, 0);
  });
});
