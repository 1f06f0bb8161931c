import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import type { JsonObject, ToolResultPart } from "../canonical/conversation.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { decoded, requests, told } from "./test-parts.ts";

const user = { role: "user", parts: [{ text: "Hello" }] };
const turnsOf = (contents: unknown) => decoded({ contents }).conversation.turns;
const refusalOf = (body: JsonObject): string => {
  try {
    decoded(body);
  } catch (error) {
    assert.ok(error instanceof AppError);
    return `${error.code}: ${error.message}`;
  }
  return "";
};

test("the first turn of Gemini CLI is understood whole", () => {
  const { conversation, losses, echo } = decoded(requests["gemini-cli-first"] ?? {});
  assert.deepEqual(losses, []);
  assert.deepEqual(echo, { includeThoughts: true });
  assert.deepEqual(conversation.system, [
    { type: "text", text: "You are an agent in a terminal.\n\n- Be brief.\n- Use tools." },
  ]);
  assert.deepEqual(
    conversation.turns.map(({ role }) => role),
    ["user", "user"],
  );
  assert.deepEqual(
    conversation.tools.map(({ name }) => name),
    ["run_shell_command", "read_file", "list_background"],
  );
  assert.deepEqual(conversation.sampling, { temperature: 1, topP: 0.95, topK: 64 });
  assert.deepEqual(conversation.reasoning, { shown: true });
});

test("its second turn has each result with its call, and the signature in a thought before the call that it stands on", () => {
  const { conversation, losses } = decoded(requests["gemini-cli-second"] ?? {});
  const [, answer, results] = conversation.turns;
  assert.deepEqual(losses, []);
  const first = "run_shell_command_1763740800000_0";
  const state = { dialect: "gemini", provider: "", data: "c2lnbmVkIGJ5IHRoZSBwcm92aWRlcg==", kind: "call" };
  assert.deepEqual(answer?.parts, [
    { type: "text", text: "I run it." },
    { type: "thinking", text: "", state },
    {
      type: "tool_call",
      id: first,
      name: "run_shell_command",
      kind: "function",
      arguments: '{"command":"echo ünïcode"}',
    },
    {
      type: "tool_call",
      id: "read_file_1763740800000_1",
      name: "read_file",
      kind: "function",
      arguments: '{"file_path":"a.txt"}',
    },
  ]);
  const [good, bad] = (results?.parts ?? []) as readonly ToolResultPart[];
  assert.deepEqual(good, {
    type: "tool_result",
    callId: first,
    kind: "function",
    parts: [{ type: "text", text: "Output: ünïcode\nExit Code: 0" }],
    isError: false,
  });
  assert.deepEqual([bad?.isError, bad?.parts], [true, [{ type: "text", text: "File not found: a.txt" }]]);
});

test("calls without an id get one of their place, and results find them by name and order (B42, B52)", () => {
  const { conversation, losses } = decoded(requests["parallel-calls"] ?? {});
  const [, answer, results] = conversation.turns;
  const ids = answer?.parts.map((part) => (part.type === "tool_call" ? part.id : ""));
  assert.deepEqual(ids, ["call_1_0", "call_1_1", "call_1_2"]);
  const told1 = ((results?.parts ?? []) as readonly ToolResultPart[]).map(({ callId, parts }) => [callId, parts]);
  assert.deepEqual(told1, [
    ["call_1_2", [{ type: "text", text: "12:00" }]],
    ["call_1_0", [{ type: "text", text: "snow" }]],
    ["call_1_1", [{ type: "text", text: '{"degrees":21,"sky":"clear"}' }]],
  ]);
  assert.deepEqual(conversation.toolChoice, { type: "tool", name: "weather" });
  assert.deepEqual(told(losses), ["hint labels", "dropped tools[1].googleSearch"]);
});

test("the same call has the same id each time, whatever follows it", () => {
  const call = { role: "model", parts: [{ functionCall: { name: "f" } }] };
  const result = { role: "user", parts: [{ functionResponse: { name: "f", response: {} } }] };
  const short = turnsOf([user, call, result]);
  const long = turnsOf([user, call, result, call, result, user]);
  assert.deepEqual(long.slice(0, 3), short);
  assert.notDeepEqual(long[3], long[1]);
});

test("calls that are spread over two contents of the model's find their results", () => {
  const called = (name: string) => ({ role: "model", parts: [{ functionCall: { name } }] });
  const parts = ["b", "a"].map((name) => ({ functionResponse: { name, response: { output: name } } }));
  const [, , results] = turnsOf([user, called("a"), called("b"), { role: "user", parts }]);
  const ids = ((results?.parts ?? []) as readonly ToolResultPart[]).map(({ callId }) => callId);
  assert.deepEqual(ids, ["call_2_0", "call_1_0"]);
});

test("the chunks of a stream, kept as contents each, are one turn with whole texts", () => {
  const chunk = (part: object) => ({ role: "model", parts: [part] });
  const thoughts = ["Let", " me"].map((text) => chunk({ text, thought: true }));
  const said = ["It", " is\n", "\n", "snow"].map((text) => chunk({ text }));
  const call = chunk({ functionCall: { name: "f", id: "c1" } });
  const turns = turnsOf([user, ...thoughts, ...said, call, chunk({ text: "" }), user]);
  assert.deepEqual(
    turns.map((turn) => turn.role),
    ["user", "assistant", "user"],
  );
  assert.deepEqual(turns[1]?.parts, [
    { type: "thinking", text: "Let me" },
    { type: "text", text: "It is\n\nsnow" },
    { type: "tool_call", id: "c1", name: "f", kind: "function", arguments: "{}" },
  ]);
});

test("fields may be written in snake case", () => {
  const { conversation, losses } = decoded(requests["snake-case"] ?? {});
  assert.deepEqual(told(losses), ["dropped safetySettings"]);
  assert.deepEqual(conversation.turns[0]?.parts, [
    { type: "text", text: "What is on these?" },
    { type: "image", source: { kind: "base64", mediaType: "image/png", data: "iVBORw0KGgo=" } },
    {
      type: "document",
      source: { kind: "url", url: "https://example.org/paper.pdf", mediaType: "application/pdf" },
    },
  ]);
  assert.deepEqual(conversation.output, {
    type: "schema",
    name: "response",
    schema: {
      type: "object",
      properties: { title: { type: "string" }, pages: { type: ["integer", "null"] } },
      required: ["title"],
    },
  });
  assert.deepEqual(
    [conversation.maxOutputTokens, conversation.stop, conversation.sampling],
    [500, ["END"], { topK: 20 }],
  );
  assert.deepEqual(conversation.reasoning, { effort: "none", shown: false });
});

test("what opencode sends is understood whole", () => {
  const { conversation, losses } = decoded(requests["opencode"] ?? {});
  assert.deepEqual(losses, []);
  assert.equal(conversation.system.length, 2);
  assert.deepEqual(conversation.reasoning, { effort: "high", shown: true });
  assert.deepEqual(conversation.toolChoice, { type: "auto" });
  assert.equal(conversation.tools[1]?.parameters?.["type"], "object");
});

test("thoughts keep the signature that stands on them or behind them", () => {
  const parts = [
    { text: "Let me ", thought: true },
    { text: "think.", thought: true },
    { functionCall: { name: "f", args: {} }, thoughtSignature: "YQ==" },
    { text: "said", thoughtSignature: "Yg==" },
    { text: "", thoughtSignature: "Yw==" },
    { text: "own", thought: true, thoughtSignature: "ZA==" },
  ];
  const state = (data: string, kind: string) => ({ dialect: "gemini", provider: "", data, kind });
  assert.deepEqual(turnsOf([{ role: "model", parts }])[0]?.parts, [
    { type: "thinking", text: "Let me think.", state: state("YQ==", "call") },
    { type: "tool_call", id: "call_0_0", name: "f", kind: "function", arguments: "{}" },
    { type: "thinking", text: "", state: state("Yg==", "text") },
    { type: "text", text: "said" },
    { type: "thinking", text: "", state: state("Yw==", "text") },
    { type: "thinking", text: "own", state: state("ZA==", "thought") },
  ]);
});

test("a signature of ours is opened, one that was changed is not passed on, and Google's own way out says nothing", () => {
  const state = { dialect: "anthropic-messages", provider: "anthropic", data: "sig" } as const;
  const sealed = testSeal.seal(state);
  const call = { functionCall: { name: "f" } };
  const partsFor = (thoughtSignature: string) =>
    decoded({ contents: [{ role: "model", parts: [{ ...call, thoughtSignature }] }] });
  assert.deepEqual(partsFor(sealed).conversation.turns[0]?.parts[0], { type: "thinking", text: "", state });
  const broken = partsFor(`${sealed.slice(0, -6)}AAAAA=`);
  assert.equal(broken.conversation.turns[0]?.parts[0]?.type, "tool_call");
  assert.deepEqual(told(broken.losses), ["dropped contents[0].parts[0].thoughtSignature"]);
  for (const waiver of ["skip_thought_signature_validator", "context_engineering_is_the_way_to_go"])
    assert.equal(partsFor(waiver).conversation.turns[0]?.parts[0]?.type, "tool_call");
});

test("media that others take is kept, and of the rest it is said that it is left out", () => {
  const parts = [
    { inlineData: { mimeType: "audio/mp3", data: "AAAA" } },
    { inlineData: { mimeType: "text/plain", data: Buffer.from("Grüße").toString("base64"), displayName: "a.txt" } },
    { fileData: { mimeType: "image/png", fileUri: "https://generativelanguage.googleapis.com/v1beta/files/x" } },
    { fileData: { mimeType: "video/mp4", fileUri: "https://youtu.be/x" } },
    { toolCall: { id: "1" } },
  ];
  const { conversation, losses } = decoded({ contents: [{ role: "user", parts }] });
  assert.deepEqual(conversation.turns[0]?.parts, [
    { type: "audio", source: { kind: "base64", mediaType: "audio/mpeg", data: "AAAA" } },
    { type: "document", source: { kind: "text", text: "Grüße" }, name: "a.txt" },
    {
      type: "image",
      source: { kind: "file", id: "https://generativelanguage.googleapis.com/v1beta/files/x", origin: "gemini" },
    },
  ]);
  assert.deepEqual(told(losses), ["dropped contents[0].parts[3]", "dropped contents[0].parts[4]"]);
});

test("images in a result stay in it", () => {
  const call = { role: "model", parts: [{ functionCall: { name: "look" } }] };
  const parts = [{ inlineData: { mimeType: "image/png", data: "AAAA" } }];
  const response = { role: "user", parts: [{ functionResponse: { name: "look", response: { output: "" }, parts } }] };
  const [, , results] = turnsOf([user, call, response]);
  const [result] = (results?.parts ?? []) as readonly ToolResultPart[];
  assert.deepEqual(result?.parts, [
    { type: "image", source: { kind: "base64", mediaType: "image/png", data: "AAAA" } },
  ]);
});

test("what Google ran itself is told as text", () => {
  const parts = [
    { executableCode: { language: "PYTHON", code: "print(1)\n" } },
    { codeExecutionResult: { outcome: "OUTCOME_OK", output: "1\n" } },
  ];
  const { conversation, losses } = decoded({ contents: [{ role: "model", parts }] });
  const texts = conversation.turns[0]?.parts.map((part) => (part.type === "text" ? part.text : ""));
  assert.deepEqual(texts, ["\n```python\nprint(1)\n```\n", "\n```\n1\n```\n"]);
  assert.deepEqual(told(losses), ["changed contents[0].parts[0]", "changed contents[0].parts[1]"]);
});

test("modes of calling functions become choices", () => {
  const choiceFor = (config: object) =>
    decoded({ contents: [user], toolConfig: { functionCallingConfig: config } }).conversation.toolChoice;
  assert.deepEqual(choiceFor({ mode: "any" }), { type: "any" });
  assert.deepEqual(choiceFor({ mode: "NONE" }), { type: "none" });
  assert.deepEqual(choiceFor({ mode: "ANY", allowedFunctionNames: ["a", "b"] }), {
    type: "allowed",
    names: ["a", "b"],
    required: true,
  });
  assert.deepEqual(choiceFor({ mode: "VALIDATED", allowedFunctionNames: ["a"] }), {
    type: "allowed",
    names: ["a"],
    required: false,
  });
  assert.equal(choiceFor({}), undefined);
});

test("settings that others do not have are named, and those that change nothing are not", () => {
  const generationConfig = {
    candidateCount: 1,
    responseModalities: ["TEXT"],
    responseLogprobs: true,
    logprobs: 3,
    speechConfig: {},
    mediaResolution: "MEDIA_RESOLUTION_LOW",
    thinkingConfig: { thinkingBudget: -1 },
  };
  const { losses, conversation } = decoded({ contents: [user], generationConfig, store: false, newField: 1 });
  assert.deepEqual(told(losses).toSorted(), [
    "dropped generationConfig.logprobs",
    "dropped generationConfig.responseLogprobs",
    "dropped generationConfig.speechConfig",
    "dropped newField",
    "hint generationConfig.mediaResolution",
  ]);
  assert.deepEqual(conversation.reasoning, { shown: false });
});

test("what cannot be answered for is refused in the caller's words", () => {
  const cases: readonly (readonly [JsonObject, RegExp])[] = [
    [{}, /missing_field: .*`contents`/],
    [{ contents: {} }, /`contents` must be a list/],
    [{ contents: [] }, /`contents` must have a part/],
    [{ contents: [{ role: "assistant", parts: [{ text: "a" }] }] }, /`contents\[0\]\.role` must be "user" or "model"/],
    [{ contents: [{ parts: [{ text: 5 }] }] }, /`contents\[0\]\.parts\[0\]\.text` must be a string/],
    [
      { contents: [{ parts: [{ inlineData: { mimeType: "image/png", data: "*" } }] }] },
      /parts\[0\]\.inlineData\.data` is not base64/,
    ],
    [{ contents: [user], generationConfig: { candidateCount: 2 } }, /`generationConfig\.candidateCount` must be 1/],
    [{ contents: [user], cachedContent: "cachedContents/1" }, /`cachedContent` lies at Google/],
    [
      { contents: [user], tools: [{ functionDeclarations: [{}] }] },
      /functionDeclarations\[0\]\.name` must be a string/,
    ],
    [
      { contents: [{ role: "user", parts: [{ functionCall: { name: "f" } }] }] },
      /belongs to a content of the role `model`/,
    ],
  ];
  for (const [body, expected] of cases) assert.match(refusalOf(body), expected, JSON.stringify(body));
});

test("a request whose tokens are to be counted may stand in another", () => {
  const inner = {
    model: "models/gemini-3-pro",
    contents: [user],
    systemInstruction: { parts: [{ text: "Be brief." }] },
  };
  for (const body of [{ generateContentRequest: inner }, { generate_content_request: inner }]) {
    const { conversation, losses } = decoded(body);
    assert.deepEqual(losses, []);
    assert.equal(conversation.system[0]?.text, "Be brief.");
  }
});
