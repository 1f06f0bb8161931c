import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { endpoints } from "@portcullis/contract";
import { openGate } from "../support/gateway.ts";
import { lastRow } from "./ask.ts";

const gate = await openGate();
const { base_url: simulator } = await gate.admin.call(endpoints.providers.get, { params: { id: "sim-chat" } });
await gate.admin.call(endpoints.providers.create, {
  input: { id: "sim-cohere", dialect: "openai-chat", base_url: `${simulator}/v2`, allow_private: true },
});
await gate.admin.call(endpoints.credentials.create, { input: { provider: "sim-cohere", value: gate.providerKey } });

const asked = { query: "open gate", documents: ["a wall", "the gate stands open", "an open door"], top_n: 2 };

describe("reranking", () => {
  test("as Jina has it goes through, and is put down in tokens", async () => {
    const reply = await gate.post("/v1/rerank", { model: "sim-chat/reranker", ...asked });
    assert.equal(reply.status, 200, reply.body.toString());
    const { results, usage } = reply.json() as {
      readonly results: readonly { readonly index: number; readonly document: { readonly text: string } }[];
      readonly usage: { readonly total_tokens: number };
    };
    assert.deepEqual(
      results.map(({ index, document }) => [index, document.text]),
      [
        [1, "the gate stands open"],
        [2, "an open door"],
      ],
    );
    const row = await lastRow(gate);
    assert.deepEqual(
      [row.route, row.input_tokens, row.output_tokens, row.usage_source],
      ["/v1/rerank", usage.total_tokens, 0, "reported"],
    );
  });

  test("as Cohere has it goes to its own version", async () => {
    const reply = await gate.post("/v2/rerank", { model: "sim-cohere/rerank-v4", ...asked });
    assert.equal(reply.status, 200, reply.body.toString());
    assert.equal(gate.simulator.requests.at(-1)?.path, "/v2/rerank");
    const { meta } = reply.json() as { readonly meta: { readonly billed_units: object } };
    assert.deepEqual(meta.billed_units, { search_units: 1 });
    const row = await lastRow(gate);
    assert.deepEqual([row.route, row.input_tokens, row.searches, row.usage_source], ["/v2/rerank", 0, 1, "reported"]);
  });

  test("that Cohere refuses is refused in its own words", async () => {
    const reply = await gate.post("/v2/rerank", { model: "sim-cohere/rerank-v4", query: "x", documents: [] });
    assert.equal(reply.status, 400);
    assert.deepEqual(Object.keys(reply.json() as object), ["id", "message"]);
  });
});
