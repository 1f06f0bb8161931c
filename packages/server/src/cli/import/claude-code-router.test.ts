import assert from "node:assert/strict";
import test from "node:test";
import { readClaudeCodeRouter } from "./claude-code-router.ts";
import { parseRelaxedJson } from "./relaxed-json.ts";
import { context, fixtureText, summarise } from "./test/fixtures.ts";

test("claude-code-router's file gives providers at their addresses, with keys and models", () => {
  const { content } = parseRelaxedJson(fixtureText("claude-code-router.json")) ?? {};
  const findings = readClaudeCodeRouter(content, context);
  assert.deepEqual(summarise(findings), [
    "Providers 1: provider openrouter https://openrouter.ai/api/v1 openrouter",
    "Providers 1: credential openrouter https://openrouter.ai/api/v1 sk-or-v1-ccr-canary",
    "Providers 1: model openrouter https://openrouter.ai/api/v1 google/gemini-2.5-pro",
    "Providers 1: model openrouter https://openrouter.ai/api/v1 anthropic/claude-sonnet-4",
    "Providers 1: skipped transformer openrouter",
    "Providers 2: provider gemini https://generativelanguage.googleapis.com/v1beta gemini",
    "Providers 2: credential gemini https://generativelanguage.googleapis.com/v1beta env:GEMINI_API_KEY",
    "Providers 2: model gemini https://generativelanguage.googleapis.com/v1beta gemini-2.5-flash",
    "Providers 3: provider volcengine-ark https://ark.cn-beijing.volces.com/api/v3 Volcengine / Ark",
    "Providers 3: credential volcengine-ark https://ark.cn-beijing.volces.com/api/v3 ark-ccr-canary",
    "Providers 3: model volcengine-ark https://ark.cn-beijing.volces.com/api/v3 deepseek-v3-250324",
    "Providers 4: provider kimi https://api.moonshot.cn/anthropic/v1 kimi",
    "Providers 4: credential kimi https://api.moonshot.cn/anthropic/v1 sk-kimi-ccr-canary",
    "Providers 4: model kimi https://api.moonshot.cn/anthropic/v1 kimi-k2",
    "Providers 5: provider ollama http://localhost:11434/v1 ollama",
    "Providers 5: skipped credential ollama",
    "Providers 5: model ollama http://localhost:11434/v1 qwen2.5-coder:latest",
    "Providers 6: provider example https://api.example.com/v1 example",
    "Providers 6: skipped credential example",
    "Providers 7: skipped provider cli",
    "Providers 8: failed provider nowhere",
    "Router: skipped route default → openrouter,anthropic/claude-sonnet-4",
    "APIKEY: skipped key APIKEY",
  ]);
  const dialects = findings.flatMap((finding) =>
    "item" in finding && finding.item.kind === "provider" ? [finding.item.dialect] : [],
  );
  assert.deepEqual(dialects, [
    "openai-chat",
    "gemini",
    "openai-chat",
    "anthropic-messages",
    "openai-chat",
    "openai-chat",
  ]);
  assert.doesNotMatch(JSON.stringify(findings), /router-own-canary|nowhere-canary/);
});

test("JSON with comments and trailing commas is read, and strings in it stay as they are", () => {
  const text = '{ /* a */ "a": "// no comment, ]", // b\n "b": [1, 2, /* c */ ], "c": "\\",}", }';
  assert.deepEqual(parseRelaxedJson(text)?.content, { a: "// no comment, ]", b: [1, 2], c: '",}' });
  for (const broken of ["{", "{a:1}", "[1,,2]", '{"a" 1}', "/* never closed", '"never closed', ""]) {
    assert.equal(parseRelaxedJson(broken), undefined, broken);
  }
});

test("hostile JSON takes no longer than its length", () => {
  const started = performance.now();
  for (const text of ['"\\'.repeat(300_000), "/*".repeat(300_000), ", ".repeat(300_000), "[".repeat(600_000)]) {
    assert.equal(parseRelaxedJson(text), undefined);
  }
  assert.ok(performance.now() - started < 8_000);
});
