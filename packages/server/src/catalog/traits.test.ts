import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { describe, test } from "node:test";
import * as z from "zod";
import { efforts, type ModelTraits, unknownTraits } from "../kernel/model-traits.ts";
import { createGlob } from "./glob.ts";
import { findModel, modelsOf } from "./models.ts";
import { traitsOf } from "./traits.ts";

const dialects = ["anthropic-messages", "gemini", "ollama", "openai-chat", "openai-responses"] as const;
const providers = readdirSync(new URL("./data/", import.meta.url)).map((name) => name.replace(/\.json$/, ""));
const flag = z.boolean().optional();
const names = z.array(z.string().regex(/^[^A-Z/]+$/)).min(1);
const rule = z.strictObject({
  models: names,
  except: names.optional(),
  providers: names.optional(),
  dialects: z.array(z.enum(dialects)).min(1).optional(),
  thinking: z.enum(["none", "budget", "adaptive", "effort", "level", "switch"]).optional(),
  efforts: z.array(z.enum(efforts)).optional(),
  can_stop_thinking: flag,
  sampling: flag,
  tools: flag,
  forced_tool_while_thinking: flag,
  schema_output: flag,
  images: flag,
  documents: flag,
  audio: flag,
  prefill: flag,
  system_turns: flag,
  tool_schema: z.enum(["json-schema", "openapi", "ollama"]).optional(),
  reasoning_field: z.enum(["reasoning_content", "reasoning", "none"]).optional(),
  max_tokens_field: z.enum(["max_tokens", "max_completion_tokens"]).optional(),
  call_ids: z.enum(["any", "nine"]).optional(),
  verbosity: flag,
  cache_field: z.enum(["none", "cache_control", "prompt_cache_breakpoint"]).optional(),
});
const file = z.strictObject({
  as_of: z.string().regex(/^20\d\d-\d\d-\d\d$/),
  families: z.array(rule),
  exceptions: z.array(rule),
});
const data = file.parse(JSON.parse(readFileSync(new URL("./traits.json", import.meta.url), "utf8")));

/** With what the catalog says of it. */
function of(provider: string, dialect: string, model: string): ModelTraits {
  return traitsOf({ provider, dialect, model, catalog: findModel(provider, model) });
}

test("every rule has patterns that can be read, and says something", () => {
  for (const { models, except = [], providers: _p, dialects: _d, ...said } of [...data.families, ...data.exceptions]) {
    for (const pattern of [...models, ...except]) createGlob(pattern);
    assert.notDeepEqual(said, {}, models.join());
  }
});

test("every model of the catalog is asked in a way that fits together, in every dialect", () => {
  let count = 0;
  for (const provider of providers) {
    for (const catalog of modelsOf(provider).values()) {
      for (const dialect of dialects) {
        const traits = traitsOf({ provider, dialect, model: catalog.id, catalog });
        const where = `${provider} ${dialect} ${catalog.id}`;
        const words = ["effort", "level", "adaptive"].includes(traits.thinking);
        assert.equal(traits.efforts.length > 0, words, `${where}: efforts and form do not fit`);
        assert.equal(traits.maxOutputTokens, catalog.maxOutputTokens, where);
        assert.equal(traits.contextTokens, catalog.contextTokens, where);
        if (!catalog.abilities.includes("reasoning")) assert.equal(traits.thinking, "none", where);
        if (dialect === "anthropic-messages")
          assert.ok(!["effort", "level", "switch"].includes(traits.thinking), where);
        if (dialect === "ollama") assert.equal(traits.toolSchema, "ollama", where);
        count += 1;
      }
    }
  }
  assert.ok(count > 3_000, String(count));
});

type Row = readonly [provider: string, dialect: string, model: string, expected: Partial<ModelTraits>];

const budget = { thinking: "budget", efforts: [], canStopThinking: true, sampling: true, systemTurns: false } as const;
const low = ["low", "medium", "high"] as const;
const claude: readonly Row[] = [
  ["anthropic", "anthropic-messages", "claude-3-haiku-20240307", { ...budget, thinking: "none", schemaOutput: false }],
  ["anthropic", "anthropic-messages", "claude-3-7-sonnet-20250219", { ...budget, schemaOutput: false, prefill: true }],
  ["anthropic", "anthropic-messages", "claude-opus-4-20250514", { ...budget, maxOutputTokens: 32_000 }],
  ["anthropic", "anthropic-messages", "claude-opus-4-1", budget],
  ["anthropic", "anthropic-messages", "claude-opus-4-5-20251101", { ...budget, prefill: true, schemaOutput: true }],
  ["anthropic", "anthropic-messages", "claude-haiku-4-5", { ...budget, forcedToolWhileThinking: false }],
  ["bedrock", "anthropic-messages", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", budget],
  ["vertex", "anthropic-messages", "claude-haiku-4-5@20251001", budget],
  [
    "anthropic",
    "anthropic-messages",
    "claude-opus-4-6",
    { thinking: "adaptive", efforts: [...low, "max"], sampling: true, prefill: false, systemTurns: false },
  ],
  ["anthropic", "anthropic-messages", "claude-sonnet-4-6", { thinking: "adaptive", sampling: true, prefill: false }],
  [
    "anthropic",
    "anthropic-messages",
    "claude-opus-4-7",
    { thinking: "adaptive", efforts: [...low, "xhigh", "max"], sampling: false, systemTurns: false },
  ],
  ["anthropic", "anthropic-messages", "claude-opus-4-8", { canStopThinking: true, sampling: false, systemTurns: true }],
  ["anthropic", "anthropic-messages", "claude-sonnet-5", { canStopThinking: true, systemTurns: true, prefill: false }],
  ["anthropic", "anthropic-messages", "claude-fable-5", { thinking: "adaptive", canStopThinking: false }],
  ["anthropic", "anthropic-messages", "claude-opus-5-5", { thinking: "adaptive", canStopThinking: false }],
  ["anthropic", "anthropic-messages", "claude-saga-9-20290101", { thinking: "adaptive", sampling: false }],
  ["openrouter", "anthropic-messages", "anthropic/claude-opus-4.5", budget],
  ["openrouter", "openai-chat", "anthropic/claude-opus-4.5", { thinking: "effort", reasoningField: "reasoning" }],
];
const openai: readonly Row[] = [
  ["openai", "openai-chat", "gpt-4o", { thinking: "none", sampling: true, maxTokensField: "max_tokens" }],
  ["openai", "openai-chat", "gpt-4.1-mini-2025-04-14", { thinking: "none", sampling: true, schemaOutput: true }],
  ["openai", "openai-chat", "gpt-4-turbo", { schemaOutput: false, images: true }],
  [
    "openai",
    "openai-chat",
    "o3-mini",
    {
      thinking: "effort",
      efforts: low,
      canStopThinking: false,
      maxTokensField: "max_completion_tokens",
      images: false,
    },
  ],
  ["openai", "openai-responses", "gpt-5", { efforts: ["minimal", ...low], canStopThinking: false, sampling: false }],
  ["openai", "openai-responses", "gpt-5-mini-2025-08-07", { efforts: ["minimal", ...low] }],
  ["openai", "openai-responses", "gpt-5-codex", { efforts: low, canStopThinking: false }],
  ["openai", "openai-responses", "gpt-5-pro", { efforts: ["high"] }],
  ["openai", "openai-chat", "gpt-5-chat-latest", { thinking: "none", efforts: [] }],
  ["openai", "openai-responses", "gpt-5.1", { efforts: ["none", ...low], canStopThinking: true, documents: true }],
  ["openai", "openai-responses", "gpt-5.1-codex-max", { efforts: [...low, "xhigh"], canStopThinking: false }],
  ["openai", "openai-responses", "gpt-5.5", { efforts: ["none", ...low, "xhigh"] }],
  ["openai", "openai-responses", "gpt-5.4-pro", { efforts: ["medium", "high", "xhigh"] }],
  ["openai", "openai-responses", "gpt-6-sol", { efforts: ["none", ...low, "xhigh", "max"], sampling: false }],
  ["openai", "openai-responses", "gpt-5.5", { cacheField: "none", verbosity: true }],
  ["openai", "openai-responses", "gpt-5.6-terra", { cacheField: "prompt_cache_breakpoint" }],
  ["openai", "openai-chat", "gpt-6-sol", { cacheField: "prompt_cache_breakpoint", verbosity: true }],
  ["openai", "openai-chat", "gpt-4.1", { verbosity: false }],
  ["openai", "openai-responses", "gpt-5.1-codex", { verbosity: false }],
  ["openrouter", "openai-chat", "anthropic/claude-sonnet-5", { cacheField: "cache_control" }],
  ["openrouter", "openai-chat", "openai/gpt-5.2", { maxTokensField: "max_tokens", reasoningField: "reasoning" }],
  ["groq", "openai-chat", "openai/gpt-oss-120b", { thinking: "effort", efforts: low, reasoningField: "reasoning" }],
];
const gemini: readonly Row[] = [
  ["google", "gemini", "gemini-2.0-flash", { thinking: "none", toolSchema: "openapi", systemTurns: false }],
  ["google", "gemini", "gemini-2.5-flash", { thinking: "budget", canStopThinking: true, toolSchema: "json-schema" }],
  ["google", "gemini", "gemini-2.5-pro", { thinking: "budget", canStopThinking: false, audio: true }],
  ["google", "gemini", "gemini-3-flash-preview", { thinking: "level", efforts: ["minimal", ...low] }],
  ["google", "gemini", "gemini-3-pro-preview", { thinking: "level", efforts: ["low", "high"] }],
  ["google", "gemini", "gemini-3.1-pro-preview", { thinking: "level", efforts: low }],
  ["google", "gemini", "gemini-flash-latest", { thinking: "budget" }],
  ["google", "gemini", "gemini-2.5-flash-image", { thinking: "none", tools: false }],
  ["google", "gemini", "gemini-4-flash", { thinking: "level" }],
  ["google", "openai-chat", "gemini-3.5-flash", { thinking: "effort", systemTurns: false }],
];
const others: readonly Row[] = [
  ["deepseek", "openai-chat", "deepseek-reasoner", { reasoningField: "reasoning_content", schemaOutput: false }],
  ["deepseek", "openai-chat", "deepseek-v4-pro", { thinking: "effort", canStopThinking: true, schemaOutput: true }],
  ["deepseek", "anthropic-messages", "deepseek-v4-pro", { thinking: "budget", systemTurns: false }],
  ["moonshotai", "openai-chat", "kimi-k2-thinking", { reasoningField: "reasoning_content", canStopThinking: false }],
  ["moonshotai", "openai-chat", "kimi-k2.5", { thinking: "switch", sampling: false }],
  ["moonshotai", "openai-chat", "kimi-k2.7-code", { thinking: "switch", canStopThinking: false }],
  ["moonshotai", "openai-chat", "kimi-k3", { thinking: "effort", efforts: ["low", "high", "max"], sampling: false }],
  ["together", "openai-chat", "deepseek-ai/DeepSeek-V4-Pro", { thinking: "switch", canStopThinking: true }],
  ["moonshotai", "anthropic-messages", "kimi-k2.6", { thinking: "budget" }],
  ["zai", "openai-chat", "glm-4.7", { thinking: "switch", reasoningField: "reasoning_content" }],
  ["nvidia", "openai-chat", "z-ai/glm5", { thinking: "switch" }],
  ["fireworks-ai", "openai-chat", "accounts/fireworks/models/glm-5p1", { reasoningField: "reasoning_content" }],
  ["alibaba", "openai-chat", "qwen3-32b", { thinking: "switch", reasoningField: "reasoning_content" }],
  ["alibaba", "openai-chat", "qwen3-coder-plus", { thinking: "none" }],
  ["groq", "openai-chat", "qwen/qwen3-32b", { thinking: "switch", reasoningField: "reasoning" }],
  ["groq", "openai-chat", "llama-3.3-70b-versatile", { thinking: "none", reasoningField: "none" }],
  ["mistral", "openai-chat", "magistral-medium-latest", { callIds: "nine", thinking: "none", systemTurns: false }],
  ["mistral", "openai-chat", "mistral-small-2603", { thinking: "effort", efforts: ["none", "high"], prefill: false }],
  ["mistral", "openai-chat", "codestral-latest", { callIds: "nine", thinking: "none", images: false }],
  ["vllm", "openai-chat", "mistralai/Devstral-Small-2507", { callIds: "nine" }],
  ["xai", "openai-chat", "grok-4.3", { thinking: "effort", efforts: ["none", ...low], reasoningField: "none" }],
  ["xai", "openai-chat", "grok-4.20-0309-reasoning", { thinking: "none" }],
  ["vllm", "anthropic-messages", "Qwen/Qwen3-Next", { thinking: "budget", systemTurns: false, schemaOutput: false }],
  ["ollama", "ollama", "qwen3:8b", { thinking: "switch", canStopThinking: true, documents: false, audio: false }],
  ["ollama", "ollama", "hf.co/unsloth/Qwen3-4B-GGUF:Q4_K_M", { thinking: "switch" }],
  ["ollama", "ollama", "gpt-oss:20b", { thinking: "effort", efforts: low, canStopThinking: false }],
  ["ollama", "ollama", "llama3.2:latest", { thinking: "none", sampling: true }],
  ["ollama-cloud", "ollama", "deepseek-v3.1:671b", { thinking: "switch", sampling: true }],
  ["ollama-cloud", "ollama", "qwen3-vl:235b-instruct", { thinking: "none", images: true }],
  ["ollama-cloud", "ollama", "gemma3:27b", { thinking: "none", tools: false, sampling: true }],
];

for (const [family, rows] of Object.entries({ claude, openai, gemini, others })) {
  describe(`of ${family}`, () => {
    for (const [provider, dialect, model, expected] of rows) {
      test(`${model} at ${provider} is asked in ${dialect} as it wants to be`, () => {
        const found = of(provider, dialect, model);
        const keys = Object.keys(expected) as (keyof ModelTraits)[];
        assert.deepEqual(Object.fromEntries(keys.map((key) => [key, found[key]])), expected);
      });
    }
  });
}

test("of a model that nobody knows, all is assumed that its dialect can say", () => {
  assert.deepEqual(of("box", "openai-chat", "my-own-model"), unknownTraits);
  assert.deepEqual(of("box", "openai-chat", ""), unknownTraits);
  assert.deepEqual(of("box", "gemini", "constructor"), { ...unknownTraits, systemTurns: false });
});

test("the same model is worked out once, and again when the catalog says something else of it", () => {
  const catalog = findModel("openai", "gpt-5");
  const asked = { provider: "openai", dialect: "openai-chat", model: "gpt-5" };
  assert.equal(traitsOf({ ...asked, catalog }), traitsOf({ ...asked, catalog }));
  assert.equal(traitsOf(asked).maxOutputTokens, undefined);
  assert.equal(traitsOf({ ...asked, catalog }).maxOutputTokens, 128_000);
});

test("ever new names are not kept forever", () => {
  for (let index = 0; index < 5_000; index++) of("box", "openai-chat", `name-${index}`);
  assert.ok(Object.isFrozen(of("box", "openai-chat", "name-1")));
});
