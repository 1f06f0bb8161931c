import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { code, openParts } from "./test-parts.ts";

for (const database of databases) {
  const options = { skip: database.skip };

  test(`the models of a provider are those of the catalog and those added (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { models } = await parts.start();
    const size = models.list("groq").length;
    const price = {
      input: 100_000,
      output: 200_000,
      cacheRead: 10_000,
      tiers: [{ aboveContextTokens: 10, input: 1, output: 2 }],
    };
    const added = await models.add("groq", {
      model: "new/model",
      name: "New",
      price,
      contextTokens: 1000,
      maxOutputTokens: 100,
    });
    assert.match(added.id, /^mod_/);
    for (const present of [models, (await parts.start()).models]) {
      assert.equal(present.list("groq").length, size + 1);
      assert.deepEqual(present.lookup("groq", "new/model"), added);
      assert.deepEqual(added.price, price);
      assert.deepEqual(
        [added.name, added.source, added.contextTokens, added.maxOutputTokens],
        ["New", "custom", 1000, 100],
      );
    }
    const known = models.lookup("groq", "llama-3.3-70b-versatile");
    assert.deepEqual([known?.source, known?.price?.input, known?.catalog?.provider], ["catalog", 590_000, "groq"]);
    assert.equal(models.lookup("groq", "no-such-model"), undefined);
    assert.throws(() => models.list("nowhere"), code("not_found"));
  });

  test(
    `a model of the user's own takes the place of the catalog's, and gives it back (${database.name})`,
    options,
    async () => {
      const { models } = await (await openParts(database)).start();
      const catalog = models.lookup("openai", "gpt-5.5");
      const own = await models.add("openai", { model: "gpt-5.5", price: { input: 1, output: 2 } });
      const merged = models.lookup("openai", "gpt-5.5");
      assert.deepEqual(merged?.price, { input: 1, output: 2 });
      assert.equal(merged?.contextTokens, catalog?.contextTokens);
      await models.remove(own.id);
      assert.deepEqual(models.lookup("openai", "gpt-5.5"), catalog);
    },
  );

  test(`a model stands once at a provider (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const { models } = await parts.start();
    await models.add("groq", { model: "mine" });
    await assert.rejects(models.add("groq", { model: "mine" }), code("model_exists"));
    await models.add("openai", { model: "mine" });
    await assert.rejects(models.add("nowhere", { model: "mine" }), code("not_found"));
  });

  test(
    `a price that could not be charged, and a name that could not be asked for, are refused (${database.name})`,
    options,
    async () => {
      const { models } = await (await openParts(database)).start();
      const good = { input: 1, output: 1 };
      for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 1e15]) {
        await assert.rejects(
          models.add("groq", { model: "m", price: { ...good, output: bad } }),
          code("invalid_request"),
        );
        await assert.rejects(
          models.add("groq", { model: "m", price: { ...good, cacheRead: bad } }),
          code("invalid_request"),
        );
        const tiers = [{ ...good, aboveContextTokens: 5, input: bad }];
        await assert.rejects(models.add("groq", { model: "m", price: { ...good, tiers } }), code("invalid_request"));
        await assert.rejects(
          models.add("groq", { model: "m", contextTokens: bad === 1e15 ? 0 : bad }),
          code("invalid_request"),
        );
      }
      for (const model of ["", " m", "m\n", "m\u00e9", "a".repeat(257)]) {
        await assert.rejects(models.add("groq", { model }), code("invalid_request"));
      }
    },
  );

  test(`only models beyond the catalog can be removed (${database.name})`, options, async () => {
    const { models } = await (await openParts(database)).start();
    await assert.rejects(models.remove("groq/llama-3.3-70b-versatile"), code("model_predefined"));
    await assert.rejects(models.remove("openrouter/anthropic/claude-sonnet-4.5"), code("model_predefined"));
    await assert.rejects(models.remove("mod_nowhere"), code("not_found"));
  });

  test(
    `what a provider lists replaces what it listed before, and leaves the user's own (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const providers = await parts.start();
      const { models } = providers;
      await providers.create({ id: "box", baseUrl: "http://10.0.0.1", allowPrivate: true });
      const own = await models.add("box", { model: "own", price: { input: 5, output: 5 } });
      const names = () => models.list("box").map((model) => `${model.model}: ${model.source}`);

      const many = Array.from({ length: 450 }, (_, index) => `m-${index}`);
      await models.replaceRefreshed("box", [...many, "own", "m-1", "bad\nname", ""]);
      assert.equal(models.list("box").length, 451);
      await models.replaceRefreshed("box", ["b", "a"]);
      assert.deepEqual(names(), ["a: refreshed", "b: refreshed", "own: custom"]);
      assert.deepEqual(models.lookup("box", "own"), own);

      await models.add("box", { model: "a", price: { input: 1, output: 1 } });
      assert.deepEqual(names(), ["a: custom", "b: refreshed", "own: custom"]);
      assert.deepEqual((await parts.start()).models.list("box"), models.list("box"));
    },
  );

  test(`a refreshed model that the catalog knows keeps its price (${database.name})`, options, async () => {
    const { models } = await (await openParts(database)).start();
    await models.replaceRefreshed("openai", ["gpt-5.5", "gpt-6"]);
    const known = models.lookup("openai", "gpt-5.5");
    assert.deepEqual([known?.source, known?.name, known?.price?.input], ["refreshed", "GPT-5.5", 5_000_000]);
    assert.equal(models.lookup("openai", "gpt-6")?.price, undefined);
  });

  test(`a bare id names every provider that serves it (${database.name})`, options, async () => {
    const providers = await (await openParts(database)).start();
    const { models } = providers;
    assert.deepEqual(models.providersOf("claude-haiku-4-5"), ["anthropic"]);
    assert.deepEqual(models.providersOf("no-such-model"), []);
    await providers.create({ id: "box", baseUrl: "http://10.0.0.1", allowPrivate: true });
    await models.add("box", { model: "claude-haiku-4-5" });
    await models.replaceRefreshed("box", ["qwen3"]);
    assert.deepEqual(models.providersOf("claude-haiku-4-5"), ["anthropic", "box"]);
    assert.deepEqual(models.providersOf("qwen3"), ["box"]);
    await providers.remove("box");
    assert.deepEqual(models.providersOf("qwen3"), []);
    await providers.create({ id: "box", baseUrl: "https://other.example" });
    assert.deepEqual(models.list("box"), []);
  });
}
