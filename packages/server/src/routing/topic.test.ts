import assert from "node:assert/strict";
import { test } from "node:test";
import type { DialectId } from "../dialects/index.ts";
import { predefinedProviders } from "../providers/index.ts";
import { fromDefinition } from "../providers/live-provider.ts";
import { targetAt, type Target } from "./target.ts";
import { targetFor } from "./topic.ts";

const way = { route: null, tier: null, lossy: "allow" } as const;
const at = (id: string, caller: DialectId): Target => {
  const definition = predefinedProviders.find((candidate) => candidate.id === id) ?? assert.fail(id);
  return targetAt({ provider: fromDefinition(definition), model: "m" }, caller, undefined, way);
};
const place = ({ dialect, origin, pathPrefix }: Target) => [dialect, origin + pathPrefix];

test("what a request is about decides in which dialect a provider is asked, if its usual one has nothing of the kind", () => {
  const openai = at("openai", "gemini");
  assert.equal(openai.dialect, "openai-responses");
  assert.deepEqual(place(targetFor("embedding", openai)), ["openai-chat", "https://api.openai.com/v1"]);
  assert.equal(targetFor("conversation", openai), openai);
  assert.equal(targetFor(undefined, openai), openai);
  const google = at("google", "ollama");
  assert.equal(targetFor("embedding", google), google, "Gemini has embeddings");
  const compatible = at("google", "openai-chat");
  assert.equal(targetFor("embedding", compatible), compatible, "it is the caller's own");
  const anthropic = at("anthropic", "openai-chat");
  assert.equal(targetFor("embedding", anthropic), anthropic, "it has none");
});

test("the key goes where the dialect that is asked wants it", () => {
  const google = at("google", "gemini");
  const odd = { ...google, dialect: "openai-responses", auth: { scheme: "bearer" } } as const;
  const endpoints = { gemini: google.provider.endpoints.gemini ?? "" };
  const target = targetFor("embedding", { ...odd, provider: { ...google.provider, endpoints } });
  assert.deepEqual([target.dialect, target.auth], ["gemini", { scheme: "header", name: "x-goog-api-key" }]);
});

test("a reranker may lie at an address of its own", () => {
  assert.deepEqual(place(targetFor("rerank", at("cohere", "openai-chat"))), [
    "openai-chat",
    "https://api.cohere.ai/v2",
  ]);
  assert.deepEqual(place(targetFor("rerank", at("tei", "openai-chat"))), ["openai-chat", "http://127.0.0.1:3000"]);
  const together = at("together", "openai-chat");
  assert.equal(targetFor("rerank", together), together);
});
