import assert from "node:assert/strict";
import { test } from "node:test";
import { databases } from "../../test/support/databases.ts";
import { predefinedProviders } from "./index.ts";
import { authFor } from "./live-provider.ts";
import type { DeclaredProvider } from "./live-set.ts";
import { defaultQuirks } from "./quirks.ts";
import { code, openParts } from "./test-parts.ts";

const declared = (...providers: DeclaredProvider[]) => ({ declared: { file: "portcullis.yaml", providers } });

for (const database of databases) {
  const options = { skip: database.skip };

  test(`the providers that come with the product are there, sorted (${database.name})`, options, async () => {
    const providers = await (await openParts(database)).start();
    assert.deepEqual(
      providers.list().map((provider) => provider.id),
      predefinedProviders.map((provider) => provider.id),
    );
    const groq = providers.require("groq");
    assert.equal(groq.endpoints["openai-chat"], "https://api.groq.com/openai/v1");
    assert.deepEqual([groq.custom, groq.allowPrivate, groq.declaredIn], [false, false, undefined]);
    assert.throws(() => providers.require("nowhere"), code("not_found"));
  });

  test(`a provider of the user's own is in force at once and after a restart (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const providers = await parts.start();
    let changes = 0;
    const stop = providers.onChange(() => changes++);
    const made = await providers.create({ id: "my-box", name: " My box ", baseUrl: "https://AI.example.com:443/v1/" });
    assert.equal(providers.get("my-box"), made);
    assert.equal(changes, 1);
    stop();
    assert.deepEqual(
      { ...made },
      {
        id: "my-box",
        name: "My box",
        baseUrl: "https://ai.example.com",
        origin: "https://ai.example.com:443",
        endpoints: { "openai-chat": "https://ai.example.com/v1" },
        translateTo: "openai-chat",
        auth: { scheme: "bearer" },
        authByDialect: {
          "anthropic-messages": { scheme: "header", name: "x-api-key" },
          gemini: { scheme: "header", name: "x-goog-api-key" },
        },
        headers: {},
        quirks: defaultQuirks,
        probe: {},
        rerank: { shape: "jina", endpoint: undefined },
        media: { images: "openai", transcription: "openai", only: undefined },
        env: [],
        allowPrivate: false,
        needsKey: true,
        custom: true,
        declaredIn: undefined,
        createdAt: parts.clock.now(),
        updatedAt: parts.clock.now(),
      },
    );
    assert.deepEqual((await parts.start()).get("my-box"), made);
  });

  test(
    `a provider may speak several dialects, and an address tells the one it is likely to speak (${database.name})`,
    options,
    async () => {
      const providers = await (await openParts(database)).start();
      const both = await providers.create({
        id: "both",
        baseUrl: "https://a.example/api/v1",
        dialects: ["anthropic-messages", "openai-chat"],
      });
      assert.deepEqual(both.endpoints, {
        "anthropic-messages": "https://a.example/api/v1",
        "openai-chat": "https://a.example/api/v1",
      });
      assert.deepEqual(authFor(both, "anthropic-messages"), { scheme: "header", name: "x-api-key" });
      assert.deepEqual(authFor(both, "openai-chat"), { scheme: "bearer" });
      const guessed = await providers.create({ id: "guessed", baseUrl: "https://a.example/anthropic" });
      assert.deepEqual(guessed.endpoints, { "anthropic-messages": "https://a.example/anthropic/v1" });
      await assert.rejects(
        providers.create({ id: "mute", baseUrl: "https://a.example", dialects: [] }),
        code("invalid_request"),
      );
    },
  );

  test(`names cannot collide (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const providers = await parts.start(declared({ id: "from-file", baseUrl: "https://a.example" }));
    const other = await parts.start();
    await providers.create({ id: "mine", baseUrl: "https://a.example" });
    for (const id of ["mine", "openai", "ollama", "from-file"]) {
      await assert.rejects(providers.create({ id, baseUrl: "https://evil.example" }), code("provider_exists"), id);
    }
    // Another instance that has not heard of it yet
    await assert.rejects(other.create({ id: "mine", baseUrl: "https://evil.example" }), code("provider_exists"));
    assert.equal(providers.require("openai").baseUrl, "https://api.openai.com");
    await other.refresh();
    assert.equal(other.require("mine").baseUrl, "https://a.example");
  });

  test(`names that could be taken for another, or for a path, are refused (${database.name})`, options, async () => {
    const providers = await (await openParts(database)).start();
    const names = [
      "",
      "OpenAI",
      "a/b",
      "a b",
      "..",
      ".",
      "-a",
      "a-",
      "ореnai",
      "a%2fb",
      "a\n",
      "a".repeat(65),
      "__proto__",
    ];
    for (const id of names) {
      await assert.rejects(providers.create({ id, baseUrl: "https://a.example" }), code("invalid_request"), id);
    }
    for (const name of ["", "  ", "a\u0007", "a\u202eb", "a".repeat(101)]) {
      await assert.rejects(providers.create({ id: "x", name, baseUrl: "https://a.example" }), code("invalid_request"));
    }
    assert.equal((await providers.create({ id: "constructor", baseUrl: "https://a.example" })).id, "constructor");
  });

  test(
    `plain http needs allow_private, when a provider is made and when it is changed (${database.name})`,
    options,
    async () => {
      const providers = await (await openParts(database)).start();
      await assert.rejects(providers.create({ id: "box", baseUrl: "http://10.0.0.1:8000" }), code("invalid_request"));
      const box = await providers.create({ id: "box", baseUrl: "http://10.0.0.1:8000", allowPrivate: true });
      assert.deepEqual([box.allowPrivate, box.needsKey], [true, false]);
      await assert.rejects(providers.update("box", { allowPrivate: false }), code("invalid_request"));
      await assert.rejects(providers.update("openai", { baseUrl: "http://10.0.0.1:8000" }), code("invalid_request"));
      const moved = await providers.update("openai", { baseUrl: "http://10.0.0.1:8000/v1", allowPrivate: true });
      assert.equal(moved.endpoints["openai-responses"], "http://10.0.0.1:8000/v1");
      await assert.rejects(providers.update("box", { baseUrl: "https://user@evil.example" }), code("invalid_request"));
      assert.equal(providers.require("box").baseUrl, "http://10.0.0.1:8000");
    },
  );

  test(
    `a predefined provider keeps its paths at a changed address, given with or without them (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const providers = await parts.start();
      for (const baseUrl of [
        "https://open.bigmodel.cn",
        "https://open.bigmodel.cn/api/paas/v4/",
        "https://open.bigmodel.cn/api/anthropic/v1",
      ]) {
        const zai = await providers.update("zai", { baseUrl });
        assert.equal(zai.baseUrl, "https://open.bigmodel.cn");
        assert.equal(zai.endpoints["openai-chat"], "https://open.bigmodel.cn/api/paas/v4");
        assert.equal(zai.endpoints["anthropic-messages"], "https://open.bigmodel.cn/api/anthropic/v1");
        assert.equal(zai.custom, false);
      }
      assert.equal((await parts.start()).require("zai").baseUrl, "https://open.bigmodel.cn");
    },
  );

  test(`only what is given changes (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const providers = await parts.start();
    const made = await providers.create({
      id: "mine",
      baseUrl: "https://a.example/v4",
      dialects: ["openai-responses"],
    });
    parts.clock.advance(1000);
    const renamed = await providers.update("mine", { name: "Mine" });
    assert.deepEqual(renamed, { ...made, name: "Mine", updatedAt: parts.clock.now() });
    await assert.rejects(providers.update("nowhere", { name: "x" }), code("not_found"));
  });

  test(
    `what comes with the product cannot be removed, what the user made can (${database.name})`,
    options,
    async () => {
      const parts = await openParts(database);
      const providers = await parts.start();
      await providers.create({ id: "mine", baseUrl: "https://a.example" });
      await providers.remove("mine");
      assert.equal(providers.get("mine"), undefined);
      assert.equal((await parts.start()).get("mine"), undefined);
      await assert.rejects(providers.remove("mine"), code("not_found"));
      await assert.rejects(providers.remove("openai"), code("provider_predefined"));
      await providers.update("openai", { name: "Changed" });
      await assert.rejects(providers.remove("openai"), code("provider_predefined"));
    },
  );

  test(`what the file declares wins and is read-only (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const before = await parts.start();
    await before.create({ id: "box", baseUrl: "https://old.example" });
    const providers = await parts.start(
      declared(
        { id: "box", baseUrl: "http://10.0.0.1", allowPrivate: true, dialects: ["anthropic-messages"] },
        { id: "openai", baseUrl: "https://proxy.example/openai/v1" },
      ),
    );
    const box = providers.require("box");
    assert.deepEqual([box.baseUrl, box.declaredIn], ["http://10.0.0.1", "portcullis.yaml"]);
    const openai = providers.require("openai");
    assert.equal(openai.endpoints["openai-responses"], "https://proxy.example/openai/v1");
    assert.deepEqual(openai.env, ["OPENAI_API_KEY"]);
    for (const id of ["box", "openai"]) {
      await assert.rejects(providers.update(id, { name: "x" }), code("provider_declared"));
      await assert.rejects(providers.remove(id), code("provider_declared"));
    }
    assert.equal((await parts.start()).require("box").baseUrl, "https://old.example");
  });

  test(`a file that declares nonsense does not start (${database.name})`, options, async () => {
    const parts = await openParts(database);
    const nonsense: DeclaredProvider[] = [
      { id: "Box", baseUrl: "https://a.example" },
      { id: "box" },
      { id: "box", baseUrl: "http://a.example" },
      { id: "box", baseUrl: "https://a.example", dialects: [] },
    ];
    for (const provider of nonsense) await assert.rejects(parts.start(declared(provider)), code("invalid_request"));
  });
}
