import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import { cohereRerank, jinaRerank } from "../../simulator/rerank.ts";
import type { Call, Errand } from "../../simulator/vendor.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { RerankContext, RerankReply, RerankRequest } from "./rerank.ts";
import { rerankShape } from "./rerank-shapes.ts";

const ids = ["cohere", "jina", "voyage", "tei"] as const;
const documents = ["a wall", "the gate stands open", "an open door"];
const request: RerankRequest = { query: "open gate", documents, topN: 2, withDocuments: false };
const context: RerankContext = { model: "asked", requestId: "req_1", request, estimatedInput: 12 };
const reply: RerankReply = {
  results: [
    { index: 1, score: 0.9 },
    { index: 2, score: 0.25 },
  ],
  tokens: 30,
  searches: undefined,
};

for (const id of ids) {
  const shape = rerankShape(id);

  describe(`reranking as ${id} has it`, () => {
    test("is read as it was asked for, but for what the shape cannot say", () => {
      const { body, path, losses } = shape.encodeRequest(request, "m");
      assert.deepEqual([path, losses], ["/rerank", []]);
      const { topN: _, ...all } = request;
      assert.deepEqual(shape.decodeRequest(body).request, id === "tei" ? all : request);
      assert.deepEqual(shape.decodeRequest(body).losses, []);
    });

    test("is answered as it is read", () => {
      const written = JSON.parse(JSON.stringify(shape.encodeReply(reply, context))) as unknown;
      const found = shape.decodeReply(written, request);
      assert.ok(!("kind" in found));
      assert.deepEqual(found.results, reply.results);
      assert.equal(found.tokens, id === "tei" ? undefined : 30);
    });

    test("has the documents where they are wanted, by their place in the request", () => {
      const asked = { ...context, request: { ...request, withDocuments: true } };
      assert.match(JSON.stringify(shape.encodeReply(reply, asked)), /"the gate stands open"/);
      assert.doesNotMatch(JSON.stringify(shape.encodeReply(reply, context)), /gate/);
    });

    test("is refused where it cannot be read", () => {
      const { body } = shape.encodeRequest(request, "m");
      const key = id === "tei" ? "texts" : "documents";
      for (const wrong of [
        { query: 1 },
        { query: null },
        { [key]: [] },
        { [key]: "a" },
        { [key]: [1] },
        { [key]: [{}] },
      ]) {
        assert.throws(
          () => shape.decodeRequest({ ...body, ...wrong }),
          (error) => error instanceof AppError && ["invalid_request", "missing_field"].includes(error.code),
          JSON.stringify(wrong),
        );
      }
    });

    test("without results is no answer", () => {
      for (const body of [{}, null, "x", { results: 1, data: 1 }, { results: [{}], data: [{}] }, [{}]]) {
        const found = shape.decodeReply(body, request);
        assert.ok("kind" in found && found.kind === "broken", JSON.stringify(body));
      }
    });
  });
}

test("the results come best first, each once, of documents that there are, and no more than wanted", () => {
  const results = [0.1, 0.8, 0.5].map((relevance_score, index) => ({ index, relevance_score }));
  const found = rerankShape("jina").decodeReply(
    { results: [...results, ...results, { index: 9, relevance_score: 1 }] },
    request,
  );
  assert.ok(!("kind" in found));
  assert.deepEqual(found.results, [
    { index: 1, score: 0.8 },
    { index: 2, score: 0.5 },
  ]);
});

test("what the two main vendors take is what they are asked, and what they answer is read", () => {
  const rows = [
    [rerankShape("cohere"), cohereRerank],
    [rerankShape("jina"), jinaRerank],
  ] as const;
  for (const [shape, service] of rows) {
    const body = JSON.parse(JSON.stringify(shape.encodeRequest(request, "m").body)) as JsonObject;
    assert.equal(service.check({ body } as Call), undefined);
    const call = { body, bytes: Buffer.from(JSON.stringify(body)) };
    const { json } = service.serve({ call, script: {}, nextId: () => "rerank-1" } as unknown as Errand) as {
      json: unknown;
    };
    const found = shape.decodeReply(json, request);
    assert.ok(!("kind" in found));
    assert.deepEqual(
      found.results.map(({ index }) => index),
      [1, 2],
    );
    assert.equal(shape.id === "cohere" ? found.searches : (found.tokens ?? 0) > 0, shape.id === "cohere" ? 1 : true);
  }
});

test("Jina's callers get the documents unless they decline, and may say Voyage's `top_k`", () => {
  const { request: asked, losses } = rerankShape("jina").decodeRequest({
    query: "q",
    documents: [{ text: "a" }, "b"],
    top_k: 1,
  });
  assert.deepEqual(asked, { query: "q", documents: ["a", "b"], topN: 1, withDocuments: true });
  assert.deepEqual(losses, []);
});

test("what not every reranker has is left out and named", () => {
  const body = {
    query: "q",
    documents: ["a"],
    max_tokens_per_doc: 9,
    priority: 1,
    rank_fields: ["x"],
    truncation: true,
  };
  const { losses } = rerankShape("cohere").decodeRequest(body);
  assert.deepEqual(losses.map(({ path }) => path).sort(), ["max_tokens_per_doc", "rank_fields", "truncation"]);
});

test("Cohere's callers are told search units, a hundred documents each", () => {
  const many = { ...request, documents: Array.from({ length: 101 }, () => "x") };
  const written = rerankShape("cohere").encodeReply(
    { ...reply, tokens: undefined },
    { ...context, request: many },
  ) as JsonObject;
  assert.deepEqual(written["meta"], { api_version: { version: "2" }, billed_units: { search_units: 2 } });
  assert.equal(written["id"], "req_1");
});
