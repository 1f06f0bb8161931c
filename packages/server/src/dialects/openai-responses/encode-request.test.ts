import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Conversation, JsonObject, Turn } from "../canonical/conversation.ts";
import { plainConversation } from "../canonical/test-parts.ts";
import type { EncodedRequest, TargetModel } from "../codec.ts";
import { openaiResponsesCodec } from "./codec.ts";
import { encodeRequest } from "./encode-request.ts";
import { target } from "./test-parts.ts";

const encode = (more: Partial<Conversation>, model: TargetModel = target()): EncodedRequest =>
  encodeRequest({ ...plainConversation, ...more }, model);
const paths = ({ losses }: EncodedRequest) => losses.map(({ kind, path }) => `${kind} ${path}`).toSorted();
const items = (turns: readonly Turn[], model?: TargetModel) => encode({ turns }, model).body["input"];
const user = (text: string): Turn => ({ role: "user", parts: [{ type: "text", text }] });
const call = (id: string, more: object = {}) =>
  ({ type: "tool_call", id, name: "t", kind: "function", arguments: '{"n": 1.0}', ...more }) as const;
const result = (callId: string, more: object = {}) =>
  ({
    type: "tool_result",
    callId,
    kind: "function",
    parts: [{ type: "text", text: "fine" }],
    isError: false,
    ...more,
  }) as const;
const image = { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AA==" } } as const;

test("the least request keeps nothing, and gets its reasoning back sealed", () => {
  const { body, path, headers, losses } = encode({
    system: [
      { type: "text", text: "A" },
      { type: "text", text: "B" },
    ],
    stream: true,
  });
  assert.deepEqual(body, {
    model: "real",
    instructions: "A\n\nB",
    input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Hello" }] }],
    include: ["reasoning.encrypted_content"],
    stream: true,
    store: false,
  });
  assert.deepEqual([path, headers, losses], ["/responses", {}, []]);
  const plain = encode({}, target({ thinking: "none", efforts: [] })).body;
  assert.deepEqual(Object.keys(plain).toSorted(), ["input", "model", "store"]);
});

describe("limits and sampling", () => {
  test("fewer than 16 tokens are raised to 16, and more than the model makes are lowered (B36)", () => {
    const low = encode({ maxOutputTokens: 5 });
    assert.deepEqual([low.body["max_output_tokens"], paths(low)], [16, ["changed max_tokens"]]);
    const high = encode({ maxOutputTokens: 99_999 }, target({ maxOutputTokens: 32_000 }));
    assert.deepEqual([high.body["max_output_tokens"], paths(high)], [32_000, ["hint max_tokens"]]);
    assert.deepEqual(paths(encode({ maxOutputTokens: 100 })), []);
  });

  test("what the dialect has no field for is dropped and said", () => {
    const sampling = { temperature: 1.5, topP: 0.5, topK: 3, seed: 1, presencePenalty: 1, frequencyPenalty: 0.5 };
    const all = encode({ sampling, stop: ["END"] });
    assert.deepEqual([all.body["temperature"], all.body["top_p"]], [1.5, 0.5]);
    const dropped = ["frequency_penalty", "presence_penalty", "seed", "stop", "top_k"];
    assert.deepEqual(
      paths(all),
      dropped.map((path) => `dropped ${path}`),
    );
    const none = encode({ sampling: { temperature: 0.7, topP: 0.9 } }, target({ sampling: false }));
    assert.deepEqual(paths(none), ["dropped temperature", "dropped top_p"]);
    const usual = { temperature: 1, topP: 1, presencePenalty: 0, frequencyPenalty: 0 };
    assert.deepEqual(paths(encode({ sampling: usual }, target({ sampling: false }))), []);
    assert.ok(!("temperature" in none.body) && !("top_p" in none.body));
  });

  test("long names of users and caches become digests of 64 characters", () => {
    const { body } = encode({ user: "u".repeat(150), cacheKey: "short", speed: "fast" });
    assert.match(String(body["safety_identifier"]), /^[0-9a-f]{64}$/);
    assert.deepEqual([body["prompt_cache_key"], body["service_tier"]], ["short", "fast"]);
  });
});

describe("reasoning", () => {
  const asked = (reasoning: Conversation["reasoning"], traits = {}) => {
    const encoded = encode({ ...(reasoning && { reasoning }) }, target(traits));
    return [encoded.body["reasoning"], paths(encoded)];
  };

  test("one word for the effort, the nearest that the model takes (B25)", () => {
    assert.deepEqual(asked({ effort: "high", shown: true }), [{ effort: "high", summary: "auto" }, []]);
    assert.deepEqual(asked({ effort: "max", shown: false }), [{ effort: "xhigh" }, ["changed reasoning"]]);
    assert.deepEqual(asked({ effort: "none", shown: true }), [{ effort: "none" }, []]);
    assert.deepEqual(asked({ effort: "none", shown: true }, { efforts: ["low", "high"] }), [
      { effort: "low", summary: "auto" },
      ["changed reasoning"],
    ]);
    assert.deepEqual(asked({ budgetTokens: 8_000, shown: false }), [{ effort: "medium" }, ["changed reasoning"]]);
    assert.deepEqual(asked({ shown: true }), [{ summary: "auto" }, []], "the thought is shown (B50)");
    assert.deepEqual(asked({ shown: false }), [undefined, []]);
  });

  test("a model that does not reason is not asked to", () => {
    const none = { thinking: "none", efforts: [] } as const;
    assert.deepEqual(asked({ effort: "high", shown: true }, none), [undefined, ["dropped reasoning"]]);
    assert.deepEqual(asked({ effort: "none", shown: true }, none), [undefined, []]);
  });

  const own = { dialect: "openai-responses", provider: "openai", data: "gAAA", id: "rs_1" } as const;
  const thought = (state: object | undefined, text = "Hm") =>
    ({ type: "thinking", text, ...(state && { state: { ...own, ...state } }) }) as const;
  const said = { type: "text", text: "Hi" } as const;
  const types = (...parts: (Turn & { readonly role: "assistant" })["parts"]) =>
    (items([user("a"), { role: "assistant", parts }]) as JsonObject[]).slice(1).map((item) => item["type"]);

  test("its own state goes back word for word, before what it led to", () => {
    assert.deepEqual(items([user("a"), { role: "assistant", parts: [thought({}), said] }]), [
      { type: "message", role: "user", content: [{ type: "input_text", text: "a" }] },
      {
        type: "reasoning",
        id: "rs_1",
        summary: [{ type: "summary_text", text: "Hm" }],
        encrypted_content: "gAAA",
      },
      { type: "message", role: "assistant", content: [{ type: "output_text", text: "Hi" }] },
    ]);
    assert.deepEqual(types(thought({}, ""), call("1"), said, thought({ provider: "" }), call("2")), [
      "reasoning",
      "function_call",
      "message",
      "reasoning",
      "function_call",
    ]);
  });

  test("a state of another provider or dialect, an empty one, or one that led to nothing is left out (B47)", () => {
    assert.deepEqual(types(thought({ provider: "azure" }), said), ["message"]);
    assert.deepEqual(types(thought({ dialect: "anthropic-messages" }), said), ["message"]);
    assert.deepEqual(types(thought({ data: "" }), said), ["message"]);
    assert.deepEqual(types(thought(undefined), said), ["message"]);
    assert.deepEqual(types(said, thought({})), ["message"]);
    assert.deepEqual(types(thought({})), []);
  });
});

describe("tools", () => {
  const tools = [
    { kind: "function", name: "t", description: "T" },
    { kind: "function", name: "u", parameters: { properties: {} }, strict: true },
    { kind: "custom", name: "p", grammar: { syntax: "regex", definition: ".+" } },
    { kind: "custom", name: "q" },
  ] as const;

  test("schemas are whole, and strict only where the caller said so", () => {
    const { body, losses } = encode({ tools, parallelTools: false });
    assert.deepEqual(body["tools"], [
      { type: "function", name: "t", description: "T", parameters: { type: "object", properties: {} }, strict: false },
      { type: "function", name: "u", parameters: { properties: {}, type: "object" }, strict: true },
      { type: "custom", name: "p", format: { type: "grammar", syntax: "regex", definition: ".+" } },
      { type: "custom", name: "q" },
    ]);
    assert.deepEqual([body["parallel_tool_calls"], "tool_choice" in body, losses], [false, false, []]);
  });

  test("every choice has its form, and none where there are no tools", () => {
    const choice = (toolChoice: Conversation["toolChoice"]) =>
      encode({ tools, toolChoice: toolChoice ?? { type: "auto" } }).body["tool_choice"];
    assert.equal(choice({ type: "auto" }), "auto");
    assert.equal(choice({ type: "any" }), "required");
    assert.equal(choice({ type: "none" }), "none");
    assert.deepEqual(choice({ type: "tool", name: "p" }), { type: "custom", name: "p" });
    assert.deepEqual(choice({ type: "allowed", names: ["t", "p"], required: false }), {
      type: "allowed_tools",
      mode: "auto",
      tools: [
        { type: "function", name: "t" },
        { type: "custom", name: "p" },
      ],
    });
    assert.ok(!("tool_choice" in encode({ toolChoice: { type: "none" }, parallelTools: true }).body));
  });

  test("a tool is not forced on a model that cannot reason then", () => {
    const forced = { tools, toolChoice: { type: "any" }, reasoning: { effort: "high", shown: false } } as const;
    const encoded = encode(forced, target({ forcedToolWhileThinking: false }));
    assert.deepEqual([encoded.body["tool_choice"], paths(encoded)], ["auto", ["changed tool_choice"]]);
  });

  test("calls and results are items, arguments as they were written", () => {
    const turns: Turn[] = [
      user("a"),
      {
        role: "assistant",
        parts: [call("1"), call("2", { arguments: "" }), call("3", { kind: "custom", arguments: "raw" })],
      },
      {
        role: "user",
        parts: [
          result("1"),
          result("2", { isError: true }),
          result("3", { kind: "custom", parts: [] }),
          { type: "text", text: "next" },
        ],
      },
    ];
    assert.deepEqual((items(turns) as JsonObject[]).slice(1), [
      { type: "function_call", call_id: "1", name: "t", arguments: '{"n": 1.0}' },
      { type: "function_call", call_id: "2", name: "t", arguments: "{}" },
      { type: "custom_tool_call", call_id: "3", name: "t", input: "raw" },
      { type: "function_call_output", call_id: "1", output: "fine" },
      { type: "function_call_output", call_id: "2", output: "Error: fine" },
      { type: "custom_tool_call_output", call_id: "3", output: "" },
      { type: "message", role: "user", content: [{ type: "input_text", text: "next" }] },
    ]);
  });

  test("a result is one item whatever it holds, with its images in it (B28, B30)", () => {
    const output = (parts: readonly object[], isError = false) =>
      (items([{ role: "user", parts: [result("1", { parts, isError })] }]) as JsonObject[])[0]?.["output"];
    const text = (words: string) => ({ type: "text", text: words });
    const shown = { type: "input_image", detail: "auto", image_url: "data:image/png;base64,AA==" };
    assert.equal(output([text("a"), text("b"), text("c")]), "a\nb\nc");
    assert.equal(output([text("Error: gone")], true), "Error: gone");
    assert.equal(output([], true), "Error");
    assert.deepEqual(output([text("see"), image]), [{ type: "input_text", text: "see" }, shown]);
    assert.deepEqual(output([image], true), [{ type: "input_text", text: "Error" }, shown]);
  });

  test("ids and names of the target are within what the API takes (B34, B41)", () => {
    const { tools: rules } = openaiResponsesCodec;
    assert.deepEqual([rules.mostNameLength, rules.mostCallIdLength, rules.custom], [64, 64, true]);
  });
});

describe("content", () => {
  test("images, documents and audio, each where it may lie", () => {
    const parts: readonly (Turn & { readonly role: "user" })["parts"][number][] = [
      { ...image, detail: "low" },
      { type: "image", source: { kind: "url", url: "https://example.com/a.png" } },
      { type: "image", source: { kind: "file", id: "f1", origin: "openai-chat" } },
      { type: "document", source: { kind: "base64", mediaType: "application/pdf", data: "JVBERi0=" } },
      { type: "document", source: { kind: "url", url: "https://example.com/a.pdf" }, name: "a.pdf" },
      { type: "document", source: { kind: "text", text: "Åre" }, name: "a.txt" },
      { type: "audio", source: { kind: "base64", mediaType: "audio/mpeg", data: "AA==" } },
    ];
    const [item] = items([{ role: "user", parts }]) as JsonObject[];
    assert.deepEqual(item?.["content"], [
      { type: "input_image", detail: "low", image_url: "data:image/png;base64,AA==" },
      { type: "input_image", detail: "auto", image_url: "https://example.com/a.png" },
      { type: "input_image", detail: "auto", file_id: "f1" },
      { type: "input_file", filename: "document.pdf", file_data: "data:application/pdf;base64,JVBERi0=" },
      { type: "input_file", file_url: "https://example.com/a.pdf" },
      { type: "input_text", text: "[a.txt]\nÅre" },
      { type: "input_audio", input_audio: { data: "AA==", format: "mp3" } },
    ]);
  });

  test("what the model does not take is dropped, but never all of what is said", () => {
    const seen = { type: "text", text: "look" } as const;
    const foreign = { type: "image", source: { kind: "file", id: "f", origin: "anthropic-messages" } } as const;
    const blind = target({ images: false });
    assert.deepEqual(paths(encode({ turns: [{ role: "user", parts: [image, seen] }] }, blind)), [
      "dropped turns[0].image",
    ]);
    assert.deepEqual(paths(encode({ turns: [{ role: "user", parts: [foreign, seen] }] })), ["dropped turns[0].image"]);
    assert.throws(() => items([{ role: "user", parts: [image] }], blind), /holds nothing that this model takes/);
  });

  test("later instructions stand where they stood, or are told by the user", () => {
    const turns: Turn[] = [user("a"), { role: "system", parts: [{ type: "text", text: "In French." }] }];
    const [, own] = items(turns) as JsonObject[];
    assert.deepEqual(own, {
      type: "message",
      role: "developer",
      content: [{ type: "input_text", text: "In French." }],
    });
    const told = encode({ turns }, target({ systemTurns: false }));
    assert.deepEqual((told.body["input"] as JsonObject[])[1], {
      type: "message",
      role: "user",
      content: [{ type: "input_text", text: "[System instruction]\nIn French." }],
    });
    assert.deepEqual(paths(told), ["changed turns[1]"]);
  });

  test("texts and refusals that follow each other are one message, with the pages they rest on", () => {
    const citations = [{ url: "https://a.example" }, { title: "no page" }];
    const parts = [
      { type: "text", text: "Åre", citations },
      { type: "refusal", text: "No." },
      { type: "text", text: "!" },
    ] as const;
    const [, item] = items([user("a"), { role: "assistant", parts }, user("b")]) as JsonObject[];
    const annotation = {
      type: "url_citation",
      start_index: 0,
      end_index: 3,
      title: "https://a.example",
      url: "https://a.example",
    };
    assert.deepEqual(item?.["content"], [
      { type: "output_text", text: "Åre", annotations: [annotation] },
      { type: "refusal", refusal: "No." },
      { type: "output_text", text: "!" },
    ]);
  });

  test("cache marks are a hint, and a beginning of the answer is said not to be gone on with", () => {
    const marked = encode({ system: [{ type: "text", text: "A", cache: { ttl: "5m" } }] });
    assert.deepEqual(paths(marked), ["hint cache_control"]);
    const begun: Turn[] = [user("a"), { role: "assistant", parts: [{ type: "text", text: "{" }] }];
    assert.deepEqual(paths(encode({ turns: begun }, target({ prefill: false }))), ["changed turns[1]"]);
  });
});

describe("answers in JSON", () => {
  const schema = { type: "object", properties: { a: { type: "string" } } };
  const output = { type: "schema", name: "my schema!", schema, description: "D" } as const;

  test("a schema goes as it is, strict only if the caller said so", () => {
    assert.deepEqual(encode({ output, verbosity: "low" }).body["text"], {
      format: { type: "json_schema", name: "my_schema_", description: "D", schema },
      verbosity: "low",
    });
  });

  test("a model without schemas is told in words", () => {
    const encoded = encode({ output }, target({ schemaOutput: false }));
    assert.deepEqual(encoded.body["text"], { format: { type: "json_object" } });
    assert.match(String(encoded.body["instructions"]), /follows this schema.*"properties"/s);
    assert.deepEqual(paths(encoded), ["changed response_format"]);
  });

  test("the word that the API wants is said where nobody has said it", () => {
    const encoded = encode({ output: { type: "json" } });
    assert.deepEqual((encoded.body["input"] as JsonObject[])[0], {
      type: "message",
      role: "developer",
      content: [{ type: "input_text", text: "Answer in JSON." }],
    });
    assert.deepEqual(paths(encoded), ["changed response_format"]);
    assert.deepEqual(paths(encode({ output: { type: "json" }, turns: [user("as JSON, please")] })), []);
  });
});

test("a count asks with what makes the prompt, and reads and tells the number", () => {
  const { count } = openaiResponsesCodec;
  assert.ok(count);
  const tools = [{ kind: "function", name: "t" }] as const;
  const asked = {
    ...plainConversation,
    tools,
    maxOutputTokens: 5,
    sampling: { temperature: 1 },
    cacheKey: "k",
    stream: true,
  };
  const { body, path } = count.encode(asked, target());
  assert.deepEqual(Object.keys(body).toSorted(), ["input", "model", "tools"]);
  assert.equal(path, "/responses/input_tokens");
  assert.deepEqual([count.decode({ input_tokens: 7 }), count.decode({ error: {} })], [7, undefined]);
  assert.deepEqual(count.encodeReply(7), { object: "response.input_tokens", input_tokens: 7 });
});
