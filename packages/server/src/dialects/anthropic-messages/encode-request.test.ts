import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject, ReasoningState, Tool, Turn } from "../canonical/conversation.ts";
import { plainConversation } from "../canonical/test-parts.ts";
import { anthropicCodec } from "./codec.ts";
import { ask, encoded, kindsOf, target } from "./test-parts.ts";

const tool: Tool = {
  kind: "function",
  name: "f",
  description: "Does.",
  parameters: { type: "object", properties: {} },
};
const call = { type: "tool_call", id: "c1", name: "f", kind: "function", arguments: '{"a":1}' } as const;
const result = { type: "tool_result", callId: "c1", kind: "function", parts: [], isError: false } as const;
const own: ReasoningState = { dialect: "anthropic-messages", provider: "prov_1", data: "sig" };
const budget = { thinking: "budget", canStopThinking: true } as const;

/** One field of what is sent, and the losses. */
function field(name: string, parts: Partial<Conversation>, traits: Partial<ModelTraits> = {}): readonly unknown[] {
  const request = encoded(parts, traits);
  return [request.body[name], ...kindsOf(request)];
}

function messages(turns: readonly Turn[], traits: Partial<ModelTraits> = {}): readonly JsonObject[] {
  return encoded({ turns }, traits).body["messages"] as readonly JsonObject[];
}

describe("the version of the API", () => {
  test("is the one that has sampling parameters only if one is sent", () => {
    const version = (parts: Partial<Conversation>, traits: Partial<ModelTraits> = {}): string | undefined =>
      encoded(parts, traits).headers["anthropic-version"];
    assert.equal(version({}), "2026-10-21");
    assert.equal(version({ sampling: { temperature: 0.3 } }), "2023-06-01");
    assert.equal(version({ sampling: { temperature: 0.3 } }, { sampling: false }), "2026-10-21");
    assert.equal(version({ sampling: { seed: 1 } }), "2026-10-21");
  });

  test("sampling parameters are left out with a loss where the model takes none, and a default without", () => {
    const sampling = { temperature: 0.3, topP: 0.9, topK: 4, seed: 1, presencePenalty: 0, frequencyPenalty: 1 };
    const request = encoded({ sampling }, { sampling: false });
    for (const key of ["temperature", "top_p", "top_k"]) assert.equal(request.body[key], undefined);
    assert.deepEqual(kindsOf(request).toSorted(), [
      "dropped frequency_penalty",
      "dropped seed",
      "dropped temperature",
      "dropped top_k",
      "dropped top_p",
    ]);
    assert.deepEqual(kindsOf(encoded({ sampling: { temperature: 1, topP: 1 } }, { sampling: false })), []);
  });

  test("a temperature above 1 is 1, and of it and `top_p` one is sent", () => {
    assert.deepEqual(field("temperature", { sampling: { temperature: 1.7 } }), [1, "changed temperature"]);
    assert.deepEqual(field("top_p", { sampling: { temperature: 0.5, topP: 0.9 } }), [undefined, "dropped top_p"]);
    assert.deepEqual(field("top_p", { sampling: { temperature: 1, topP: 0.95 } }), [0.95]);
    assert.deepEqual(field("top_k", { sampling: { topK: 5 } }), [5]);
  });

  test("while the model reasons, no other temperature than 1 is sent", () => {
    const reasoning = { effort: "low", shown: true } as const;
    const request = encoded({ reasoning, sampling: { temperature: 0.2, topK: 3, topP: 0.5 } });
    assert.deepEqual(kindsOf(request), ["dropped temperature", "dropped top_k", "dropped top_p"]);
    assert.equal(request.headers["anthropic-version"], "2026-10-21");
    assert.deepEqual(field("top_p", { reasoning, sampling: { topP: 0.97, temperature: 1 } }), [0.97]);
  });
});

describe("the limit of the answer", () => {
  test("is what was asked for, else the model's, else one that every model takes (B36)", () => {
    assert.deepEqual(field("max_tokens", { maxOutputTokens: 100 }), [100]);
    assert.deepEqual(field("max_tokens", {}, { maxOutputTokens: 64_000 }), [64_000]);
    assert.deepEqual(field("max_tokens", {}), [8_192]);
    assert.deepEqual(field("max_tokens", { maxOutputTokens: 99_000 }, { maxOutputTokens: 64_000 }), [
      64_000,
      "hint max_tokens",
    ]);
  });

  test("is more than the budget for reasoning, which gives way where there is no room (B25)", () => {
    const ofBudget = (budgetTokens: number, asked: number, most?: number): readonly unknown[] => {
      const request = encoded(
        { reasoning: { budgetTokens, shown: true }, maxOutputTokens: asked },
        { ...budget, maxOutputTokens: most },
      );
      const { max_tokens: limit, thinking } = request.body as {
        max_tokens: number;
        thinking?: { budget_tokens: number };
      };
      assert.ok(thinking === undefined || (thinking.budget_tokens >= 1024 && thinking.budget_tokens < limit));
      return [limit, thinking?.budget_tokens, ...kindsOf(request)];
    };
    assert.deepEqual(ofBudget(2_000, 10_000), [10_000, 2_000]);
    assert.deepEqual(ofBudget(10, 10_000), [10_000, 1_024]);
    assert.deepEqual(ofBudget(8_000, 1_000, 64_000), [9_000, 8_000, "changed max_tokens"]);
    assert.deepEqual(ofBudget(8_000, 4_000, 9_000), [9_000, 5_000, "changed max_tokens"]);
    assert.deepEqual(ofBudget(8_000, 4_000), [4_000, 2_000, "changed reasoning"]);
    assert.deepEqual(ofBudget(8_000, 500), [500, undefined, "changed reasoning"]);
  });
});

describe("reasoning", () => {
  const thinking = (reasoning: Conversation["reasoning"], traits: Partial<ModelTraits> = {}): readonly unknown[] => {
    const request = encoded({ ...(reasoning && { reasoning }) }, traits);
    return [request.body["thinking"], request.body["output_config"], ...kindsOf(request)];
  };

  test("is asked for as the model wants to be asked (B25)", () => {
    const adaptive = { type: "adaptive", display: "summarized" };
    assert.deepEqual(thinking({ effort: "high", shown: true }), [adaptive, { effort: "high" }]);
    assert.deepEqual(thinking({ shown: false }), [{ type: "adaptive", display: "omitted" }, undefined]);
    assert.deepEqual(thinking({ budgetTokens: 8_000, shown: true }), [
      adaptive,
      { effort: "medium" },
      "changed reasoning",
    ]);
    assert.deepEqual(thinking({ effort: "minimal", shown: true }), [adaptive, { effort: "low" }, "changed reasoning"]);
    assert.deepEqual(thinking({ effort: "low", shown: true }, budget), [
      { type: "enabled", budget_tokens: 2_048 },
      undefined,
    ]);
    assert.deepEqual(thinking({ effort: "high", shown: true }, { thinking: "none" }), [
      undefined,
      undefined,
      "dropped reasoning",
    ]);
    assert.deepEqual(thinking(undefined), [undefined, undefined]);
  });

  test("that is not wanted is switched off, never together with an effort", () => {
    const off = { effort: "none", shown: false } as const;
    assert.deepEqual(thinking(off), [{ type: "disabled" }, undefined]);
    assert.deepEqual(thinking(off, { thinking: "none" }), [undefined, undefined]);
    assert.deepEqual(thinking(off, { canStopThinking: false }), [
      { type: "adaptive", display: "omitted" },
      { effort: "low" },
      "changed reasoning",
    ]);
  });

  const history = (state: ReasoningState | undefined): readonly Turn[] => [
    ask,
    { role: "assistant", parts: [{ type: "thinking", text: "Hm.", ...(state && { state }) }, call] },
    { role: "user", parts: [result] },
  ];

  test("is off for a request that goes on with calls of another provider's reasoning (B49)", () => {
    const reasoning = { effort: "low", shown: true } as const;
    for (const state of [undefined, { ...own, provider: "other" }, { ...own, dialect: "gemini", data: "x" } as const]) {
      const turns = history(state);
      const request = encoded({ turns, reasoning, tools: [tool] }, budget);
      assert.deepEqual(request.body["thinking"], { type: "disabled" });
      assert.deepEqual(kindsOf(request), ["changed reasoning"]);
      const [, answer] = request.body["messages"] as readonly { readonly content: readonly JsonObject[] }[];
      assert.deepEqual(answer?.content, [{ type: "tool_use", id: "c1", name: "f", input: { a: 1 } }]);
      assert.deepEqual(kindsOf(encoded({ turns, reasoning, tools: [tool] })), []);
    }
    const request = encoded({ turns: history(own), reasoning, tools: [tool], maxOutputTokens: 9_000 }, budget);
    assert.deepEqual(request.body["thinking"], { type: "enabled", budget_tokens: 2_048 });
  });

  test("of the provider itself goes back byte for byte and in its order, of any other not at all (B45)", () => {
    const turns: readonly Turn[] = [
      ask,
      {
        role: "assistant",
        parts: [
          { type: "thinking", text: "One. ", state: own },
          { type: "text", text: "Said." },
          { type: "thinking", text: "", state: { ...own, provider: "", data: "red", kind: "redacted" } },
          { type: "thinking", text: "Else's.", state: { dialect: "gemini", provider: "prov_1", data: "g" } },
          { type: "thinking", text: "Bare." },
          { type: "thinking", text: "Two.", state: { ...own, data: "sig2" } },
          call,
        ],
      },
      { role: "user", parts: [result] },
    ];
    assert.deepEqual(messages(turns)[1]?.["content"], [
      { type: "thinking", thinking: "One. ", signature: "sig" },
      { type: "text", text: "Said." },
      { type: "redacted_thinking", data: "red" },
      { type: "thinking", thinking: "Two.", signature: "sig2" },
      { type: "tool_use", id: "c1", name: "f", input: { a: 1 } },
    ]);
    assert.deepEqual(kindsOf(encoded({ turns })), []);
  });

  test("an answer that was nothing but another's reasoning is left out whole", () => {
    const thought: Turn = { role: "assistant", parts: [{ type: "thinking", text: "Hm." }] };
    assert.deepEqual(
      messages([ask, thought, ask]).map(({ role }) => role),
      ["user"],
    );
  });
});

describe("instructions", () => {
  const turns: readonly Turn[] = [
    ask,
    { role: "assistant", parts: [call] },
    { role: "user", parts: [result] },
    { role: "system", parts: [{ type: "text", text: "Be brief.", cache: { ttl: "5m" } }] },
  ];

  test("between turns stay where they are if the model knows them (B22)", () => {
    assert.deepEqual(messages(turns).at(-1), {
      role: "system",
      content: [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }],
    });
  });

  test("are what the user says if it does not, behind the results (B22, B23)", () => {
    const sent = messages(turns, { systemTurns: false });
    assert.deepEqual(sent.at(-1), {
      role: "user",
      content: [
        { type: "tool_result", tool_use_id: "c1" },
        { type: "text", text: "[System instruction]\nBe brief.", cache_control: { type: "ephemeral" } },
      ],
    });
    assert.deepEqual(kindsOf(encoded({ turns }, { systemTurns: false })), ["changed system"]);
  });

  test("before the first turn are the request's, never blank (B22, B26)", () => {
    const system: Turn = { role: "system", parts: [{ type: "text", text: "B" }] };
    const blank = { type: "text", text: " \n", cache: { ttl: "5m" } } as const;
    const { body } = encoded({ system: [{ type: "text", text: "A" }, blank], turns: [system, ask] });
    assert.deepEqual(body["system"], [
      { type: "text", text: "A" },
      { type: "text", text: "B" },
    ]);
    assert.equal((body["messages"] as readonly unknown[]).length, 1);
    assert.equal(encoded({}).body["system"], undefined);
  });

  test("that are all there is are what is asked", () => {
    assert.deepEqual(messages([{ role: "system", parts: [{ type: "text", text: "Go." }] }]), [
      { role: "user", content: [{ type: "text", text: "Go." }] },
    ]);
  });
});

describe("an answer that was begun", () => {
  const begun: readonly Turn[] = [ask, { role: "assistant", parts: [{ type: "text", text: "Well, \n" }] }];

  test("does not end in white space (B27)", () => {
    assert.deepEqual(messages(begun).at(-1), { role: "assistant", content: [{ type: "text", text: "Well," }] });
  });

  test("is not the last turn where the model does not go on with it, or reasons (B27)", () => {
    for (const request of [
      encoded({ turns: begun }, { prefill: false }),
      encoded({ turns: begun, reasoning: { shown: true } }),
    ]) {
      const last = (request.body["messages"] as readonly JsonObject[]).at(-1);
      assert.deepEqual(last, { role: "user", content: [{ type: "text", text: "Continue." }] });
      assert.deepEqual(kindsOf(request), ["changed messages"]);
    }
  });
});

describe("tools", () => {
  test("always have an object for their schema, and `strict` only where the model keeps to it (B32)", () => {
    const { body } = encoded({
      tools: [
        { kind: "function", name: "none" },
        { ...tool, parameters: { properties: { a: { type: "string" } }, additionalProperties: false }, strict: true },
        { ...tool, name: "g", strict: false },
      ],
    });
    assert.deepEqual(body["tools"], [
      { name: "none", input_schema: { type: "object", properties: {} } },
      {
        name: "f",
        description: "Does.",
        input_schema: { properties: { a: { type: "string" } }, additionalProperties: false, type: "object" },
        strict: true,
      },
      { name: "g", description: "Does.", input_schema: { type: "object", properties: {} } },
    ]);
    const lax = encoded({ tools: [{ ...tool, strict: true }] }, { schemaOutput: false });
    assert.deepEqual(kindsOf(lax), ["hint tools.f.strict"]);
  });

  test("a choice and the word on parallel calls survive (B33)", () => {
    const tools = [tool, { ...tool, name: "g" }];
    const choose = (parts: Partial<Conversation>, traits: Partial<ModelTraits> = {}): readonly unknown[] => {
      const request = encoded({ tools, ...parts }, traits);
      const sent = request.body["tools"] as readonly { readonly name: string }[] | undefined;
      return [request.body["tool_choice"], sent?.map(({ name }) => name).join(), ...kindsOf(request)];
    };
    assert.deepEqual(choose({}), [undefined, "f,g"]);
    assert.deepEqual(choose({ parallelTools: false }), [{ type: "auto", disable_parallel_tool_use: true }, "f,g"]);
    assert.deepEqual(choose({ toolChoice: { type: "any" }, parallelTools: true }), [{ type: "any" }, "f,g"]);
    assert.deepEqual(choose({ toolChoice: { type: "none" }, parallelTools: false }), [{ type: "none" }, "f,g"]);
    assert.deepEqual(choose({ toolChoice: { type: "tool", name: "g" } }), [{ type: "tool", name: "g" }, "f,g"]);
    const allowed = { type: "allowed", names: ["g"] } as const;
    assert.deepEqual(choose({ toolChoice: { ...allowed, required: true } }), [{ type: "tool", name: "g" }, "g"]);
    assert.deepEqual(choose({ toolChoice: { ...allowed, required: false } }), [{ type: "auto" }, "g"]);
    assert.deepEqual(choose({ toolChoice: { type: "any" }, tools: [] }), [undefined, undefined]);
  });

  test("cannot be forced while the model reasons, if it is of that kind", () => {
    const forced = { tools: [tool], toolChoice: { type: "any" }, reasoning: { shown: true } } as const;
    const request = encoded(forced, { forcedToolWhileThinking: false });
    assert.deepEqual([request.body["tool_choice"], ...kindsOf(request)], [{ type: "auto" }, "changed tool_choice"]);
    assert.deepEqual(encoded(forced).body["tool_choice"], { type: "any" });
  });

  test("arguments that are no object are told as text, and none are an empty object", () => {
    const inputOf = (text: string): readonly unknown[] => {
      const turns: readonly Turn[] = [
        ask,
        { role: "assistant", parts: [{ ...call, arguments: text }] },
        { role: "user", parts: [result] },
      ];
      const request = encoded({ turns });
      const [, answer] = request.body["messages"] as readonly { readonly content: readonly JsonObject[] }[];
      return [answer?.content[0]?.["input"], ...kindsOf(request)];
    };
    assert.deepEqual(inputOf(""), [{}]);
    assert.deepEqual(inputOf('{"a":'), [{ _raw: '{"a":' }, "changed turns[1].tool_call"]);
    assert.deepEqual(inputOf("[1]"), [{ _raw: "[1]" }, "changed turns[1].tool_call"]);
  });
});

describe("other fields", () => {
  test("a schema for the answer is closed, and what the API does not know of it is told", () => {
    const schema = {
      type: "object",
      properties: {
        n: { type: "integer", minimum: 1, description: "A number." },
        additionalProperties: { type: "object" },
      },
      oneOf: [{ required: ["n"] }],
    };
    const output = { type: "schema", name: "x", schema } as const;
    const request = encoded({ output, reasoning: { effort: "low", shown: true } });
    assert.deepEqual(request.body["output_config"], {
      effort: "low",
      format: {
        type: "json_schema",
        schema: {
          type: "object",
          properties: {
            n: { type: "integer", description: "A number.\n\n{minimum: 1}" },
            additionalProperties: { type: "object", additionalProperties: false },
          },
          anyOf: [{ required: ["n"] }],
          additionalProperties: false,
        },
      },
    });
    assert.deepEqual(kindsOf(request), ["changed response_format"]);
  });

  test("JSON is asked for in words where there is no field for it", () => {
    const json = encoded({ output: { type: "json" }, system: [{ type: "text", text: "A" }] });
    const system = json.body["system"] as readonly { readonly text: string }[];
    assert.equal(system.length, 2);
    assert.match(system[1]?.text ?? "", /^Answer with one JSON document/);
    assert.deepEqual(kindsOf(json), ["changed response_format"]);
    const schema = encoded(
      { output: { type: "schema", name: "x", schema: { type: "object" } } },
      { schemaOutput: false },
    );
    assert.match(JSON.stringify(schema.body["system"]), /JSON schema:\\n\{\\"type/);
  });

  test("a user's name that is too long is a digest of it, always the same", () => {
    assert.deepEqual(field("metadata", { user: "me" }), [{ user_id: "me" }]);
    const [metadata, ...losses] = field("metadata", { user: "x".repeat(300) });
    assert.match((metadata as { readonly user_id: string }).user_id, /^[0-9a-f]{64}$/);
    assert.deepEqual(losses, ["hint user"]);
    assert.deepEqual(field("metadata", { user: "x".repeat(300) })[0], metadata);
  });

  test("texts that end the answer are sent, but for blank ones", () => {
    assert.deepEqual(field("stop_sequences", { stop: ["END", "\n"] }), [["END"], "dropped stop"]);
    assert.deepEqual(field("stop_sequences", {}), [undefined]);
  });

  test("what cannot be said is a loss", () => {
    const request = encoded({ verbosity: "low", cacheKey: "k" });
    assert.deepEqual(kindsOf(request), ["hint prompt_cache_key", "dropped verbosity"]);
    assert.deepEqual(field("speed", { speed: "fast" }), ["fast"]);
    assert.deepEqual(field("speed", { speed: "fast", sampling: { temperature: 0 } }), [undefined, "hint service_tier"]);
  });

  test("a stream is asked for only if it is wanted", () => {
    assert.equal(encoded({ stream: true }).body["stream"], true);
    assert.ok(!("stream" in encoded({}).body));
  });
});

test("tokens are counted without what the counter refuses", () => {
  const { count } = anthropicCodec;
  assert.ok(count);
  const conversation = { ...plainConversation, stop: ["x"], sampling: { temperature: 0.1 }, user: "u", stream: true };
  const request = count.encode(conversation, target());
  assert.equal(request.path, "/messages/count_tokens");
  assert.deepEqual(Object.keys(request.body), ["model", "messages"]);
  assert.equal(request.headers["anthropic-version"], "2026-10-21");
  assert.equal(count.decode({ input_tokens: 7 }), 7);
  assert.equal(count.decode({}), undefined);
  assert.deepEqual(count.encodeReply(7), { input_tokens: 7 });
});
