import assert from "node:assert/strict";
import { test } from "node:test";
import { recognisedSecrets, secretName, variableOf, variablesOf } from "@portcullis/contract";
import { predefinedProviders } from "../../providers/index.ts";

test("every variable that a provider's key is read from belongs to a recognised name", () => {
  const known = new Set(recognisedSecrets.flatMap(({ environment }) => environment));
  const variables = predefinedProviders.flatMap(({ env }) => env);
  assert.deepEqual(
    variables.filter((variable) => !known.has(variable)),
    [],
  );
});

test("recognised names are names, sorted, each once, and looked for in their own variable first", () => {
  const names = recognisedSecrets.map(({ name }) => name);
  assert.deepEqual(names, [...new Set(names)].toSorted());
  for (const { name, environment } of recognisedSecrets) {
    assert.match(name, secretName);
    assert.equal(environment[0], variableOf(name));
    for (const variable of environment) assert.match(variable, /^[A-Z][A-Z0-9_]*$/);
  }
});

test("the names that the contract promises are recognised", () => {
  const names = new Set(recognisedSecrets.map(({ name }) => name));
  for (const name of [
    "openai_api_key",
    "anthropic_api_key",
    "google_api_key",
    "groq_api_key",
    "huggingface_token",
    "openrouter_api_key",
    "together_api_key",
    "xai_api_key",
    "deepseek_api_key",
    "mistral_api_key",
  ]) {
    assert.ok(names.has(name), name);
  }
});

test("however a name is punctuated, it has the same variables", () => {
  for (const name of ["google_api_key", "google-api-key", "google.api.key", "google-api_key"]) {
    assert.deepEqual(variablesOf(name), ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"]);
  }
  assert.deepEqual(variablesOf("my.own-thing_2"), ["MY_OWN_THING_2"]);
});
