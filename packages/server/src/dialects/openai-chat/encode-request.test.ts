import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { chatFailure } from "../../simulator/chat-request.ts";
import fc from "fast-check";
import type {
  AssistantPart,
  Conversation,
  JsonObject,
  MediaSource,
  Tool,
  ToolChoice,
  Turn,
} from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { lowerTools } from "../canonical/lower-tools.ts";
import { inOrder } from "../canonical/order.ts";
import { plainConversation } from "../canonical/test-parts.ts";
import type { EncodedRequest } from "../codec.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import { usualRules } from "../request-rules.ts";
import { openaiChatCodec } from "./codec.ts";
import { chatTools } from "./tool-rules.ts";
import { decoded, requestFixture, targetWith } from "./test-parts.ts";

/** As the gateway does it; whatever comes out is what the vendor takes. */
function encoded(conversation: Conversation, traits: Partial<ModelTraits> = {}): EncodedRequest {
  const ordered = inOrder(conversation, new Losses());
  const request = openaiChatCodec.encodeRequest(lowerTools(ordered, chatTools).conversation, targetWith(traits));
  const text = JSON.stringify(request.body);
  const body = JSON.parse(text) as JsonObject;
  assert.deepEqual(body, request.body, "it can be said in JSON");
  const call = { body, bytes: Buffer.from(text) } as unknown as Parameters<typeof chatFailure>[0];
  assert.equal(chatFailure(call), undefined);
  return request;
}

const said = (conversation: Partial<Conversation>, traits: Partial<ModelTraits> = {}): EncodedRequest =>
  encoded({ ...plainConversation, ...conversation }, traits);

const messagesOf = ({ body }: EncodedRequest) => body["messages"] as readonly JsonObject[];
const lossesOf = ({ losses }: EncodedRequest) => losses.map(({ path, kind }) => `${kind} ${path}`);
const hello: Turn = { role: "user", parts: [{ type: "text", text: "Hello" }] };
const call = (id: string, text = "{}"): AssistantPart => {
  return { type: "tool_call", id, name: "f", kind: "function", arguments: text };
};
const f: Tool = { kind: "function", name: "f" };

describe("messages", () => {
  test("instructions are one message, and what stands between turns stays there", () => {
    const system: Turn = { role: "system", parts: [{ type: "text", text: "In French." }] };
    const request = said({
      system: [
        { type: "text", text: "One." },
        { type: "text", text: "Two." },
      ],
      turns: [hello, system],
    });
    assert.deepEqual(messagesOf(request), [
      { role: "system", content: "One.\n\nTwo." },
      { role: "user", content: "Hello" },
      { role: "system", content: "In French." },
    ]);
    const strict = said({ turns: [hello, system] }, { systemTurns: false });
    assert.deepEqual(messagesOf(strict), [{ role: "user", content: "Hello\n\n[System instruction]\nIn French." }]);
    assert.deepEqual(lossesOf(strict), ["changed system"]);
  });

  test("instructions between a call and its result come behind the result (B22, B23)", () => {
    const request = said({
      tools: [f],
      turns: [
        hello,
        { role: "assistant", parts: [call("c1")] },
        { role: "system", parts: [{ type: "text", text: "Hurry." }] },
        {
          role: "user",
          parts: [{ type: "tool_result", callId: "c1", kind: "function", parts: [], isError: false }],
        },
      ],
    });
    assert.deepEqual(
      messagesOf(request).map(({ role }) => role),
      ["user", "assistant", "tool", "system"],
    );
    assert.equal(messagesOf(request)[2]?.["content"], "");
  });

  test("text behind a call is told before it, and that is said", () => {
    const parts: readonly AssistantPart[] = [{ type: "text", text: "A" }, call("c1"), { type: "text", text: "B" }];
    const request = said({ tools: [f], turns: [hello, { role: "assistant", parts }, hello] });
    assert.equal(messagesOf(request)[1]?.["content"], "A\n\nB");
    assert.deepEqual(lossesOf(request), ["changed turns[1]"]);
  });

  test("images in results come in one message behind all results of the turn (B28)", () => {
    const image = { type: "image", source: { kind: "base64", mediaType: "image/png", data: "iVBO" } } as const;
    const result = (callId: string, isError: boolean) =>
      ({
        type: "tool_result",
        callId,
        kind: "function",
        parts: [{ type: "text", text: "seen" }, image],
        isError,
      }) as const;
    const request = said({
      tools: [f],
      turns: [
        hello,
        { role: "assistant", parts: [call("c1"), call("c2", "")] },
        { role: "user", parts: [result("c1", false), result("c2", true), { type: "text", text: "Well?" }] },
      ],
    });
    const url = { type: "image_url", image_url: { url: "data:image/png;base64,iVBO" } };
    assert.deepEqual(messagesOf(request).slice(2), [
      { role: "tool", tool_call_id: "c1", content: "seen\n[image below]" },
      { role: "tool", tool_call_id: "c2", content: "Error: seen\n[image below]" },
      { role: "user", content: [url, url, { type: "text", text: "Well?" }] },
    ]);
    const [, assistant = {}] = messagesOf(request);
    assert.deepEqual((assistant["tool_calls"] as readonly JsonObject[])[1]?.["function"], {
      name: "f",
      arguments: "{}",
    });
    assert.deepEqual(lossesOf(request), ["changed turns[2].image"]);
  });

  test("what a model cannot take is named to it, and to the caller", () => {
    const parts = [
      { type: "image", source: { kind: "url", url: "https://example.com/a.png" } },
      { type: "document", source: { kind: "base64", mediaType: "application/pdf", data: "JVBE" } },
      { type: "document", source: { kind: "text", text: "plain" }, name: "a.txt" },
      { type: "audio", source: { kind: "base64", mediaType: "audio/wav", data: "UklG" } },
    ] as const;
    const blind = { images: false, documents: false, audio: false };
    const request = said({ turns: [{ role: "user", parts }] }, blind);
    assert.deepEqual(lossesOf(request), [
      "dropped turns[0].image",
      "dropped turns[0].document",
      "dropped turns[0].audio",
    ]);
    assert.match(String(messagesOf(request)[0]?.["content"]), /\[image left out.*a\.txt:\n\nplain.*\[audio left out/s);
    const [message = {}] = messagesOf(said({ turns: [{ role: "user", parts }] }));
    assert.equal((message["content"] as unknown[]).length, 4);
  });

  test("files of other providers are left out, the dialect's own are named", () => {
    const file = (origin: "openai-chat" | "gemini") =>
      said({
        turns: [{ role: "user", parts: [{ type: "document", source: { kind: "file", id: "file-1", origin } }] }],
      });
    assert.deepEqual(messagesOf(file("openai-chat"))[0]?.["content"], [{ type: "file", file: { file_id: "file-1" } }]);
    assert.deepEqual(lossesOf(file("gemini")), ["dropped turns[0].document"]);
  });

  test("earlier reasoning is told where the model wants it, and stands in each turn with calls (B48)", () => {
    const thought: AssistantPart = {
      type: "thinking",
      text: "hm",
      state: { dialect: "anthropic-messages", provider: "a", data: "s" },
    };
    const turns: readonly Turn[] = [hello, { role: "assistant", parts: [thought, call("c1")] }, hello];
    const wanted = messagesOf(said({ turns, tools: [f] }, { reasoningField: "reasoning_content" }))[1];
    assert.equal(wanted?.["reasoning_content"], "hm");
    assert.equal(wanted["content"], null);
    const silent: readonly Turn[] = [hello, { role: "assistant", parts: [call("c1")] }, hello];
    const filled = messagesOf(said({ turns: silent, tools: [f] }, { reasoningField: "reasoning_content" }))[1];
    assert.equal(filled?.["reasoning_content"], " ");
    const request = said({ turns, tools: [f] });
    assert.deepEqual(Object.keys(messagesOf(request)[1] ?? {}), ["role", "content", "tool_calls"]);
    assert.deepEqual(lossesOf(request), []);
    const alone = said({ turns: [hello, { role: "assistant", parts: [thought] }, hello] });
    assert.deepEqual(messagesOf(alone), [{ role: "user", content: "Hello\n\nHello" }]);
  });

  test("a provider gets back its own states, and no other's", () => {
    const data = '[{"type":"reasoning.encrypted","data":"x"}]';
    const parts = (provider: string): readonly AssistantPart[] => [
      { type: "thinking", text: "", state: { dialect: "openai-chat", provider, kind: "details", data } },
      { type: "thinking", text: "", state: { dialect: "openai-chat", provider, kind: "call", data: "sig" } },
      call("c1"),
    ];
    const message = (provider: string) =>
      messagesOf(said({ tools: [f], turns: [hello, { role: "assistant", parts: parts(provider) }, hello] }))[1];
    assert.deepEqual(message("openai")?.["reasoning_details"], JSON.parse(data));
    assert.match(JSON.stringify(message("openai")?.["tool_calls"]), /"thought_signature":"sig"/);
    assert.deepEqual(Object.keys(message("other") ?? {}), ["role", "content", "tool_calls"]);
    assert.doesNotMatch(JSON.stringify(message("other")), /extra_content/);
  });

  test("a model that cannot be given the beginning of its answer is asked to go on (B27)", () => {
    const turns: readonly Turn[] = [hello, { role: "assistant", parts: [{ type: "text", text: "The answer is" }] }];
    assert.equal(messagesOf(said({ turns })).length, 2);
    const request = said({ turns }, { prefill: false });
    assert.equal(messagesOf(request)[2]?.["role"], "user");
    assert.deepEqual(lossesOf(request), ["changed turns"]);
  });
});

describe("tools", () => {
  test("a schema is that of an object, and strict only if the caller said so (B31, B32)", () => {
    const parameters = { properties: { a: { type: "string" } }, additionalProperties: false };
    const request = said({
      tools: [f, { kind: "function", name: "g", description: "G", parameters, strict: true }],
    });
    assert.deepEqual(request.body["tools"], [
      { type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } },
      {
        type: "function",
        function: { name: "g", description: "G", parameters: { ...parameters, type: "object" }, strict: true },
      },
    ]);
  });

  test("long names are shortened alike in the list, in the choice and in the history (B34)", () => {
    const name = `mcp__${"server_".repeat(12)}one`;
    const turns: readonly Turn[] = [
      hello,
      { role: "assistant", parts: [{ type: "tool_call", id: "c", name, kind: "function", arguments: "{}" }] },
      hello,
    ];
    const { body } = said({ tools: [{ kind: "function", name }], turns, toolChoice: { type: "tool", name } });
    const names = [...JSON.stringify(body).matchAll(/"name":"([^"]+)"/g)].map(([, found]) => found);
    assert.equal(names.length, 3);
    assert.equal(new Set(names).size, 1);
    assert.equal(names[0]?.length, 64);
  });

  test("choices are said in the dialect's words; of allowed tools only those are offered (B33)", () => {
    const tools = [f, { ...f, name: "g" }];
    const choice = (toolChoice: Conversation["toolChoice"] & object) => said({ tools, toolChoice }).body["tool_choice"];
    assert.equal(choice({ type: "any" }), "required");
    assert.equal(choice({ type: "none" }), "none");
    assert.deepEqual(choice({ type: "tool", name: "g" }), { type: "function", function: { name: "g" } });
    const { body } = said({
      tools,
      toolChoice: { type: "allowed", names: ["g"], required: true },
      parallelTools: false,
    });
    assert.equal(body["tool_choice"], "required");
    assert.equal(body["parallel_tool_calls"], false);
    assert.equal((body["tools"] as unknown[]).length, 1);
    assert.equal(said({ toolChoice: { type: "any" } }).body["tool_choice"], undefined);
  });

  test("a model that cannot be made to call while it reasons may choose", () => {
    const traits = { thinking: "effort", efforts: ["low", "high"], forcedToolWhileThinking: false } as const;
    const request = said({ tools: [f], toolChoice: { type: "any" } }, traits);
    assert.equal(request.body["tool_choice"], "auto");
    assert.deepEqual(lossesOf(request), ["changed tool_choice"]);
  });

  test("a model without tools gets none", () => {
    const request = said({ tools: [f], toolChoice: { type: "any" } }, { tools: false });
    assert.equal(request.body["tools"], undefined);
    assert.deepEqual(lossesOf(request), ["dropped tools"]);
  });
});

describe("options", () => {
  test("the limit goes into the model's field, and not above its own (B36)", () => {
    assert.equal(said({ maxOutputTokens: 9 }).body["max_tokens"], 9);
    assert.equal(
      said({ maxOutputTokens: 9 }, { maxTokensField: "max_completion_tokens" }).body["max_completion_tokens"],
      9,
    );
    const request = said({ maxOutputTokens: 64_000 }, { maxOutputTokens: 8192 });
    assert.equal(request.body["max_tokens"], 8192);
    assert.deepEqual(lossesOf(request), ["hint max_tokens"]);
  });

  test("what the model does not take is left out and named", () => {
    const sampling = { temperature: 0.3, topP: 1, topK: 40, seed: 1, presencePenalty: 0.5 };
    assert.deepEqual(lossesOf(said({ sampling })), ["dropped top_k"]);
    const request = said({ sampling }, { sampling: false });
    assert.deepEqual(lossesOf(request), ["dropped temperature", "dropped top_k", "dropped presence_penalty"]);
    assert.deepEqual(
      [request.body["temperature"], request.body["top_p"], request.body["seed"]],
      [undefined, undefined, 1],
    );
    const stops = said({ stop: ["a", "b", "c", "d", "e"] });
    assert.deepEqual(stops.body["stop"], ["a", "b", "c", "d"]);
    assert.deepEqual(lossesOf(stops), ["changed stop"]);
  });

  test("an effort is one that the model takes (B25)", () => {
    const traits = { thinking: "effort", efforts: ["none", "low", "medium", "high"] } as const;
    const effort = (reasoning: Conversation["reasoning"] & object, more: Partial<ModelTraits> = {}) =>
      said({ reasoning }, { ...traits, ...more });
    assert.equal(effort({ effort: "high", shown: true }).body["reasoning_effort"], "high");
    assert.equal(effort({ effort: "none", shown: true }).body["reasoning_effort"], "none");
    assert.equal(effort({ budgetTokens: 31_999, shown: true }).body["reasoning_effort"], "high");
    assert.deepEqual(lossesOf(effort({ effort: "max", shown: true })), ["changed reasoning"]);
    const must = effort({ effort: "none", shown: false }, { canStopThinking: false });
    assert.equal(must.body["reasoning_effort"], "low");
    assert.deepEqual(lossesOf(must), ["changed reasoning"]);
    assert.deepEqual(lossesOf(effort({ effort: "high", shown: true }, { thinking: "none" })), ["dropped reasoning"]);
    assert.deepEqual(lossesOf(effort({ effort: "high", shown: true }, { thinking: "switch" })), ["hint reasoning"]);
    assert.deepEqual(lossesOf(effort({ effort: "none", shown: true }, { thinking: "switch" })), ["dropped reasoning"]);
    assert.equal(effort({ shown: true }).body["reasoning_effort"], undefined);
  });

  test("JSON is named in a message, and a schema is told where it cannot be given", () => {
    const json = said({ output: { type: "json" } });
    assert.deepEqual(json.body["response_format"], { type: "json_object" });
    assert.match(String(messagesOf(json)[0]?.["content"]), /JSON/);
    const named: Turn = { role: "user", parts: [{ type: "text", text: "Give me json" }] };
    assert.equal(messagesOf(said({ output: { type: "json" }, turns: [named] })).length, 1);
    const output = { type: "schema", name: "my answer", schema: { type: "object" } } as const;
    const format = said({ output }).body["response_format"] as { readonly json_schema: JsonObject };
    assert.match(String(format.json_schema["name"]), /^my_answer_[0-9a-f]{12}$/);
    assert.equal(format.json_schema["strict"], undefined);
    const told = said({ output, system: [{ type: "text", text: "Be brief." }] }, { schemaOutput: false });
    assert.match(String(messagesOf(told)[0]?.["content"]), /^Be brief\.\n\n.*\{"type":"object"\}$/s);
    assert.deepEqual(lossesOf(told), ["changed response_format"]);
  });

  test("what only OpenAI knows goes to nobody else, and what not all its models know goes to those that do", () => {
    const user = JSON.stringify({ device_id: "d".repeat(120) });
    const extras = { user, cacheKey: "k", verbosity: "low", speed: "fast" } as const;
    const { body, losses } = said(extras);
    assert.match(String(body["user"]), /^[0-9a-f]{64}$/);
    assert.deepEqual([body["prompt_cache_key"], body["verbosity"], body["service_tier"]], ["k", "low", "fast"]);
    assert.deepEqual(losses, []);
    assert.deepEqual(lossesOf(said(extras, { verbosity: false })), ["dropped verbosity"]);
    assert.deepEqual(lossesOf(said({ ...extras, verbosity: "medium" }, { verbosity: false })), []);
    const target = { ...targetWith(), rules: usualRules };
    const other = openaiChatCodec.encodeRequest({ ...plainConversation, ...extras }, target);
    assert.deepEqual(Object.keys(other.body), ["model", "messages"]);
    assert.deepEqual(lossesOf(other), ["hint user", "hint prompt_cache_key", "dropped verbosity", "hint service_tier"]);
  });

  test("a stream is asked for its counts where it does not give them by itself", () => {
    const { body, path, headers } = said({ stream: true });
    assert.deepEqual([body["stream"], body["stream_options"]], [true, { include_usage: true }]);
    assert.deepEqual([path, headers], ["/chat/completions", {}]);
    assert.equal(said({}).body["stream_options"], undefined);
    const target = { ...targetWith(), asksForUsage: false };
    const unasked = openaiChatCodec.encodeRequest({ ...plainConversation, stream: true }, target);
    assert.deepEqual([unasked.body["stream"], unasked.body["stream_options"]], [true, undefined]);
  });

  test("marks of what may be cached are hints", () => {
    const system = [{ type: "text", text: "Long.", cache: { ttl: "1h" } }] as const;
    assert.deepEqual(lossesOf(said({ system })), ["hint cache_control"]);
  });
});

describe("what this dialect's clients send", () => {
  const kind = { thinking: "effort", efforts: ["low", "medium", "high"], reasoningField: "reasoning_content" } as const;

  test("comes out as it came in", () => {
    for (const name of ["opencode-first", "opencode-second"]) {
      const body = requestFixture(name);
      const request = encoded(decoded(body).conversation, kind);
      assert.deepEqual({ ...request.body, model: body["model"] }, normal(body));
      assert.deepEqual(request.losses, []);
    }
  });

  test("and all else is encoded, too", () => {
    for (const name of ["many-parts", "old-functions", "openrouter", "custom-tools"]) {
      encoded(decoded(requestFixture(name)).conversation, { ...kind, maxTokensField: "max_completion_tokens" });
    }
  });
});

describe("whatever is asked", () => {
  const text = fc.constantFrom("", " ", "a", "{", "{}", '{"x":1}', "json");
  const said = text.map((given) => ({ type: "text", text: given }) as const);
  const source = fc.constantFrom<MediaSource>(
    { kind: "base64", mediaType: "image/png", data: "iVBO" },
    { kind: "base64", mediaType: "audio/wav", data: "UklG" },
    { kind: "url", url: "https://example.com/a" },
    { kind: "file", id: "f", origin: "openai-chat" },
    { kind: "file", id: "f", origin: "gemini" },
  );
  const image = source.map((given) => ({ type: "image", source: given }) as const);
  const document = source.map((given) => ({ type: "document", source: given }) as const);
  const audio = source.map((given) => ({ type: "audio", source: given }) as const);
  const id = fc.constantFrom("", "a", "b", "functions.Bash:0", "c".repeat(90));
  const kind = fc.constantFrom("function" as const, "custom" as const);
  const result = fc.record({
    type: fc.constant("tool_result" as const),
    callId: id,
    kind,
    parts: fc.array(fc.oneof(said, image, document), { maxLength: 3 }),
    isError: fc.boolean(),
  });
  const state = fc.record({
    dialect: fc.constantFrom("openai-chat" as const, "gemini" as const),
    provider: fc.constantFrom("", "openai", "other"),
    data: fc.constantFrom("", "x", "[]", '[{"type":"reasoning.text"}, 5]'),
    kind: fc.constantFrom("details", "call"),
  });
  const thinking = fc.record({ type: fc.constant("thinking" as const), text, state });
  const called = fc.record({
    type: fc.constant("tool_call" as const),
    id,
    name: fc.constantFrom("f", "g", "mcp.server/odd name"),
    kind,
    arguments: text,
  });
  const refusal = text.map((given) => ({ type: "refusal", text: given }) as const);
  const turn: fc.Arbitrary<Turn> = fc.oneof(
    fc.record({ role: fc.constant("system" as const), parts: fc.array(said, { maxLength: 2 }) }),
    fc.record({
      role: fc.constant("user" as const),
      parts: fc.array(fc.oneof(said, image, document, audio, result), { maxLength: 4 }),
    }),
    fc.record({
      role: fc.constant("assistant" as const),
      parts: fc.array(fc.oneof(said, thinking, called, refusal), { maxLength: 4 }),
    }),
  );
  const tool: fc.Arbitrary<Tool> = fc.record({
    kind,
    name: fc.constantFrom("f", "g", "mcp.server/odd name"),
    parameters: fc.constantFrom({}, { type: "object" }, { anyOf: [{ type: "object" }, { type: "null" }] }),
  });
  const traits = fc.record({
    images: fc.boolean(),
    documents: fc.boolean(),
    audio: fc.boolean(),
    tools: fc.boolean(),
    prefill: fc.boolean(),
    systemTurns: fc.boolean(),
    schemaOutput: fc.boolean(),
    reasoningField: fc.constantFrom("none" as const, "reasoning_content" as const),
  });
  const choice = fc.constantFrom<ToolChoice>(
    { type: "auto" },
    { type: "any" },
    { type: "none" },
    { type: "tool", name: "f" },
    { type: "allowed", names: ["g"], required: true },
  );
  const output = fc.constantFrom({ type: "json" } as const, { type: "schema", name: "", schema: {} } as const);

  test("the vendor takes what is sent", () => {
    fc.assert(
      fc.property(
        fc.array(turn, { minLength: 1, maxLength: 8 }),
        fc.uniqueArray(tool, { selector: ({ name }) => name, maxLength: 3 }),
        fc.option(choice),
        fc.option(output),
        traits,
        (turns, tools, toolChoice, format, given) => {
          const conversation = {
            ...plainConversation,
            turns: [hello, ...turns, hello],
            tools,
            ...(toolChoice && { toolChoice }),
            ...(format && { output: format }),
          };
          encoded(conversation, given);
        },
      ),
      { numRuns: 500 },
    );
  });
});

/** What leaves the translation as another way to say the same: one message for several instructions. */
function normal(body: JsonObject): JsonObject {
  const messages = body["messages"] as readonly JsonObject[];
  const leading = messages.filter(({ role }) => role === "system").map(({ content }) => String(content));
  const rest = messages.filter(({ role }) => role !== "system");
  return { ...body, messages: [{ role: "system", content: leading.join("\n\n") }, ...rest] };
}
