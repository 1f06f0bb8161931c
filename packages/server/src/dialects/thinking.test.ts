import assert from "node:assert/strict";
import { test } from "node:test";
import { requestRules, scanObject, watchKeys } from "../kernel/json-scan.ts";
import type { DialectId } from "./dialect.ts";
import { asksForThinking, thinkingKeys } from "./thinking.ts";

const keys = watchKeys(...thinkingKeys);
const asks = (dialect: DialectId, body: object): boolean => {
  const bytes = Buffer.from(JSON.stringify(body));
  return asksForThinking(dialect, bytes, scanObject(bytes, keys, requestRules));
};

test("whether a request wants reasoning is read in the dialect's own words", () => {
  const wanted: readonly (readonly [DialectId, object])[] = [
    ["anthropic-messages", { thinking: { type: "adaptive" } }],
    ["anthropic-messages", { thinking: { type: "enabled", budget_tokens: 2_000 } }],
    ["openai-chat", { reasoning_effort: "low" }],
    ["openai-chat", { reasoning: { max_tokens: 100 } }],
    ["openai-chat", { reasoning: { enabled: true } }],
    ["openai-chat", { thinking: { type: "enabled" } }],
    ["openai-chat", { enable_thinking: true }],
    ["openai-responses", { reasoning: { effort: "medium" } }],
    ["gemini", { generationConfig: { thinkingConfig: { thinkingLevel: "HIGH" } } }],
    ["gemini", { generationConfig: { thinkingConfig: { thinkingBudget: -1 } } }],
    ["ollama", { think: true }],
    ["ollama", { think: "high" }],
  ];
  for (const [dialect, body] of wanted) assert.equal(asks(dialect, body), true, `${dialect} ${JSON.stringify(body)}`);
});

test("a request that says nothing of it, or declines it, wants none", () => {
  const unwanted: readonly (readonly [DialectId, object])[] = [
    ["anthropic-messages", { thinking: { type: "disabled" } }],
    ["openai-chat", { reasoning_effort: "none" }],
    ["openai-chat", { reasoning: { enabled: false, max_tokens: 0 } }],
    ["openai-chat", { thinking: "on" }],
    ["openai-responses", { reasoning: { effort: "none" } }],
    ["gemini", { generationConfig: { thinkingConfig: { thinkingBudget: 0 } } }],
    ["ollama", { think: false }],
  ];
  for (const [dialect, body] of unwanted)
    assert.equal(asks(dialect, body), false, `${dialect} ${JSON.stringify(body)}`);
  for (const dialect of ["anthropic-messages", "openai-chat", "openai-responses", "gemini", "ollama"] as const) {
    assert.equal(asks(dialect, {}), false);
  }
});
