import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import test from "node:test";
import { readSource } from "./read-source.ts";
import { context, fixtureText, sqliteFile, summarise } from "./test/fixtures.ts";

function read(source: string) {
  return readSource({ source, kind: undefined, tokens: undefined, context, fernetKeys: async () => [] });
}

test("one-api's database gives providers, keys, models, and keys of callers", async () => {
  const { kind, findings } = await read(sqliteFile("one-api.db", fixtureText("one-api.sql")));
  assert.equal(kind, "one-api");
  assert.deepEqual(summarise(findings), [
    "channels 1: provider openai https://api.openai.com",
    "channels 1 key 1: credential openai https://api.openai.com sk-oneapi-openai-canary-1",
    "channels 1 key 2: credential openai https://api.openai.com sk-oneapi-openai-canary-2",
    "channels 1: model openai https://api.openai.com gpt-4o",
    "channels 1: model openai https://api.openai.com gpt-4o-mini",
    "channels 2: provider anthropic https://api.anthropic.com",
    "channels 2: credential anthropic https://api.anthropic.com sk-ant-oneapi-canary",
    "channels 2: model anthropic https://api.anthropic.com claude-sonnet-4-5",
    "channels 3: provider company-proxy https://llm.example.com",
    "channels 3: credential company-proxy https://llm.example.com sk-oneapi-proxy-canary",
    "channels 3: model company-proxy https://llm.example.com gpt-4o",
    "channels 3: model company-proxy https://llm.example.com llama-3.3-70b",
    "channels 3: skipped route house-model → llama-3.3-70b",
    "channels 4: skipped provider DeepSeek, off",
    "channels 5: skipped provider Azure",
    "channels 6: provider gemini https://generativelanguage.googleapis.com",
    "channels 6: credential gemini https://generativelanguage.googleapis.com AIza-oneapi-gemini-canary",
    "channels 6: model gemini https://generativelanguage.googleapis.com gemini-2.5-flash",
    "channels 7: provider groq https://api.groq.com/openai",
    "channels 7: credential groq https://api.groq.com/openai key with a space",
    "channels 7: model groq https://api.groq.com/openai llama-3.3-70b-versatile",
    "channels 8: provider moonshot https://api.moonshot.cn",
    "channels 8: credential moonshot https://api.moonshot.cn sk-oneapi-moonshot-canary",
    "channels 8: model moonshot https://api.moonshot.cn kimi-k2",
    "channels 9: provider ollama http://localhost:11434",
    "channels 9: skipped credential Ollama",
    "channels 9: model ollama http://localhost:11434 qwen3:8b",
    "tokens 1: key root laptop",
    "tokens 2: key ada nightly",
    "tokens 3: key ada lost phone",
    "tokens 4: skipped key trial",
    "tokens 5: skipped key spent",
    "tokens 6: failed key somewhere",
    "tokens: skipped setting quota",
  ]);
  assert.doesNotMatch(
    JSON.stringify(findings),
    /oneApiTokenCanary|hash-of/,
    "neither old tokens nor passwords are taken",
  );
});

test("the channel that went first there goes first here", async () => {
  const { findings } = await read(sqliteFile("priorities.db", fixtureText("one-api.sql")));
  const priorities = findings.flatMap((finding) =>
    "item" in finding && finding.item.kind === "credential" ? [[finding.place, finding.item.priority ?? 0]] : [],
  );
  assert.deepEqual(priorities.slice(0, 4), [
    ["channels 1 key 1", 0],
    ["channels 1 key 2", 0],
    ["channels 2", 2],
    ["channels 3", 1],
  ]);
});

test("a limit of a token stays one: its models, its addresses, its end", async () => {
  const { findings } = await read(sqliteFile("limits.db", fixtureText("one-api.sql")));
  const nightly = findings.find((finding) => finding.place === "tokens 2");
  assert.ok(nightly !== undefined && "item" in nightly && nightly.item.kind === "key");
  assert.deepEqual(nightly.item.models, ["gpt-4o", "claude-sonnet-4-5"]);
  assert.deepEqual(nightly.item.allow_ip, ["10.0.0.0/8", "192.168.1.7"]);
  assert.equal(nightly.item.expires_at, "2100-01-01T00:00:00.000Z");
});

test("new-api's numbers are told from one-api's, and its disabled keys and deleted tokens stay behind", async () => {
  const { findings } = await read(sqliteFile("new-api.db", fixtureText("new-api.sql")));
  assert.deepEqual(summarise(findings), [
    "channels 1: provider ollama http://localhost:11434",
    "channels 1: skipped credential Local",
    "channels 1: model ollama http://localhost:11434 qwen3:8b",
    "channels 2: provider deepseek https://api.deepseek.com",
    "channels 2 key 1: credential deepseek https://api.deepseek.com sk-newapi-a-canary",
    "channels 2 key 2: skipped credential DeepSeek 2",
    "channels 2 key 3: credential deepseek https://api.deepseek.com sk-newapi-c-canary",
    "channels 2: model deepseek https://api.deepseek.com deepseek-chat",
    "channels 3: provider zhipu-v4 https://open.bigmodel.cn/api/paas/v4",
    "channels 3: credential zhipu-v4 https://open.bigmodel.cn/api/paas/v4 zhipu-newapi-canary",
    "channels 3: model zhipu-v4 https://open.bigmodel.cn/api/paas/v4 glm-4.6",
    "channels 4: provider xai https://api.x.ai",
    "channels 4: credential xai https://api.x.ai xai-newapi-canary",
    "channels 4: model xai https://api.x.ai grok-4",
    "channels 5: skipped provider Suno",
    "tokens 1: key root limited",
    "tokens 3: key root not limited",
  ]);
});

test("the original keeps its bytes and its time, and nothing appears beside it", async () => {
  const path = sqliteFile("original/one-api.db".replace("/", "-"), fixtureText("one-api.sql"));
  const look = () => ({
    digest: createHash("sha256").update(readFileSync(path)).digest("hex"),
    changed: statSync(path, { bigint: true }).mtimeNs,
    beside: readdirSync(dirname(path)).sort(),
  });
  const before = look();
  await read(path);
  assert.deepEqual(look(), before);
});

test("a database in use, with changes in a journal beside it, is refused rather than read in part", async () => {
  const path = sqliteFile("in-use.db", fixtureText("one-api.sql"));
  writeFileSync(`${path}-wal`, "changes");
  await assert.rejects(read(path), /in-use.db-wal holds changes that are not in it yet/);
});

test("a damaged, foreign or hostile database is a clear error", async () => {
  const cases: readonly (readonly [string, string | undefined, RegExp])[] = [
    ["foreign.db", "create table notes (body text)", /not one of one-api or new-api/],
    [
      "endless.db",
      "create view channels as with recursive n(type, key, base_url, models) as (select 1, '', '', '' union all select type + 1, '', '', '' from n) select * from n",
      /not one of one-api or new-api/,
    ],
    [
      "many.db",
      "create table channels (type, key, base_url, models); insert into channels with recursive n(i) as (select 1 union all select i + 1 from n where i < 20001) select 1, '', '', '' from n",
      /more than 20000 rows/,
    ],
  ];
  for (const [name, sql, message] of cases) await assert.rejects(read(sqliteFile(name, sql ?? "")), message, name);
  const path = sqliteFile("damaged.db", fixtureText("one-api.sql"));
  writeFileSync(path, readFileSync(path).fill(0xa5, 100));
  await assert.rejects(read(path), /it is damaged, or is not a SQLite database/);
});
