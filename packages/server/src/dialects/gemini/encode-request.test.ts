import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import type { AssistantPart, JsonObject, ReasoningState, Turn, UserPart } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { lowerTools } from "../canonical/lower-tools.ts";
import { inOrder } from "../canonical/order.ts";
import { toolSchemas } from "../canonical/test/schemas.ts";
import { plainConversation } from "../canonical/test-parts.ts";
import { contentFailure } from "../../simulator/gemini-request.ts";
import { shapeFailure } from "../../simulator/gemini-shape.ts";
import { geminiCodec } from "./codec.ts";
import { count } from "./encode-request.ts";
import { decoded, encoded, requests, signing, target, told } from "./test-parts.ts";

const said = (text: string): Turn => ({ role: "user", parts: [{ type: "text", text }] });
const call = (id: string, name = "f", text = '{"a":1}'): AssistantPart => ({
  type: "tool_call",
  id,
  name,
  kind: "function",
  arguments: text,
});
const result = (callId: string, text = "done", isError = false): UserPart => ({
  type: "tool_result",
  callId,
  kind: "function",
  parts: [{ type: "text", text }],
  isError,
});
const state = (change: Partial<ReasoningState> = {}): AssistantPart => ({
  type: "thinking",
  text: "",
  state: { dialect: "gemini", provider: "google", data: "c2ln", kind: "call", ...change },
});
const contentsOf = (turns: readonly Turn[], to = target()): unknown => encoded({ turns }, to).body["contents"];
const configOf = (...asked: Parameters<typeof encoded>): unknown => encoded(...asked).body["generationConfig"];
const assertTaken = (body: JsonObject): void =>
  assert.equal(shapeFailure("GenerateContentRequest", body)?.message, undefined);

test("the address says the model and whether a stream is wanted", () => {
  assert.equal(encoded({}).path, "/models/gemini-3-pro:generateContent");
  assert.equal(encoded({ stream: true }).path, "/models/gemini-3-pro:streamGenerateContent?alt=sse");
  assert.equal(encoded({}, target({}, "tuned/a b?c#d")).path, "/models/tuned/a%20b%3Fc%23d:generateContent");
  for (const name of ["../secret", "a//b", "a/..", ""])
    assert.throws(() => encoded({}, target({}, name)), AppError, name);
});

test("a system turn in the midst is told as the user's, behind the results, and one at the beginning is an instruction (B22, B23)", () => {
  const system = (text: string): Turn => ({ role: "system", parts: [{ type: "text", text }] });
  const conversation = {
    ...plainConversation,
    system: [{ type: "text" as const, text: "First." }],
    turns: [
      system("Second."),
      said("go"),
      { role: "assistant" as const, parts: [call("c1")] },
      system("Third."),
      { role: "user" as const, parts: [result("c1")] },
    ],
  };
  const ordered = inOrder(conversation, new Losses());
  const { body, losses } = geminiCodec.encodeRequest(ordered, target());
  assert.deepEqual(body["systemInstruction"], { parts: [{ text: "First." }, { text: "Second." }] });
  assert.deepEqual(body["contents"], [
    { role: "user", parts: [{ text: "go" }] },
    { role: "model", parts: [{ functionCall: { name: "f", args: { a: 1 } } }] },
    {
      role: "user",
      parts: [
        { functionResponse: { name: "f", response: { output: "done" } } },
        { text: "[System instruction]\nThird." },
      ],
    },
  ]);
  assert.deepEqual(told(losses), ["changed system"]);
  assertTaken(body);
});

test("all results of a turn are in one content, in the order of the calls, by their functions' names (B52)", () => {
  const parts = [call("a", "one"), call("b", "two"), call("c", "one"), call("d", "four")];
  const scattered = ["c", "a", "d", "b"].map((id): Turn => ({ role: "user", parts: [result(id, id)] }));
  const ordered = inOrder(
    { ...plainConversation, turns: [said("go"), { role: "assistant", parts }, ...scattered] },
    new Losses(),
  );
  const contents = geminiCodec.encodeRequest(ordered, target()).body["contents"] as readonly {
    readonly parts: unknown;
  }[];
  assert.equal(contents.length, 3);
  const response = (name: string, output: string) => ({ functionResponse: { name, response: { output } } });
  assert.deepEqual(contents[2]?.parts, [
    response("one", "a"),
    response("two", "b"),
    response("one", "c"),
    response("four", "d"),
  ]);
});

test("a stored signature goes back on the call that it came with, and its siblings stay without (B43, B44)", () => {
  const turns: Turn[] = [
    said("go"),
    { role: "assistant", parts: [state(), call("a"), call("b")] },
    { role: "user", parts: [result("a"), result("b")] },
  ];
  const [, answer] = contentsOf(turns, target(signing)) as readonly JsonObject[];
  assert.deepEqual(answer?.["parts"], [
    { functionCall: { id: "a", name: "f", args: { a: 1 } }, thoughtSignature: "c2ln" },
    { functionCall: { id: "b", name: "f", args: { a: 1 } } },
  ]);
});

test("where nobody has a signature, the first call of each newest turn gets the documented value, and only for models that sign (B43)", () => {
  const turns: Turn[] = [
    said("first"),
    { role: "assistant", parts: [call("call_old")] },
    { role: "user", parts: [result("call_old")] },
    { role: "assistant", parts: [{ type: "text", text: "ok" }] },
    said("second"),
    { role: "assistant", parts: [state({ dialect: "anthropic-messages" }), call("call_1"), call("call_2")] },
    { role: "user", parts: [result("call_1"), result("call_2")] },
    { role: "assistant", parts: [call("call_3")] },
    { role: "user", parts: [result("call_3"), { type: "text", text: "(a note)" }] },
  ];
  const signatures = (to = target(signing)): unknown[] =>
    (contentsOf(turns, to) as { parts: JsonObject[] }[]).flatMap(({ parts }) =>
      parts.filter((part) => part["functionCall"] !== undefined).map((part) => part["thoughtSignature"]),
    );
  const waiver = "skip_thought_signature_validator";
  assert.deepEqual(signatures(), [undefined, waiver, undefined, waiver]);
  assert.deepEqual(signatures(target({ thinking: "budget" })), [undefined, undefined, undefined, undefined]);
});

test("a file that the user adds without a word ends no task: the calls before it are signed", () => {
  const source = { kind: "base64", mediaType: "application/pdf", data: "AAAA" } as const;
  const turns: Turn[] = [said("go"), { role: "assistant", parts: [call("call_1")] }];
  turns.push({ role: "user", parts: [result("call_1")] }, { role: "assistant", parts: [{ type: "text", text: "ok" }] });
  turns.push({ role: "user", parts: [{ type: "document", source }] });
  const { body } = geminiCodec.encodeRequest({ ...plainConversation, turns }, target(signing));
  const failure = contentFailure({ body, bytes: Buffer.from(""), header: () => undefined }, "gemini-3-pro");
  assert.equal(failure?.message, undefined);
});

test("states of others and empty ones are left out without a word, thoughts of its own go back", () => {
  const parts: AssistantPart[] = [
    { type: "thinking", text: "foreign" },
    state({ provider: "other" }),
    state({ data: "" }),
    { type: "thinking", text: "own", state: { dialect: "gemini", provider: "google", data: "YQ==", kind: "thought" } },
    { type: "text", text: "said" },
    state({ kind: "text", data: "Yg==" }),
  ];
  const { body, losses } = encoded({ turns: [said("go"), { role: "assistant", parts }, said("on")] });
  assert.deepEqual(losses, []);
  assert.deepEqual((body["contents"] as readonly JsonObject[])[1]?.["parts"], [
    { text: "own", thought: true, thoughtSignature: "YQ==" },
    { text: "said" },
    { text: "", thoughtSignature: "Yg==" },
  ]);
});

test("images of a result follow the results, errors are told as such, and broken arguments as text (B28, B30)", () => {
  const image = { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } } as const;
  const shown: UserPart = { type: "tool_result", callId: "call_a", kind: "function", parts: [image], isError: false };
  const turns: Turn[] = [
    said("go"),
    { role: "assistant", parts: [call("call_a"), call("call_b", "g", "{broken")] },
    { role: "user", parts: [shown, result("call_b", "no", true), { type: "text", text: "well?" }] },
  ];
  const { body, losses } = encoded({ turns });
  const [, answer, results] = body["contents"] as readonly JsonObject[];
  const [, broken] = (answer?.["parts"] ?? []) as readonly JsonObject[];
  assert.deepEqual(broken, { functionCall: { name: "g", args: { _raw: "{broken" } } });
  assert.deepEqual(results?.["parts"], [
    { functionResponse: { name: "f", response: { output: "The result is shown below." } } },
    { functionResponse: { name: "g", response: { error: "no" } } },
    { inlineData: { mimeType: "image/png", data: "AAAA" } },
    { text: "well?" },
  ]);
  assert.deepEqual(told(losses), ["changed turns[1].tool_call"]);
});

test("no part and no content is empty (B53)", () => {
  const turns: Turn[] = [said(" "), { role: "assistant", parts: [{ type: "text", text: "" }] }, said("go")];
  const { body } = geminiCodec.encodeRequest(inOrder({ ...plainConversation, turns }, new Losses()), target());
  assert.deepEqual(body["contents"], [{ role: "user", parts: [{ text: "go" }] }]);
});

test("a conversation of instructions alone is asked as the user's", () => {
  const { body } = encoded({ system: [{ type: "text", text: "Write a poem." }], turns: [] });
  assert.deepEqual(body, { contents: [{ role: "user", parts: [{ text: "Write a poem." }] }] });
});

test("a begun answer is gone on with, or the model is asked to (B27)", () => {
  const turns: Turn[] = [said("go"), { role: "assistant", parts: [{ type: "text", text: "Once" }] }];
  assert.equal((contentsOf(turns) as unknown[]).length, 2);
  const { body, losses } = encoded({ turns }, target({ prefill: false }));
  assert.deepEqual((body["contents"] as unknown[])[2], { role: "user", parts: [{ text: "Continue." }] });
  assert.deepEqual(told(losses), ["changed messages"]);
});

test("files go as data or by address, and those of others are named", () => {
  const parts: UserPart[] = [
    { type: "image", source: { kind: "url", url: "https://example.org/a.png?x=1" } },
    { type: "document", source: { kind: "text", text: "Hello" }, name: "a.txt" },
    { type: "document", source: { kind: "file", id: "file_1", origin: "openai-responses" } },
    { type: "audio", source: { kind: "base64", mediaType: "audio/wav", data: "AAAA" } },
  ];
  const { body, losses } = encoded({ turns: [{ role: "user", parts }] });
  assert.deepEqual((body["contents"] as JsonObject[])[0]?.["parts"], [
    { fileData: { fileUri: "https://example.org/a.png?x=1", mimeType: "image/png" } },
    { text: "a.txt\n\nHello" },
    { text: "[document left out: it lies at another provider]" },
    { inlineData: { mimeType: "audio/wav", data: "AAAA" } },
  ]);
  assert.deepEqual(told(losses), ["dropped turns[0].document"]);
  const blind = encoded({ turns: [{ role: "user", parts }] }, target({ images: false, audio: false }));
  assert.deepEqual(told(blind.losses), [
    "dropped turns[0].image",
    "dropped turns[0].document",
    "dropped turns[0].audio",
  ]);
});

test("tools are declared in one entry, with the schema that the model takes (B51)", () => {
  const parameters = { $schema: "x", type: "object", properties: { a: { const: "b" } }, additionalProperties: false };
  const tools = [
    { kind: "function", name: "f", description: "d", parameters },
    { kind: "function", name: "g", parameters: { type: "object", properties: {} } },
    { kind: "function", name: "h" },
  ] as const;
  const plain = encoded({ tools });
  assert.deepEqual(plain.body["tools"], [
    {
      functionDeclarations: [
        { name: "f", description: "d", parametersJsonSchema: parameters },
        { name: "g" },
        { name: "h" },
      ],
    },
  ]);
  const subset = encoded({ tools }, target({ toolSchema: "openapi" }));
  assert.deepEqual(subset.body["tools"], [
    {
      functionDeclarations: [
        {
          name: "f",
          description: "d",
          parameters: { type: "OBJECT", properties: { a: { type: "STRING", enum: ["b"] } } },
        },
        { name: "g" },
        { name: "h" },
      ],
    },
  ]);
  assert.deepEqual(told(encoded({ tools }, target({ tools: false })).losses), ["dropped tools"]);
});

test("all well-known tools at once are taken, with long names made short (B34, B51)", () => {
  const tools = toolSchemas.map(([name, parameters]) => ({
    kind: "function" as const,
    name: `mcp__a server__${"x".repeat(60)}_${name}`,
    parameters,
  }));
  const { conversation } = lowerTools({ ...plainConversation, tools }, geminiCodec.tools);
  assert.equal(new Set(conversation.tools.map(({ name }) => name)).size, tools.length);
  for (const toolSchema of ["json-schema", "openapi"] as const)
    assertTaken(geminiCodec.encodeRequest(conversation, target({ toolSchema })).body);
});

test("a choice of tools becomes a mode, and tools that are not allowed are not offered (B33)", () => {
  const tools = [
    { kind: "function", name: "f" },
    { kind: "function", name: "g" },
  ] as const;
  const modeOf = (toolChoice: Parameters<typeof encoded>[0]["toolChoice"]) =>
    encoded({ tools, ...(toolChoice && { toolChoice }) }).body["toolConfig"];
  assert.equal(modeOf(undefined), undefined);
  assert.deepEqual(modeOf({ type: "none" }), { functionCallingConfig: { mode: "NONE" } });
  assert.deepEqual(modeOf({ type: "any" }), { functionCallingConfig: { mode: "ANY" } });
  assert.deepEqual(modeOf({ type: "tool", name: "g" }), {
    functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["g"] },
  });
  const allowed = encoded({
    tools,
    toolChoice: { type: "allowed", names: ["g"], required: false },
    parallelTools: false,
  });
  assert.deepEqual(allowed.body["tools"], [{ functionDeclarations: [{ name: "g" }] }]);
  assert.deepEqual(allowed.body["toolConfig"], { functionCallingConfig: { mode: "AUTO" } });
  assert.deepEqual(told(allowed.losses), ["dropped parallel_tool_calls"]);
});

test("reasoning is asked for in the one way that the model takes (B25)", () => {
  const thinkingOf = (reasoning: Parameters<typeof encoded>[0]["reasoning"], traits: Parameters<typeof target>[0]) => {
    const { body, losses } = encoded({ ...(reasoning && { reasoning }) }, target(traits));
    return [(body["generationConfig"] as JsonObject | undefined)?.["thinkingConfig"], ...told(losses)];
  };
  const budget = { thinking: "budget", canStopThinking: true } as const;
  assert.deepEqual(thinkingOf({ effort: "high", shown: true }, signing), [
    { thinkingLevel: "HIGH", includeThoughts: true },
  ]);
  assert.deepEqual(thinkingOf({ effort: "max", shown: false }, signing), [
    { thinkingLevel: "HIGH" },
    "changed reasoning",
  ]);
  assert.deepEqual(thinkingOf({ effort: "none", shown: false }, signing), [
    { thinkingLevel: "LOW" },
    "changed reasoning",
  ]);
  assert.deepEqual(thinkingOf({ shown: true }, signing), [{ includeThoughts: true }]);
  assert.deepEqual(thinkingOf({ shown: false }, signing), [undefined]);
  assert.deepEqual(thinkingOf({ effort: "medium", shown: true }, budget), [
    { thinkingBudget: 8192, includeThoughts: true },
  ]);
  assert.deepEqual(thinkingOf({ effort: "none", shown: false }, budget), [{ thinkingBudget: 0 }]);
  assert.deepEqual(thinkingOf({ effort: "none", shown: true }, budget), [{ thinkingBudget: 0 }]);
  assert.deepEqual(thinkingOf({ effort: "none", shown: false }, { ...budget, canStopThinking: false }), [
    { thinkingBudget: 512 },
    "changed reasoning",
  ]);
  assert.deepEqual(thinkingOf({ budgetTokens: 31_999, shown: false }, budget), [
    { thinkingBudget: 24_576 },
    "changed reasoning",
  ]);
  assert.deepEqual(thinkingOf({ effort: "high", shown: true }, { thinking: "none" }), [undefined, "dropped reasoning"]);
  assert.deepEqual(thinkingOf({ shown: true }, { thinking: "none" }), [undefined, "hint reasoning"]);
});

test("settings keep their meaning within what Google takes", () => {
  const sampling = { temperature: 2.5, topP: 0.5, topK: 20, seed: 7, presencePenalty: 0.1, frequencyPenalty: 0.2 };
  const all = encoded(
    { sampling, stop: ["a", "b", "c", "d", "e", "f"], maxOutputTokens: 99 },
    target({ maxOutputTokens: 50 }),
  );
  assert.deepEqual(all.body["generationConfig"], {
    temperature: 2,
    topP: 0.5,
    topK: 20,
    seed: 7,
    presencePenalty: 0.1,
    frequencyPenalty: 0.2,
    maxOutputTokens: 50,
    stopSequences: ["a", "b", "c", "d", "e"],
  });
  assert.deepEqual(told(all.losses).toSorted(), ["changed stop", "changed temperature", "hint max_tokens"]);
  const none = encoded({ sampling: { temperature: 1, topK: 2 } }, target({ sampling: false }));
  assert.equal(none.body["generationConfig"], undefined);
  assert.deepEqual(told(none.losses), ["dropped temperature", "dropped top_k"]);
});

test("what Google has no word for is named", () => {
  const cache = { ttl: "5m" } as const;
  const turns: Turn[] = [{ role: "user", parts: [{ type: "text", text: "a", cache }] }];
  const { losses } = encoded({ turns, user: "u", cacheKey: "k", verbosity: "low", speed: "fast" });
  assert.deepEqual(told(losses), [
    "dropped verbosity",
    "hint user",
    "hint prompt_cache_key",
    "hint speed",
    "hint cache_control",
  ]);
});

test("a form for the answer goes as a schema, or in words where the model would refuse it", () => {
  const output = { type: "schema", name: "n", schema: { type: "object", properties: { a: { const: 1 } } } } as const;
  const tools = [{ kind: "function", name: "f" }] as const;
  const mime = { responseMimeType: "application/json" };
  assert.deepEqual(configOf({ output: { type: "json" } }), mime);
  assert.deepEqual(configOf({ output }), { ...mime, responseJsonSchema: output.schema });
  assert.deepEqual(configOf({ output, tools }, target(signing)), { ...mime, responseJsonSchema: output.schema });
  assert.deepEqual(configOf({ output }, target({ toolSchema: "openapi" })), {
    ...mime,
    responseSchema: { type: "OBJECT", properties: { a: { type: "NUMBER", description: "One of: 1" } } },
  });
  const old = encoded({ output, tools });
  assert.equal(old.body["generationConfig"], undefined);
  assert.match(JSON.stringify(old.body["systemInstruction"]), /single JSON document.*JSON schema/);
  assert.deepEqual(told(old.losses), ["changed response_format"]);
});

test("a count asks for the whole request, under the model's name", () => {
  const { body, path } = count.encode({ ...plainConversation, system: [{ type: "text", text: "s" }] }, target());
  assert.equal(path, "/models/gemini-3-pro:countTokens");
  assert.equal(shapeFailure("CountTokensRequest", body)?.message, undefined);
  assert.equal((body["generateContentRequest"] as JsonObject)["model"], "models/gemini-3-pro");
  assert.equal(count.decode({ totalTokens: 31 }), 31);
  assert.deepEqual(count.encodeReply(31), { totalTokens: 31 });
});

test("a conversation that another provider's model began is taken by a model that signs (B43, B49)", () => {
  const foreign: AssistantPart = {
    type: "thinking",
    text: "Hm.",
    state: { dialect: "anthropic-messages", provider: "a", data: "s" },
  };
  const image: UserPart = { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } };
  const turns: Turn[] = [
    { role: "system", parts: [{ type: "text", text: "Be brief." }] },
    { role: "user", parts: [{ type: "text", text: "Look." }, image] },
    { role: "assistant", parts: [foreign, { type: "text", text: "I do." }, call("toolu_1"), call("toolu_2", "g", "")] },
    { role: "user", parts: [result("toolu_2"), { type: "text", text: "(a reminder)" }] },
    { role: "system", parts: [{ type: "text", text: "Hurry." }] },
    { role: "user", parts: [result("toolu_1", "", true)] },
  ];
  const tools = toolSchemas.slice(0, 20).map(([name, parameters]) => ({ kind: "function" as const, name, parameters }));
  const conversation = inOrder(
    { ...plainConversation, turns, tools, stop: ["END"], sampling: { temperature: 1 } },
    new Losses(),
  );
  for (const toolSchema of ["json-schema", "openapi"] as const) {
    const { body } = geminiCodec.encodeRequest(conversation, target({ ...signing, toolSchema }));
    const failure = contentFailure({ body, bytes: Buffer.from(""), header: () => undefined }, "gemini-3-pro");
    assert.equal(failure?.message, undefined);
  }
});

/** A request in another order of keys, and without what Google ignores, is the same request. */
function again(name: string): readonly [JsonObject, JsonObject] {
  const body = requests[name] ?? {};
  const { conversation } = decoded(body);
  const to = target({ ...signing, efforts: ["minimal", "low", "medium", "high"], canStopThinking: true });
  return [body, geminiCodec.encodeRequest(inOrder(conversation, new Losses()), to).body];
}

test("a client's request comes through the hub as it was", () => {
  const [first, firstAgain] = again("gemini-cli-first");
  const [opening, prompt] = first["contents"] as JsonObject[];
  assert.deepEqual(firstAgain["contents"], [
    { role: "user", parts: [opening, prompt].flatMap((content) => content?.["parts"] as unknown[]) },
  ]);
  assert.deepEqual(firstAgain["generationConfig"], first["generationConfig"]);
  const [second, secondAgain] = again("gemini-cli-second");
  assert.deepEqual(secondAgain, {
    ...second,
    systemInstruction: { parts: [{ text: "You are an agent in a terminal." }] },
  });
  const [, opencodeAgain] = again("opencode");
  assert.deepEqual(opencodeAgain["generationConfig"], {
    ...((requests["opencode"] as JsonObject)["generationConfig"] as JsonObject),
    thinkingConfig: { includeThoughts: true, thinkingLevel: "HIGH" },
  });
  for (const name of Object.keys(requests)) assertTaken(again(name)[1]);
});
