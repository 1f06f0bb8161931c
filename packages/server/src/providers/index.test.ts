import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { modelsOf } from "../catalog/index.ts";
import type { DialectId } from "../dialects/index.ts";
import { parseAddress } from "./address.ts";
import { predefinedProviders } from "./index.ts";
import { fromDefinition } from "./live-provider.ts";
import { parseId, parseName } from "./names.ts";
import type { ProviderDefinition } from "./provider.ts";

const folder = new URL("./", import.meta.url);
const providers: readonly ProviderDefinition[] = predefinedProviders;

test("every file that defines a provider is in the list, sorted", () => {
  const defining = readdirSync(folder).filter(
    (name) => !name.endsWith(".test.ts") && readFileSync(new URL(name, folder), "utf8").includes("= defineProvider({"),
  );
  const ids = providers.map((provider) => provider.id);
  assert.deepEqual(ids.map((id) => `${id}.ts`).toSorted(), defining.toSorted());
  assert.deepEqual(ids, ids.toSorted());
});

test("every data file of the catalog belongs to a provider", () => {
  const files = readdirSync(new URL("../catalog/data/", folder)).map((name) => name.replace(/\.json$/, ""));
  const ids = providers.map((provider) => provider.id);
  for (const file of files) assert.ok(ids.includes(file), file);
  for (const provider of providers) assert.equal(modelsOf(provider.id).size > 0, !provider.local, provider.id);
});

for (const definition of providers) {
  test(`${definition.id} is well defined`, () => {
    assert.equal(parseId(definition.id), definition.id);
    assert.equal(parseName(definition.name), definition.name);
    assert.equal(parseAddress(definition.baseUrl, definition.local), definition.baseUrl);
    assert.equal(
      new URL(definition.baseUrl).hostname === "127.0.0.1",
      definition.local,
      "loopback, if and only if local",
    );

    const provider = fromDefinition(definition);
    const addresses = Object.values(provider.endpoints);
    assert.ok(addresses.length > 0);
    for (const address of addresses) {
      assert.equal(parseAddress(address, definition.local), address);
      assert.equal(new URL(address).origin, new URL(definition.baseUrl).origin);
    }
    assert.equal(provider.needsKey, !definition.local);
    assert.match(provider.origin, /^https?:\/\/[a-z0-9.-]+:\d+$/);

    if (definition.auth.scheme === "header") assert.match(definition.auth.name, /^[a-z-]+$/);
    for (const name of definition.env) assert.match(name, /^[A-Z][A-Z0-9_]+_(?:API_KEY|TOKEN)$/);
    assert.equal(definition.env.length > 0, !definition.local);
    for (const [name, value] of Object.entries(definition.headers))
      assert.match(`${name}: ${value}`, /^[a-z-]+: [\x20-\x7e]+$/);
    for (const path of [definition.probe.keyPath, definition.probe.modelsPath]) {
      if (path !== undefined && path !== null) assert.match(path, /^\/[a-z0-9/-]+$/);
    }
  });
}

test("no two vendors share an address, and no two providers a variable", () => {
  // Engines have the port that their makers chose, and some chose the same.
  const addresses = providers.filter(({ local }) => !local).map((provider) => provider.baseUrl);
  assert.equal(new Set(addresses).size, addresses.length);
  const variables = providers.flatMap((provider) => provider.env);
  assert.equal(new Set(variables).size, variables.length);
});

test("the variables that people have set already are read", () => {
  const variables = new Map(providers.flatMap((provider) => provider.env.map((name) => [name, provider.id] as const)));
  const expected = {
    OPENAI_API_KEY: "openai",
    ANTHROPIC_API_KEY: "anthropic",
    GOOGLE_API_KEY: "google",
    GEMINI_API_KEY: "google",
    OPENROUTER_API_KEY: "openrouter",
    TOGETHER_API_KEY: "together",
    XAI_API_KEY: "xai",
    GROK_API_KEY: "xai",
    GROQ_API_KEY: "groq",
    DEEPSEEK_API_KEY: "deepseek",
    MISTRAL_API_KEY: "mistral",
    HUGGINGFACE_TOKEN: "huggingface",
    HF_TOKEN: "huggingface",
  };
  for (const [name, id] of Object.entries(expected)) assert.equal(variables.get(name), id, name);
});

test("paths follow the address that the vendor publishes, also where the version segment is odd", () => {
  const endpoint = (id: string, dialect: DialectId) => {
    const definition = providers.find((provider) => provider.id === id);
    assert.ok(definition);
    return fromDefinition(definition).endpoints[dialect];
  };
  assert.equal(endpoint("anthropic", "anthropic-messages"), "https://api.anthropic.com/v1");
  assert.equal(endpoint("groq", "openai-chat"), "https://api.groq.com/openai/v1");
  assert.equal(endpoint("deepseek", "anthropic-messages"), "https://api.deepseek.com/anthropic/v1");
  assert.equal(endpoint("openrouter", "anthropic-messages"), "https://openrouter.ai/api/v1");
  assert.equal(endpoint("zai", "openai-chat"), "https://api.z.ai/api/paas/v4");
  assert.equal(endpoint("zai", "anthropic-messages"), "https://api.z.ai/api/anthropic/v1");
  assert.equal(endpoint("perplexity", "openai-chat"), "https://api.perplexity.ai");
  assert.equal(endpoint("google", "openai-chat"), "https://generativelanguage.googleapis.com/v1beta/openai");
  assert.equal(endpoint("google", "gemini"), "https://generativelanguage.googleapis.com/v1beta");
  assert.equal(endpoint("anthropic", "openai-chat"), undefined);
});
