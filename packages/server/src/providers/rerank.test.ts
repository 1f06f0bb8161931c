import assert from "node:assert/strict";
import { test } from "node:test";
import { cohere } from "./cohere.ts";
import { fromDefinition } from "./live-provider.ts";
import { rerankerAt } from "./rerank.ts";

test("where documents are put in order, and in which shape, an address tells", () => {
  const rows = [
    ["https://api.cohere.com", "cohere", "https://api.cohere.com/v2"],
    ["https://api.cohere.ai/compatibility", "cohere", "https://api.cohere.ai/v2"],
    ["https://gateway.example/cohere/v2", "cohere", undefined],
    ["https://api.voyageai.com", "voyage", undefined],
    ["https://notvoyageai.com", "jina", undefined],
    ["http://127.0.0.1:8000", "jina", undefined],
  ] as const;
  for (const [address, shape, endpoint] of rows) assert.deepEqual(rerankerAt(address), { shape, endpoint }, address);
});

test("Cohere's lies beside its compatibility API, wherever that was moved to", () => {
  assert.deepEqual(fromDefinition(cohere).rerank, { shape: "cohere", endpoint: "https://api.cohere.ai/v2" });
  const moved = { name: "Cohere", baseUrl: "https://proxy.example/c", allowPrivate: false, declaredIn: undefined };
  const provider = fromDefinition(cohere, { ...moved, createdAt: undefined, updatedAt: undefined });
  assert.equal(provider.rerank.endpoint, "https://proxy.example/c/v2");
});
