import assert from "node:assert/strict";
import test from "node:test";
import { isLitellm, readLitellm } from "./litellm.ts";
import { context, fixtureText, summarise } from "./test/fixtures.ts";
import { parseYamlText } from "./yaml-text.ts";

function read(text: string, environment: Readonly<Record<string, string>> = {}) {
  const yaml = parseYamlText(text);
  assert.ok(!("problem" in yaml) && isLitellm(yaml.content));
  return readLitellm(yaml, { ...context, environment });
}

test("LiteLLM's file gives providers, models, prices and keys; each at its line", () => {
  const findings = read(fixtureText("litellm.yaml"), { OPENAI_API_KEY: "sk-env-canary" });
  assert.deepEqual(summarise(findings), [
    "line 2: credential openai sk-env-canary",
    "line 2: model openai gpt-4o",
    "line 7: credential openai sk-env-canary",
    "line 7: model openai gpt-4o-mini",
    "line 11: credential anthropic sk-ant-litellm-canary",
    "line 11: model anthropic claude-sonnet-4-5",
    "line 11: skipped route smart → anthropic/claude-sonnet-4-5",
    "line 15: skipped model smart",
    "line 20: provider 10-0-0-5-8000 http://10.0.0.5:8000/v1",
    "line 20: skipped credential 10-0-0-5-8000",
    "line 20: model 10-0-0-5-8000 http://10.0.0.5:8000/v1 llama-3.3-70b",
    "line 20: skipped route house → openai/llama-3.3-70b",
    "line 29: provider llm-example-com https://llm.example.com/v1",
    "line 29: credential llm-example-com https://llm.example.com/v1 sk-company-litellm-canary",
    "line 29: model llm-example-com https://llm.example.com/v1 gpt-4o",
    "line 29: skipped route company/gpt-4o → openai/gpt-4o",
    "line 33: credential groq env:GROQ_API_KEY",
    "line 37: failed model line 37",
    "line 38: provider api-openai-com https://api.openai.com/v1",
    "line 38: credential api-openai-com https://api.openai.com/v1 sk-env-canary",
    "line 38: model api-openai-com https://api.openai.com/v1 gpt-4.1",
    "line 38: skipped route vendor-address → openai/gpt-4.1",
    "environment_variables: credential MISTRAL_API_KEY mistral-litellm-canary",
    "environment_variables: skipped secret REDIS_PASSWORD",
    "router_settings: skipped route gpt-4",
    "settings: skipped route fallbacks",
    "general_settings: skipped setting general_settings",
  ]);
  const house = findings.find(
    (finding) => "item" in finding && finding.item.kind === "model" && finding.place === "line 20",
  );
  assert.ok(house !== undefined && "item" in house && house.item.kind === "model");
  assert.deepEqual(house.item.price_micros_per_mtok, {
    input: 500_000,
    output: 1_500_000,
    cache_read: undefined,
    cache_write: undefined,
  });
  assert.equal(house.item.context_tokens, 131_072);
});

test("nothing of the proxy's own settings is repeated", () => {
  const told = JSON.stringify(read(fixtureText("litellm.yaml")));
  for (const canary of [
    "sk-master-litellm-canary",
    "database-litellm-canary",
    "redis-litellm-canary",
    "azure-canary",
  ]) {
    assert.ok(!told.includes(canary), canary);
  }
});

test("a key in a variable is taken if it is set, else referred to", () => {
  const text =
    "model_list:\n  - model_name: a\n    litellm_params: {model: groq/a, api_key: os.environ/GROQ_API_KEY}\n";
  assert.match(summarise(read(text)).join(), /credential groq env:GROQ_API_KEY/);
  assert.match(summarise(read(text, { GROQ_API_KEY: "gsk_canary" })).join(), /credential groq gsk_canary/);
});

test("no file can have the gateway's own secrets taken for a provider's key", () => {
  const entry = "{model: openai/a, api_base: 'https://attacker.example', api_key: os.environ/PORTCULLIS_ADMIN_TOKEN}";
  const text = `model_list:\n  - model_name: a\n    litellm_params: ${entry}\n`;
  for (const environment of [{}, { PORTCULLIS_ADMIN_TOKEN: "own-canary" }]) {
    const findings = read(text, environment);
    assert.doesNotMatch(JSON.stringify(findings), /own-canary|env:PORTCULLIS/);
    assert.equal(summarise(findings)[1], "line 2: skipped credential attacker-example");
  }
});

test("a model that cannot be placed is left, with why, and the others go on", () => {
  const entry = (params: string) => `  - model_name: m\n    litellm_params: {${params}}\n`;
  const text = `model_list:\n${[
    "model: bedrock/anthropic.claude-3",
    "model: some-unknown-name",
    "model: custom_openai/llama",
    "model: openai/x, api_base: os.environ/NOT_SET",
    "model: openai/x, api_base: 'ftp://example.com'",
    "model: __proto__/x",
    "model: xai/grok-4",
  ]
    .map(entry)
    .join("")}  - 7\n`;
  assert.deepEqual(
    summarise(read(text)).map((line) => line.replace(/^line \d+: /, "")),
    [
      ...Array.from({ length: 6 }, () => "skipped model m"),
      "model xai grok-4",
      "skipped route m → xai/grok-4",
      "failed model line 16",
    ],
  );
});

test("hostile YAML is refused without repeating any of it", () => {
  const bomb = `a: &a [${"x,".repeat(50)}]\n${Array.from({ length: 8 }, (_, index) => `b${index}: &b${index} [${`*${index === 0 ? "a" : `b${index - 1}`},`.repeat(50)}]`).join("\n")}\nmodel_list: *b7\n`;
  for (const text of [
    bomb,
    "- &a x\n- *a\n".repeat(20_000),
    "[".repeat(20_000),
    "x".repeat(600_000),
    "a: sk-canary: b",
    "\tmodel_list: sk-canary",
    'a: "sk-canary',
  ]) {
    const parsed = parseYamlText(text);
    assert.ok("problem" in parsed, text.slice(0, 20));
    assert.doesNotMatch(parsed.problem, /canary/);
  }
});
