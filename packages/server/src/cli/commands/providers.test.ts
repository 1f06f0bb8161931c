import assert from "node:assert/strict";
import test from "node:test";
import type { Model } from "@portcullis/contract";
import { provider } from "../test/examples.ts";
import { runAgainst } from "../test/terminal.ts";

const model: Model = {
  id: "openai/gpt-5",
  provider_id: "openai",
  name: "gpt-5",
  display_name: "GPT-5",
  source: "catalog",
  price_micros_per_mtok: { input: 1_250_000, output: 10_000_000 },
  price_micros_per_unit: null,
  context_tokens: 400_000,
  max_output_tokens: null,
  created_at: null,
};

test("`providers add` sends what scripts give it and prints the provider", async (context) => {
  const answers = { providers: { create: async () => ({ ...provider, id: "box", name: "box", custom: true }) } };
  const argv = [
    "providers",
    "add",
    "box",
    "--dialect",
    "openai-chat",
    "--base-url",
    "http://127.0.0.1:9",
    "--allow-private",
    "--models",
    "a,b",
    "--json",
  ];
  const { code, stdout, stderr, calls } = await runAgainst(context, answers, argv);
  assert.equal(code, 0, stderr);
  assert.equal(JSON.parse(stdout).id, "box");
  assert.deepEqual(calls[0]?.input, {
    id: "box",
    base_url: "http://127.0.0.1:9",
    dialect: "openai-chat",
    models: ["a", "b"],
    allow_private: true,
  });
  assert.match(stderr, /next: portcullis credentials add box/);
});

test("an address is needed, before anything is sent", async (context) => {
  const { code, stderr, calls } = await runAgainst(context, {}, ["providers", "add", "box"]);
  assert.equal(code, 2);
  assert.match(stderr, /--base-url is missing/);
  assert.deepEqual(calls, []);
});

test("an update sends what is given only; clearing the key is asked for", async (context) => {
  const answers = { providers: { update: async () => provider } };
  const update = (argv: readonly string[], stdin = "") =>
    runAgainst(context, answers, ["providers", "update", "box", ...argv], { stdin });
  assert.deepEqual((await update(["--name", "Box"])).calls[0]?.input, { display_name: "Box" });
  const moved = await update(["--base-url", "https://box.lan", "--read-key"], "sk-1");
  assert.deepEqual(moved.calls[0]?.input, { base_url: "https://box.lan", api_key: "sk-1" });
  assert.deepEqual((await update(["--clear-key", "--yes"])).calls[0]?.input, { api_key: null });
  assert.equal((await update(["--clear-key"])).code, 2);
  assert.equal((await update([])).code, 2);
  assert.equal((await update(["--clear-key", "--read-key", "--yes"], "sk-1")).code, 2);
});

test("`providers test` tests the stored key, or one that is given without being an argument", async (context) => {
  const answers = { providers: { test: async () => ({ ok: true, latency_ms: 12, models: 3 }) } };
  const stored = await runAgainst(context, answers, ["providers", "test", "openai"]);
  assert.deepEqual(
    [stored.code, stored.stdout, stored.calls[0]?.input],
    [0, "openai accepts the key: 3 models, 12 ms\n", {}],
  );
  const given = await runAgainst(context, answers, ["providers", "test", "openai", "--read-key"], { stdin: "sk-1\n" });
  assert.deepEqual(given.calls[0]?.input, { api_key: "sk-1" });
});

test("lists show what is there; models are refreshed first when that is asked for", async (context) => {
  const answers = {
    providers: {
      list: async () => [provider],
      withKeys: async () => [],
      get: async () => provider,
      remove: async () => undefined,
    },
    models: { list: async () => [model], refresh: async () => ({ added: 2, removed: 1, total: 3 }) },
  };
  const listed = await runAgainst(context, answers, ["providers", "list"]);
  assert.match(listed.stdout, /openai +OpenAI +openai-responses, openai-chat +no +unknown +0 +https:/);
  assert.deepEqual(JSON.parse((await runAgainst(context, answers, ["providers", "list", "--json"])).stdout), [
    provider,
  ]);
  assert.equal((await runAgainst(context, answers, ["providers", "list", "--with-keys", "--json"])).stdout, "[]\n");
  assert.match(
    (await runAgainst(context, answers, ["providers", "show", "openai"])).stdout,
    /address +https:\/\/api.openai.com/,
  );
  const models = await runAgainst(context, answers, ["providers", "models", "openai", "--refresh"]);
  assert.match(models.stdout, /gpt-5 +GPT-5 +400000 +1.25 +10.00 +catalog/);
  assert.match(models.stderr, /2 added, 1 removed/);
  const removed = await runAgainst(context, answers, ["providers", "remove", "box", "--yes"]);
  assert.deepEqual([removed.code, removed.calls[0]?.params], [0, { id: "box" }]);
});
