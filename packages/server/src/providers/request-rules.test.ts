import assert from "node:assert/strict";
import { test } from "node:test";
import { findModel } from "../catalog/models.ts";
import { traitsOf } from "../catalog/traits.ts";
import type { Conversation, JsonObject } from "../dialects/canonical/conversation.ts";
import type { EncodedRequest } from "../dialects/codec.ts";
import { codecById } from "../dialects/codecs.ts";
import {
  chatExtras,
  chatFields,
  openaiRules,
  type RequestRules,
  responsesExtras,
  thinkingSwitches,
  usualRules,
} from "../dialects/request-rules.ts";
import { translateRequest } from "../dialects/translation/request.ts";
import { unknownTraits } from "../kernel/model-traits.ts";
import { predefinedProviders } from "./index.ts";
import type { ProviderDefinition } from "./provider.ts";
import { quirksAt } from "./quirks.ts";

const providers: readonly ProviderDefinition[] = predefinedProviders;

/** Asks for whatever some provider refuses. */
const demanding: Conversation = {
  system: [],
  turns: [{ role: "user", parts: [{ type: "text", text: "Hi", cache: { ttl: "1h" } }] }],
  tools: [{ kind: "function", name: "f", parameters: { type: "object" } }],
  toolChoice: { type: "any" },
  parallelTools: false,
  sampling: { temperature: 0.5, topK: 40, seed: 7, presencePenalty: 0.5, frequencyPenalty: 0.4 },
  stop: ["a", "b", "c"],
  reasoning: { effort: "none", shown: false },
  user: "u",
  cacheKey: "k",
  verbosity: "low",
  speed: "fast",
  stream: false,
};

function sent(id: string, model: string, change: Partial<Conversation> = {}, dialect = "openai-chat"): EncodedRequest {
  const definition = providers.find((provider) => provider.id === id);
  assert.ok(definition, id);
  const traits = traitsOf({ provider: id, dialect, model, catalog: findModel(id, model) });
  const target = { provider: id, model, traits, asksForUsage: true, rules: definition.quirks };
  return codecById(dialect as "openai-chat").encodeRequest({ ...demanding, ...change }, target);
}

/** What stands beside the model, the messages and the tools. */
function fieldsOf({ body }: EncodedRequest): JsonObject {
  const { model: _model, messages: _messages, tools: _tools, ...fields } = body;
  return fields;
}

const tools = { tool_choice: "required", parallel_tool_calls: false };
const penalties = { presence_penalty: 0.5, frequency_penalty: 0.4 };
const usual = { ...tools, temperature: 0.5, ...penalties, seed: 7, stop: ["a", "b", "c"] };
const template = (on: boolean) => ({ chat_template_kwargs: { enable_thinking: on, thinking: on } });
const { seed: _seed, ...seedless } = usual;
const { presence_penalty: _presence, frequency_penalty: _frequency, ...free } = usual;

interface Row {
  readonly model: string;
  /** What is sent when the model is not to reason. */
  readonly off: JsonObject;
  /** What is sent to have it reason, and only then. */
  readonly on: JsonObject;
  /** Losses of either, without what is lost by all: nobody but OpenAI knows the tier. */
  readonly losses: string;
}

const table: Readonly<Record<string, Row>> = {
  alibaba: {
    model: "qwen3-32b",
    off: {
      ...tools,
      temperature: 0.5,
      top_k: 40,
      presence_penalty: 0.5,
      seed: 7,
      stop: usual.stop,
      enable_thinking: false,
    },
    on: { enable_thinking: true },
    losses: "frequency_penalty user prompt_cache_key verbosity",
  },
  cerebras: {
    model: "zai-glm-4.7",
    off: { ...usual, reasoning_effort: "none", user: "u", prompt_cache_key: "k" },
    on: {},
    losses: "top_k verbosity",
  },
  deepseek: {
    model: "deepseek-v4-pro",
    off: { tool_choice: "required", temperature: 0.5, ...penalties, stop: usual.stop, thinking: { type: "disabled" } },
    on: { reasoning_effort: "high" },
    losses: "parallel_tool_calls top_k seed user prompt_cache_key verbosity",
  },
  "fireworks-ai": {
    model: "accounts/fireworks/models/glm-5p1",
    off: { ...usual, top_k: 40, thinking: { type: "disabled" }, user: "u", prompt_cache_key: "k" },
    on: { thinking: { type: "enabled" } },
    losses: "verbosity",
  },
  groq: {
    model: "qwen/qwen3-32b",
    off: { ...free, reasoning_effort: "none", user: "u" },
    on: {},
    losses: "top_k presence_penalty frequency_penalty prompt_cache_key verbosity",
  },
  "llama-cpp": {
    model: "qwen3-8b",
    off: { ...usual, top_k: 40, ...template(false) },
    on: template(true),
    losses: "user prompt_cache_key verbosity",
  },
  "lm-studio": {
    model: "gpt-oss-20b",
    off: { ...usual, top_k: 40, reasoning_effort: "low" },
    on: { reasoning_effort: "high" },
    losses: "user prompt_cache_key verbosity",
  },
  mistral: {
    model: "mistral-small-2603",
    off: { ...seedless, random_seed: 7, reasoning_effort: "none", prompt_cache_key: "k" },
    on: { reasoning_effort: "high" },
    losses: "top_k user verbosity",
  },
  moonshotai: {
    model: "kimi-k2.6",
    off: { ...tools, stop: usual.stop, thinking: { type: "disabled" }, safety_identifier: "u", prompt_cache_key: "k" },
    on: { thinking: { type: "enabled" } },
    losses: "temperature top_k presence_penalty frequency_penalty seed verbosity",
  },
  nvidia: {
    model: "z-ai/glm5",
    off: { ...usual, ...template(false) },
    on: template(true),
    losses: "top_k user prompt_cache_key verbosity",
  },
  openai: {
    model: "gpt-5.5",
    off: {
      ...tools,
      seed: 7,
      stop: usual.stop,
      reasoning_effort: "none",
      user: "u",
      prompt_cache_key: "k",
      verbosity: "low",
      service_tier: "fast",
    },
    on: { reasoning_effort: "high" },
    losses: "temperature top_k presence_penalty frequency_penalty",
  },
  openrouter: {
    model: "z-ai/glm-4.6",
    off: { ...usual, top_k: 40, reasoning_effort: "none", user: "u", prompt_cache_key: "k", verbosity: "low" },
    on: { reasoning_effort: "high" },
    losses: "",
  },
  perplexity: {
    model: "sonar-pro",
    off: { temperature: 0.5, top_k: 40, ...penalties, stop: usual.stop },
    on: {},
    losses: "tools seed user prompt_cache_key verbosity",
  },
  together: {
    model: "zai-org/GLM-5",
    off: { ...usual, top_k: 40, reasoning: { enabled: false } },
    on: { reasoning: { enabled: true } },
    losses: "user prompt_cache_key verbosity",
  },
  vllm: {
    model: "Qwen/Qwen3-8B",
    off: { ...usual, top_k: 40, ...template(false) },
    on: template(true),
    losses: "user prompt_cache_key verbosity",
  },
  xai: {
    model: "grok-4.3",
    off: { ...tools, temperature: 0.5, seed: 7, reasoning_effort: "none", user: "u" },
    on: { reasoning_effort: "high" },
    losses: "stop top_k presence_penalty frequency_penalty prompt_cache_key verbosity",
  },
  zai: {
    model: "glm-4.7",
    off: { temperature: 0.5, stop: ["a"], thinking: { type: "disabled" } },
    on: { thinking: { type: "enabled" } },
    losses:
      "tool_choice stop parallel_tool_calls top_k presence_penalty frequency_penalty seed user prompt_cache_key verbosity",
  },
};

for (const [id, { model, off, on, losses }] of Object.entries(table)) {
  test(`${id} is sent what it takes, and the rest is named`, () => {
    const quiet = sent(id, model);
    assert.deepEqual(fieldsOf(quiet), off);
    const lost = quiet.losses.map(({ path }) => path).filter((path) => !/^(?:cache_control|reasoning)$/.test(path));
    assert.deepEqual(lost.join(" "), [losses, ...(id === "openai" ? [] : ["service_tier"])].join(" ").trim());
    const thinking = fieldsOf(sent(id, model, { reasoning: { effort: "high", shown: true } }));
    const others = { ...fieldsOf(sent(id, model, { reasoning: { shown: true } })), tool_choice: undefined };
    assert.deepEqual({ ...thinking, tool_choice: undefined }, { ...others, ...on });
  });
}

test("every provider whose rules are its own is in the table", () => {
  const own = providers.filter(({ quirks }) => !isUsual(quirks.chat));
  assert.deepEqual(own.map(({ id }) => id).toSorted(), Object.keys(table).toSorted());
});

function isUsual(chat: object): boolean {
  return JSON.stringify(chat) === JSON.stringify(usualRules.chat);
}

for (const { id, quirks, dialects } of providers) {
  test(`the rules of ${id} fit together`, () => {
    const { chat, responses } = quirks;
    const lists: readonly (readonly [readonly string[], readonly string[]])[] = [
      [chat.takes, chatExtras],
      [chat.lacks, chatFields],
      [responses.takes, responsesExtras],
    ];
    for (const [list, known] of lists) {
      assert.equal(new Set(list).size, list.length, "each is named once");
      for (const name of list) assert.ok(known.includes(name), name);
    }
    for (const [name, other] of Object.entries(chat.renamed)) {
      const extra = (chatExtras as readonly string[]).includes(name);
      assert.equal(extra ? (chat.takes as readonly string[]).includes(name) : true, true, `${name} is taken`);
      assert.ok(!(chat.lacks as readonly string[]).includes(name), `${name} is not missing`);
      assert.match(other, /^[a-z_]+$/);
      assert.notEqual(other, name);
    }
    assert.ok(thinkingSwitches.includes(chat.thinkingSwitch));
    assert.ok(Number.isInteger(chat.mostStops) && chat.mostStops >= 0);
    if (!isUsual(chat)) assert.ok(dialects["openai-chat"] !== undefined, "speaks the dialect that is ruled");
    assert.deepEqual(structuredClone(quirks), quirks, "can go to another thread");
  });
}

test("a model that cannot stop is not told to, and none is told two things at once (B48)", () => {
  const always = sent("moonshotai", "kimi-k2.7-code");
  assert.equal(always.body["thinking"], undefined);
  assert.ok(always.losses.some(({ path, kind }) => path === "reasoning" && kind === "dropped"));
  for (const effort of ["none", "low", "high"] as const) {
    for (const [id, { model }] of Object.entries(table)) {
      const fields = Object.keys(fieldsOf(sent(id, model, { reasoning: { effort, shown: true } })));
      const knobs = ["thinking", "enable_thinking", "reasoning", "reasoning_effort", "chat_template_kwargs"];
      assert.ok(fields.filter((name) => knobs.includes(name)).length <= 1, id);
    }
  }
});

test("a tool that may not be called is left out where no choice can be told", () => {
  const { body, losses } = sent("zai", "glm-4.7", { toolChoice: { type: "none" } });
  assert.equal(body["tools"], undefined);
  assert.ok(!losses.some(({ path }) => path === "tool_choice"));
  assert.equal(sent("zai", "glm-4.7", { toolChoice: { type: "auto" } }).body["tool_choice"], undefined);
});

test("what may be kept is marked as OpenAI's newer models and OpenRouter want it", () => {
  const cache = { ttl: "1h" } as const;
  const change: Partial<Conversation> = {
    system: [
      { type: "text", text: "Long.", cache },
      { type: "text", text: "Short." },
    ],
    turns: [
      { role: "user", parts: [{ type: "text", text: "Hi" }] },
      { role: "assistant", parts: [{ type: "tool_call", id: "c", name: "f", kind: "function", arguments: "{}" }] },
      {
        role: "user",
        parts: [
          {
            type: "tool_result",
            callId: "c",
            kind: "function",
            parts: [{ type: "text", text: "5" }],
            isError: false,
            cache,
          },
        ],
      },
    ],
  };
  const mark = { prompt_cache_breakpoint: { mode: "explicit" } };
  const chat = sent("openai", "gpt-5.6-terra", change);
  const messages = chat.body["messages"] as readonly JsonObject[];
  const long = { type: "text", text: "Long.", ...mark };
  assert.deepEqual(messages[0], { role: "system", content: [long, { type: "text", text: "Short." }] });
  assert.deepEqual(messages[3]?.["content"], [{ type: "text", text: "5", ...mark }]);
  assert.ok(!chat.losses.some(({ path }) => path === "cache_control"));

  const responses = sent("openai", "gpt-5.6-terra", change, "openai-responses");
  assert.equal(responses.body["instructions"], undefined);
  const input = responses.body["input"] as readonly JsonObject[];
  const told = [
    { type: "input_text", text: "Long.", ...mark },
    { type: "input_text", text: "Short." },
  ];
  assert.deepEqual(input[0], { type: "message", role: "developer", content: told });
  assert.deepEqual(input[3]?.["output"], [{ type: "input_text", text: "5", ...mark }]);
  assert.ok(!responses.losses.some(({ path }) => path === "cache_control"));

  const older = sent("openai", "gpt-5.5", change, "openai-responses");
  assert.equal(older.body["instructions"], "Long.\n\nShort.");
  assert.ok(older.losses.some(({ path, kind }) => path === "cache_control" && kind === "hint"));

  const broker = sent("openrouter", "anthropic/claude-sonnet-4.5", change).body["messages"] as readonly JsonObject[];
  const claude = { type: "text", text: "Long.", cache_control: { type: "ephemeral", ttl: "1h" } };
  assert.deepEqual(broker[0]?.["content"], [claude, { type: "text", text: "Short." }]);
});

test("an instruction to answer in JSON stands behind marked ones", () => {
  const cache = { ttl: "5m" } as const;
  const change = { system: [{ type: "text", text: "Long.", cache }], output: { type: "json" } } as const;
  const [first] = sent("openai", "gpt-5.6-terra", change).body["messages"] as readonly JsonObject[];
  const content = first?.["content"];
  assert.ok(Array.isArray(content) && content.length === 2);
});

test("of the Responses API others get what they are known to take", () => {
  const extras = ["safety_identifier", "prompt_cache_key", "service_tier", "include", "store"];
  const taken = (id: string, model: string): readonly string[] => {
    const { body } = sent(id, model, { reasoning: { effort: "high", shown: false } }, "openai-responses");
    const verbosity = (body["text"] as JsonObject | undefined)?.["verbosity"];
    return [...extras.filter((name) => name in body), ...(verbosity === undefined ? [] : ["verbosity"])];
  };
  assert.deepEqual(taken("openai", "gpt-5.5"), [...extras, "verbosity"]);
  assert.deepEqual(taken("openrouter", "openai/gpt-5.5"), [
    "safety_identifier",
    "prompt_cache_key",
    "include",
    "store",
    "verbosity",
  ]);
  assert.deepEqual(taken("xai", "grok-4.3"), ["include", "store"]);
  assert.deepEqual(taken("groq", "openai/gpt-oss-120b"), []);
  assert.deepEqual(taken("ollama", "gpt-oss:20b"), ["include", "store"]);
});

test("a tool that takes any text is a function where nothing else is known, and comes back as what it was", () => {
  const job = {
    body: Buffer.from(
      JSON.stringify({
        model: "m",
        messages: [{ role: "user", content: "Hi" }],
        tools: [{ type: "custom", custom: { name: "patch" } }],
      }),
    ),
    from: "openai-chat",
    to: "openai-responses",
    stream: false,
    path: "/v1/chat/completions",
    sealKey: Buffer.alloc(32),
    remembered: new Map(),
    count: false,
  } as const;
  const target = { provider: "box", model: "m", traits: unknownTraits, asksForUsage: true };
  const kinds = (rules: RequestRules) => {
    const { body, changedTools } = translateRequest({ ...job, target: { ...target, rules } });
    const { tools: told } = JSON.parse(Buffer.from(body).toString()) as { readonly tools: readonly JsonObject[] };
    return [told[0]?.["type"], changedTools.get("patch")?.kind];
  };
  assert.deepEqual(kinds(usualRules), ["function", "custom"]);
  assert.deepEqual(kinds(openaiRules), ["custom", undefined]);
});

test("a provider of one's own gets what all take, but for OpenAI's models at Microsoft's", () => {
  assert.deepEqual(quirksAt("https://box.example").chat, usualRules.chat);
  assert.deepEqual(quirksAt("https://openai.azure.com.example").responses, usualRules.responses);
  const azure = quirksAt("https://mine.openai.azure.com/openai");
  assert.deepEqual(azure.responses.takes, responsesExtras);
  assert.ok(azure.chat.takes.includes("prompt_cache_key"));
});
