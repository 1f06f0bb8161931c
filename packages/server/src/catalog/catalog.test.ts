import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import * as z from "zod";
import { findModel, modelsNamed, modelsOf } from "./models.ts";

const folder = new URL("./data/", import.meta.url);
const files = readdirSync(folder);

const rate = z.int().min(0).max(1_000_000_000);
const price = z.strictObject({
  input: rate,
  output: rate,
  cache_read: rate.optional(),
  cache_write: rate.optional(),
  cache_write_1h: rate.optional(),
  reasoning: rate.optional(),
  input_audio: rate.optional(),
  output_audio: rate.optional(),
  input_image: rate.optional(),
  output_image: rate.optional(),
});
const units = z.strictObject({
  image: rate.optional(),
  million_characters: rate.optional(),
  audio_hour: rate.optional(),
  thousand_searches: rate.optional(),
});
const medium = z.enum(["text", "image", "pdf", "audio", "video"]);
const size = z.int().min(1).max(20_000_000);
const model = z.strictObject({
  id: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  name: z.string().min(1).max(128),
  released: z.string().regex(/^20\d\d-\d\d(-\d\d)?$/),
  status: z.enum(["beta", "deprecated"]).optional(),
  context_tokens: size.optional(),
  max_output_tokens: size.optional(),
  input: z.array(medium).min(1),
  output: z.array(medium).min(1),
  abilities: z.array(z.enum(["attachment", "reasoning", "structured_output", "temperature", "tool_call"])),
  price: price.extend({ units: units.optional() }).optional(),
  price_tiers: z
    .array(price.extend({ above_context_tokens: size }))
    .min(1)
    .optional(),
});
const file = z.strictObject({
  provider: z.string(),
  as_of: z.string().regex(/^20\d\d-\d\d-\d\d$/),
  models: z.array(model).min(1),
});

for (const name of files) {
  const text = readFileSync(new URL(name, folder), "utf8");

  test(`${name} has the shape the catalog reads`, () => {
    const data = file.parse(JSON.parse(text));
    assert.equal(`${data.provider}.json`, name);
    const ids = data.models.map((entry) => entry.id);
    assert.equal(new Set(ids).size, ids.length, "an id stands twice");
    assert.equal(text.split("\n").length, ids.length + 3, "one model per line, so that differences are readable");
  });

  test(`${name} has prices that make sense`, () => {
    for (const entry of file.parse(JSON.parse(text)).models) {
      if (entry.price === undefined) {
        assert.equal(entry.price_tiers, undefined, entry.id);
        continue;
      }
      for (const rates of [entry.price, ...(entry.price_tiers ?? [])]) {
        assert.ok((rates.cache_read ?? 0) <= rates.input, `${entry.id}: reading a cache costs more than input`);
        assert.notEqual(rates.reasoning, rates.output, `${entry.id}: reasoning repeats the output price`);
        if (rates.input === 0) continue;
        assert.notEqual(rates.cache_write, 0, `${entry.id}: a cache write for nothing`);
        assert.notEqual(rates.cache_read, 0, `${entry.id}: a cache read for nothing`);
      }
      for (const tier of entry.price_tiers ?? []) {
        const { above_context_tokens, ...rates } = tier;
        assert.deepEqual(Object.keys(rates), Object.keys(entry.price), `${entry.id}: a tier inherits nothing`);
        assert.ok(above_context_tokens < (entry.context_tokens ?? 0), `${entry.id}: a tier beyond the context`);
      }
    }
  });
}

test("Anthropic's cache writes cost twice the input price for one hour, and more than input for five minutes", () => {
  for (const { id, price: rates } of modelsOf("anthropic").values()) {
    assert.equal(rates?.cacheWrite1h, 2 * (rates?.input ?? 0), id);
    const ratio = (rates?.cacheWrite ?? 0) / (rates?.input ?? 1);
    assert.ok(ratio >= 1.2 && ratio <= 1.25, id);
  }
});

test("a model is found by provider and exact id, with its limits, its price and the day of the facts", () => {
  const found = findModel("anthropic", "claude-opus-4-5-20251101");
  assert.equal(found?.name, "Claude Opus 4.5");
  assert.equal(found?.contextTokens, 200_000);
  assert.equal(found?.maxOutputTokens, 64_000);
  assert.equal(found?.price?.cacheWrite1h, 10_000_000);
  assert.match(found?.asOf ?? "", /^\d{4}-\d\d-\d\d$/);
  assert.equal(findModel("anthropic", "claude-opus-4-5-latest"), undefined);
  assert.equal(findModel("anthropic", "CLAUDE-OPUS-4-5"), undefined);
});

test("a bare id names every provider that serves it", () => {
  const providers = modelsNamed("openai/gpt-oss-120b").map((entry) => entry.provider);
  assert.ok(providers.includes("groq") && providers.includes("openrouter"), providers.join());
  assert.deepEqual(
    modelsNamed("claude-haiku-4-5").map((entry) => entry.provider),
    ["anthropic"],
  );
  assert.deepEqual(modelsNamed("no-such-model"), []);
});

test("a provider the catalog does not know has no models, however it is spelled", () => {
  for (const name of ["no-such-provider", "", "..", "../models", "anthropic.json", "__proto__", "constructor"]) {
    assert.equal(modelsOf(name).size, 0, name);
    assert.equal(findModel(name, "x"), undefined);
  }
});
