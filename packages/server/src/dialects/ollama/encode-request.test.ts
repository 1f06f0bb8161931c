import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { efforts, type ModelTraits } from "../../kernel/model-traits.ts";
import { chatFailure } from "../../simulator/ollama-request.ts";
import type { Call } from "../../simulator/vendor.ts";
import type { AssistantPart, Conversation, JsonObject, Reasoning, Turn, UserPart } from "../canonical/conversation.ts";
import { plainConversation, testSeal } from "../canonical/test-parts.ts";
import { fixtures } from "../test-parts.ts";
import { decodeRequest } from "./decode-request.ts";
import { encodeRequest } from "./encode-request.ts";
import { targetModel } from "./test-parts.ts";

/** The body, and what an engine has to say against it. */
function encode(changes: Partial<Conversation>, traits: Partial<ModelTraits> = {}) {
  const { body, losses, path, headers } = encodeRequest({ ...plainConversation, ...changes }, targetModel(traits));
  const written = JSON.parse(JSON.stringify(body)) as JsonObject;
  assert.deepEqual(written, body, "it is JSON");
  assert.equal(chatFailure({ body: written } as Call), undefined);
  assert.deepEqual([path, headers], ["/chat", {}]);
  return { body: written, losses: losses.map((loss) => `${loss.kind} ${loss.path}`) };
}

const messagesOf = (changes: Partial<Conversation>, traits: Partial<ModelTraits> = {}) => {
  const { body, losses } = encode(changes, traits);
  return { messages: body["messages"] as readonly JsonObject[], losses };
};
const said = (...parts: readonly UserPart[]): Turn => ({ role: "user", parts });
const answered = (...parts: readonly AssistantPart[]): Turn => ({ role: "assistant", parts });
const text = (words: string) => ({ type: "text" as const, text: words });
const png = {
  type: "image" as const,
  source: { kind: "base64" as const, mediaType: "image/png", data: "iVBORw0KGgo=" },
};
const call = (id: string, name: string, args: string) =>
  ({ type: "tool_call", id, name, kind: "function", arguments: args }) as const;
const result = (callId: string, ...parts: readonly (ReturnType<typeof text> | typeof png)[]) =>
  ({ type: "tool_result", callId, kind: "function", parts, isError: false }) as const;
const tool = (name: string) => ({ kind: "function" as const, name, parameters: { type: "object" } });
const namesOf = (body: JsonObject): unknown =>
  (body["tools"] as readonly { function: { name: string } }[] | undefined)?.map((each) => each.function.name);

test("a request comes out as it came in, but for what is declared lost", () => {
  for (const name of ["assistant-tools.json", "structured.json", "web-ui.json"]) {
    const asked = JSON.parse(readFileSync(join(fixtures, "ollama/requests", name), "utf8")) as JsonObject;
    const stream = asked["stream"] === true;
    const decoded = decodeRequest(asked, { stream, path: "/api/chat", seal: testSeal });
    const thinking = name === "structured.json" ? "effort" : "switch";
    const target = targetModel({ thinking, efforts: thinking === "effort" ? ["low", "medium", "high"] : [] });
    const { body, losses } = encodeRequest(decoded.conversation, { ...target, model: String(asked["model"]) });
    assert.deepEqual(losses, [], name);
    const lost = new Set(decoded.losses.map(({ path }) => path));
    const options = Object.entries((asked["options"] ?? {}) as JsonObject).filter(
      ([key]) => !lost.has(`options.${key}`),
    );
    const kept = Object.entries(asked).filter(([key]) => !lost.has(key) && key !== "options");
    const expected = {
      ...Object.fromEntries(kept),
      ...(options.length > 0 && { options: Object.fromEntries(options) }),
    };
    assert.deepEqual(JSON.parse(JSON.stringify(body)), expected, name);
  }
});

test("whether it streams is always said, because Ollama streams unless told not to", () => {
  assert.equal(encode({ stream: false }).body["stream"], false);
  assert.equal(encode({ stream: true }).body["stream"], true);
  assert.deepEqual(encode({}).body, {
    model: "qwen3:8b",
    messages: [{ role: "user", content: "Hello" }],
    stream: false,
  });
});

describe("messages to Ollama", () => {
  test("results stand behind their calls, each with its tool's name and id, images on the message (B28, B30)", () => {
    const turns = [
      said(text("Look")),
      answered(call("a", "see", '{"at":"door"}'), call("b", "hear", "")),
      said(result("a", text("a cat"), png), { ...result("b"), isError: true }, text("Well?")),
    ];
    const { messages, losses } = messagesOf({ turns });
    assert.deepEqual(losses, []);
    assert.deepEqual(messages.slice(1), [
      {
        role: "assistant",
        content: "",
        tool_calls: [
          { id: "a", function: { index: 0, name: "see", arguments: { at: "door" } } },
          { id: "b", function: { index: 1, name: "hear", arguments: {} } },
        ],
      },
      { role: "tool", content: "a cat", images: [png.source.data], tool_name: "see", tool_call_id: "a" },
      { role: "tool", content: "Error: ", tool_name: "hear", tool_call_id: "b" },
      { role: "user", content: "Well?" },
    ]);
  });

  test("arguments that are no object are shown as they are, and not as an empty object", () => {
    const turns = [said(text("x")), answered(call("a", "f", '{"x": ')), said(result("a", text("?")))];
    const { messages, losses } = messagesOf({ turns });
    assert.deepEqual(messages[1]?.["tool_calls"], [
      { id: "a", function: { index: 0, name: "f", arguments: { _raw: '{"x": ' } } },
    ]);
    assert.deepEqual(losses, ["changed turns[1].tool_call"]);
  });

  test("what was said behind a call is told before it, and that is said", () => {
    const { messages, losses } = messagesOf({
      turns: [said(text("x")), answered(text("A"), text("B"), call("a", "f", "{}"), text("C")), said(result("a"))],
    });
    assert.equal(messages[1]?.["content"], "AB\n\nC");
    assert.deepEqual(losses, ["changed turns[1]"]);
  });

  test("thoughts go back to a model that thinks, and to no other; states never", () => {
    const state = { dialect: "anthropic-messages" as const, provider: "anthropic", data: "secret-state" };
    const turns = [
      said(text("x")),
      answered({ type: "thinking", text: "hm", state }, text("y"), { type: "thinking", text: "", state }),
      said(text("z")),
    ];
    assert.deepEqual(messagesOf({ turns }).messages[1], { role: "assistant", content: "y", thinking: "hm" });
    const { messages, losses } = messagesOf({ turns }, { thinking: "none" });
    assert.deepEqual(messages[1], { role: "assistant", content: "y" });
    assert.deepEqual(losses, []);
    assert.doesNotMatch(JSON.stringify(messages), /secret-state/);
  });

  test("instructions between turns stay, or are marked as the user's where the model takes none (B22)", () => {
    const turns: readonly Turn[] = [said(text("x")), { role: "system", parts: [text("Be brief.")] }];
    const system = [text("A"), text("B")];
    assert.deepEqual(messagesOf({ system, turns }).messages, [
      { role: "system", content: "A\n\nB" },
      { role: "user", content: "x" },
      { role: "system", content: "Be brief." },
    ]);
    const { messages, losses } = messagesOf({ turns }, { systemTurns: false });
    assert.deepEqual(messages[1], { role: "user", content: "[System instruction]\nBe brief." });
    assert.deepEqual(losses, ["changed turns[1]"]);
  });

  test("images by address, documents and audio are left out and named; a message of nothing else says so", () => {
    const url = { type: "image" as const, source: { kind: "url" as const, url: "https://x.example/a.png" } };
    const pdf = {
      type: "document" as const,
      source: { kind: "base64" as const, mediaType: "application/pdf", data: "AAAA" },
    };
    const sound = { type: "audio" as const, source: { kind: "base64" as const, mediaType: "audio/wav", data: "AAAA" } };
    const { messages, losses } = messagesOf({ turns: [said(url), said(pdf, text("Sum it up")), said(sound)] });
    assert.deepEqual(losses, ["dropped turns[0].image", "dropped turns[1].document", "dropped turns[2].audio"]);
    assert.match(String(messages[0]?.["content"]), /left out/);
    assert.deepEqual(messages[1], { role: "user", content: "Sum it up" });
    assert.deepEqual(messagesOf({ turns: [said(png)] }, { images: false }).losses, ["dropped turns[0].image"]);
    assert.deepEqual(messagesOf({ turns: [said(png)] }).messages[0], {
      role: "user",
      content: "",
      images: [png.source.data],
    });
  });

  test("documents that are text are told as text, with their names", () => {
    const plain = { type: "document" as const, source: { kind: "text" as const, text: "one" } };
    const data = Buffer.from("zwei €").toString("base64");
    const file = {
      type: "document" as const,
      name: "b.csv",
      source: { kind: "base64" as const, mediaType: "text/csv", data },
    };
    const { messages, losses } = messagesOf({ turns: [said(plain, file)] });
    assert.equal(messages[0]?.["content"], "one\n\nb.csv:\nzwei €");
    assert.deepEqual(losses, []);
  });

  test("an answer that is to be gone on with is its last message, or the user asks for more", () => {
    const turns = [said(text("x")), answered(text("Once upon"))];
    assert.equal(messagesOf({ turns }).messages.at(-1)?.["role"], "assistant");
    const { messages, losses } = messagesOf({ turns }, { prefill: false });
    assert.deepEqual(messages.at(-1), { role: "user", content: "Continue." });
    assert.deepEqual(losses, ["changed turns[1]"]);
  });
});

describe("reasoning, asked of a model of Ollama's", () => {
  const think = (reasoning: Reasoning, traits: Partial<ModelTraits>) => {
    const { body, losses } = encode({ reasoning }, traits);
    return [body["think"], ...losses];
  };

  test("is a switch where it is one: degrees are lost, and told to be", () => {
    assert.deepEqual(think({ shown: true }, {}), [true]);
    assert.deepEqual(think({ effort: "high", shown: true }, {}), [true, "changed reasoning"]);
    assert.deepEqual(think({ budgetTokens: 9_000, shown: true }, {}), [true, "changed reasoning"]);
    assert.deepEqual(think({ effort: "none", shown: false }, {}), [false]);
    assert.deepEqual(think({ budgetTokens: 0, shown: false }, {}), [false]);
    assert.deepEqual(think({ effort: "none", shown: false }, { canStopThinking: false }), [
      undefined,
      "changed reasoning",
    ]);
  });

  test("is one of its words where it has words", () => {
    const words = { thinking: "effort", efforts: ["low", "medium", "high"], canStopThinking: false } as const;
    assert.deepEqual(think({ effort: "medium", shown: true }, words), ["medium"]);
    assert.deepEqual(think({ effort: "max", shown: true }, words), ["high", "changed reasoning"]);
    assert.deepEqual(think({ effort: "none", shown: true }, words), ["low", "changed reasoning"]);
    assert.deepEqual(think({ shown: true }, words), [true]);
    for (const effort of efforts) think({ effort, shown: true }, { thinking: "effort", efforts }); // each is one that Ollama takes
  });

  test("is not asked of a model that is not known to reason: the engine would refuse all of the request", () => {
    assert.deepEqual(think({ effort: "high", shown: true }, { thinking: "none" }), [undefined, "dropped reasoning"]);
    assert.deepEqual(think({ effort: "none", shown: true }, { thinking: "none", canStopThinking: false }), [undefined]);
  });
});

describe("tools, offered to a model of Ollama's", () => {
  const tools = [tool("a"), { kind: "function" as const, name: "b", description: "B" }];

  test("are functions, each with a schema", () => {
    const { body, losses } = encode({ tools });
    assert.deepEqual(body["tools"], [
      { type: "function", function: { name: "a", parameters: { type: "object", properties: {} } } },
      { type: "function", function: { name: "b", description: "B", parameters: { type: "object", properties: {} } } },
    ]);
    assert.deepEqual(losses, []);
  });

  test("are left away where none may be called, and only those that may be are told of", () => {
    const chosen = (toolChoice: NonNullable<Conversation["toolChoice"]>) => {
      const { body, losses } = encode({ tools, toolChoice });
      return [namesOf(body), ...losses];
    };
    assert.deepEqual(chosen({ type: "auto" }), [["a", "b"]]);
    assert.deepEqual(chosen({ type: "none" }), [undefined]);
    assert.deepEqual(chosen({ type: "any" }), [["a", "b"], "changed tool_choice"]);
    assert.deepEqual(chosen({ type: "tool", name: "b" }), [["b"], "changed tool_choice"]);
    assert.deepEqual(chosen({ type: "allowed", names: ["a"], required: false }), [["a"]]);
    assert.deepEqual(chosen({ type: "allowed", names: ["a"], required: true }), [["a"], "changed tool_choice"]);
  });

  test("lose what Ollama's parser does not know, and it is said", () => {
    const parameters = {
      type: "object",
      properties: { n: { type: "integer", minimum: 3 } },
      additionalProperties: false,
    };
    const strict = { kind: "function" as const, name: "n", parameters, strict: true };
    const { body, losses } = encode({ tools: [strict], parallelTools: false });
    assert.doesNotMatch(JSON.stringify(body), /minimum|strict/);
    assert.deepEqual(losses, ["dropped parallel_tool_calls", "changed tools[0].parameters", "dropped tools[0].strict"]);
    assert.deepEqual(encode({ tools, parallelTools: false }, { tools: false }).losses, ["dropped tools"]);
  });
});

test("what Ollama has no word for is left out and named, and a fraction is none where it wants whole numbers", () => {
  const sampling = { temperature: 1.5, topP: 0.5, topK: 3.7, seed: 1e3, presencePenalty: 0.1, frequencyPenalty: 0.2 };
  const everything: Partial<Conversation> = {
    system: [{ type: "text", text: "A", cache: { ttl: "5m" } }],
    sampling,
    maxOutputTokens: 5,
    stop: ["a", "b"],
    verbosity: "low",
    user: "somebody",
    cacheKey: "k",
    speed: "fast",
  };
  const { body, losses } = encode(everything);
  assert.deepEqual(body["options"], {
    temperature: 1.5,
    top_p: 0.5,
    top_k: 3,
    seed: 1000,
    presence_penalty: 0.1,
    frequency_penalty: 0.2,
    num_predict: 5,
    stop: ["a", "b"],
  });
  assert.deepEqual(losses, [
    "dropped verbosity",
    "hint user",
    "hint prompt_cache_key",
    "hint speed",
    "hint cache_control",
  ]);
  const fixed = encode({ sampling }, { sampling: false });
  assert.deepEqual(fixed.losses, ["dropped temperature", "dropped top_p", "dropped top_k"]);
  assert.deepEqual(fixed.body["options"], { seed: 1000, presence_penalty: 0.1, frequency_penalty: 0.2 });
});

test("an answer in JSON is asked for as such, after a schema where the model takes one", () => {
  const schema = { type: "object", properties: { n: { type: "number" } } };
  const output = { type: "schema" as const, name: "answer", schema };
  assert.equal(encode({ output: { type: "json" } }).body["format"], "json");
  assert.deepEqual(encode({ output }).body["format"], schema);
  const { body, losses } = encode({ output }, { schemaOutput: false });
  assert.deepEqual([body["format"], ...losses], ["json", "changed response_format"]);
});
