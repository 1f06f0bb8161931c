import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "../../kernel/errors.ts";
import type { JsonObject, Turn } from "../canonical/conversation.ts";
import { testSeal } from "../canonical/test-parts.ts";
import type { DecodedRequest } from "../codec.ts";
import { decode, request } from "./test-parts.ts";

const user = (text: string): Turn => ({ role: "user", parts: [{ type: "text", text }] });
const paths = ({ losses }: DecodedRequest) => losses.map(({ kind, path }) => `${kind} ${path}`).toSorted();
const names = ({ conversation }: DecodedRequest) => conversation.tools.map(({ kind, name }) => `${kind} ${name}`);
const asked = (more: JsonObject): DecodedRequest => decode({ model: "m", input: "hello", ...more });

function refusal(more: JsonObject): string {
  try {
    asked(more);
  } catch (error) {
    assert.ok(error instanceof AppError, String(error));
    assert.ok(error.code === "invalid_request" || error.code === "missing_field", error.code);
    return error.message;
  }
  return assert.fail("it was not refused");
}

describe("the three bodies of Codex are accepted (B54)", () => {
  test("functions, a namespace and a hosted tool", () => {
    const decoded = decode(request("codex-namespace"));
    const { conversation } = decoded;
    assert.deepEqual(names(decoded), ["function exec_command", "function multi_agent_v1__spawn_agent"]);
    assert.deepEqual(conversation.tools[1]?.within, { namespace: "multi_agent_v1", name: "spawn_agent" });
    assert.deepEqual(conversation.system, [{ type: "text", text: "You are a coding agent in a terminal." }]);
    assert.equal(conversation.turns.length, 2);
    assert.deepEqual(conversation.reasoning, { effort: "medium", shown: true });
    assert.equal(conversation.verbosity, "low");
    assert.equal(conversation.cacheKey, "0199a1b2-0000-7000-8000-000000000001");
    assert.equal(conversation.stream, true);
    assert.deepEqual(paths(decoded), ["dropped tools[2]", "hint client_metadata"]);
  });

  test("a custom tool with its grammar", () => {
    const decoded = decode(request("codex-custom"));
    assert.deepEqual(names(decoded), ["function exec_command", "custom apply_patch"]);
    assert.equal(decoded.conversation.tools[1]?.grammar?.syntax, "lark");
    assert.deepEqual(paths(decoded), ["dropped tools[2]", "dropped tools[3]", "hint client_metadata"]);
  });

  test("tools that an item brings, bare in the namespace `functions` and told apart elsewhere", () => {
    const decoded = decode(request("codex-additional-tools"));
    assert.deepEqual(names(decoded), [
      "custom exec",
      "function wait",
      "function clock__now",
      "function collaboration__wait",
    ]);
    assert.deepEqual(decoded.conversation.tools[0]?.within, { namespace: "functions", name: "exec" });
    assert.equal(decoded.conversation.tools[0]?.grammar, undefined);
    assert.equal(decoded.conversation.system.length, 1, "instructions behind the tools are still the first");
    assert.deepEqual(paths(decoded), ["hint client_metadata", "hint reasoning.context"]);
  });
});

test("a second turn keeps its reasoning, calls, outputs with images and later instructions, in order", () => {
  const decoded = decode(request("codex-second-turn"));
  const [first, thought, said, call, inner, output, shown, agent, system, last] = decoded.conversation.turns;
  assert.deepEqual(first, user("look around"));
  const state = { dialect: "openai-responses", provider: "", data: "gAAAAABnative==" };
  assert.deepEqual(thought?.parts, [{ type: "thinking", text: "**Looking**\n\n**Listing files**", state }]);
  assert.deepEqual(said, { role: "assistant", parts: [{ type: "text", text: "I look at the files." }] });
  assert.deepEqual(call?.parts, [
    { type: "tool_call", id: "call_1", name: "exec_command", kind: "function", arguments: '{"cmd": "ls",  "n": 1.0}' },
  ]);
  assert.equal(inner?.parts[0]?.type === "tool_call" && inner.parts[0].name, "multi_agent_v1__spawn_agent");
  assert.deepEqual(output?.parts, [
    {
      type: "tool_result",
      callId: "call_1",
      kind: "function",
      parts: [{ type: "text", text: "a.txt\nb.png" }],
      isError: false,
    },
  ]);
  const image = { kind: "base64", mediaType: "image/png", data: "iVBORw0KGgo=" };
  assert.deepEqual(shown?.parts[0]?.type === "tool_result" && shown.parts[0].parts, [
    { type: "text", text: "It shows this:" },
    { type: "image", source: image, detail: "high" },
  ]);
  assert.deepEqual(agent?.parts, [
    { type: "text", text: "[Message from /root/reader]" },
    { type: "text", text: "I have read it." },
  ]);
  assert.deepEqual(system, { role: "system", parts: [{ type: "text", text: "Answer in French." }] });
  assert.deepEqual(last, user("go on"));
});

describe("tools", () => {
  const tool = (name: string, more: JsonObject = {}): JsonObject => ({ type: "function", name, ...more });
  const namespace = (name: string, ...tools: JsonObject[]): JsonObject => ({ type: "namespace", name, tools });

  test("names that collide are told apart, and calls find theirs", () => {
    const decoded = asked({
      tools: [tool("wait"), namespace("functions", tool("wait")), namespace("a", tool("b")), tool("a__b")],
      input: [
        { type: "function_call", call_id: "1", name: "wait", namespace: "functions", arguments: "{}" },
        { type: "function_call", call_id: "2", name: "wait", arguments: "{}" },
        { type: "function_call", call_id: "3", name: "b", namespace: "a", arguments: "{}" },
        { type: "function_call", call_id: "4", name: "a__b", arguments: "{}" },
        { type: "function_call", call_id: "5", name: "b", arguments: "{}" },
      ],
    });
    assert.deepEqual(names(decoded), ["function wait", "function functions__wait", "function a__b", "function a__b_2"]);
    const called = decoded.conversation.turns.flatMap(({ parts }) =>
      parts.map((part) => part.type === "tool_call" && part.name),
    );
    assert.deepEqual(called, ["functions__wait", "wait", "a__b", "a__b_2", "a__b"]);
  });

  test("a tool that is told of again replaces the first, and one that a search found is in the list", () => {
    const decoded = asked({
      tools: [tool("a", { description: "old" })],
      input: [
        { type: "tool_search_call", execution: "client", call_id: "s", arguments: {} },
        { type: "tool_search_output", call_id: "s", tools: [tool("a", { description: "new" }), tool("found")] },
        { type: "function_call", call_id: "1", name: "found", namespace: "found", arguments: "{}" },
      ],
    });
    assert.deepEqual(names(decoded), ["function a", "function found"]);
    assert.equal(decoded.conversation.tools[0]?.description, "new");
    const [turn] = decoded.conversation.turns;
    assert.equal(turn?.parts[0]?.type === "tool_call" && turn.parts[0].name, "found");
    assert.deepEqual(decoded.losses, []);
  });

  test("strictness stays as it was said, and is not made up", () => {
    const { tools } = asked({
      tools: [tool("a", { strict: true }), tool("b", { strict: null }), tool("c")],
    }).conversation;
    assert.deepEqual(
      tools.map((each) => [each.strict, "strict" in each, "parameters" in each]),
      [
        [true, true, false],
        [undefined, false, false],
        [undefined, false, false],
      ],
    );
  });

  test("each tool that the provider would run is a loss, and none a refusal", () => {
    const hosted = [
      "web_search",
      "image_generation",
      "code_interpreter",
      "mcp",
      "file_search",
      "computer",
      "local_shell",
    ];
    const decoded = asked({ tools: [...hosted.map((type) => ({ type })), tool("own")] });
    assert.deepEqual(names(decoded), ["function own"]);
    assert.deepEqual(
      paths(decoded),
      hosted.map((_, index) => `dropped tools[${index}]`),
    );
  });

  test("every form of the choice is understood (B33)", () => {
    const tools = [tool("a"), namespace("ns", { type: "custom", name: "b" }), { type: "web_search" }];
    const choice = (tool_choice: unknown) => asked({ tools, tool_choice }).conversation.toolChoice;
    assert.deepEqual(choice("auto"), { type: "auto" });
    assert.deepEqual(choice("required"), { type: "any" });
    assert.deepEqual(choice("none"), { type: "none" });
    assert.deepEqual(choice({ type: "function", name: "a" }), { type: "tool", name: "a" });
    assert.deepEqual(choice({ type: "custom", name: "b", namespace: "ns" }), { type: "tool", name: "ns__b" });
    const two = [{ type: "function", name: "a" }, { type: "web_search" }];
    const allowed = { type: "allowed_tools", mode: "required", tools: two };
    assert.deepEqual(choice(allowed), { type: "allowed", names: ["a"], required: true });
    assert.deepEqual(choice({ ...allowed, tools: [{ type: "web_search" }] }), { type: "none" });
    assert.equal(choice({ type: "web_search_preview" }), undefined);
    assert.match(refusal({ tools, tool_choice: { type: "function", name: "x" } }), /`tool_choice.name` names a tool/);
  });

  test("where no tool is left, nothing is chosen", () => {
    const decoded = asked({ tools: [{ type: "web_search" }], tool_choice: "required" });
    assert.equal(decoded.conversation.toolChoice, undefined);
    assert.deepEqual(paths(decoded), ["dropped tool_choice", "dropped tools[0]"]);
    assert.deepEqual(paths(asked({ tool_choice: "auto" })), []);
  });
});

describe("reasoning", () => {
  const reasoning = (item: JsonObject) =>
    asked({
      input: [
        { role: "user", content: "a" },
        { type: "reasoning", ...item },
      ],
    });
  const parts = (item: JsonObject) => reasoning(item).conversation.turns[1]?.parts;

  test("a state of ours comes out of its envelope, and a forged one goes nowhere (B46)", () => {
    const state = { dialect: "anthropic-messages", provider: "anthropic", data: "EqMD", kind: "thinking" } as const;
    const sealed = testSeal.seal(state);
    const summary = [{ type: "summary_text", text: "Hm" }];
    assert.deepEqual(parts({ id: "rs_1", summary, encrypted_content: sealed }), [
      { type: "thinking", text: "Hm", state },
    ]);
    const at = sealed.length - 6;
    const forged = sealed.slice(0, at) + (sealed[at] === "A" ? "B" : "A") + sealed.slice(at + 1);
    assert.deepEqual(parts({ summary, encrypted_content: forged }), [{ type: "thinking", text: "Hm" }]);
    assert.deepEqual(paths(reasoning({ summary: [], encrypted_content: forged })), [
      "dropped input[1].encrypted_content",
    ]);
    const empty = testSeal.seal({ ...state, data: "" });
    assert.deepEqual(parts({ summary, encrypted_content: empty }), [{ type: "thinking", text: "Hm" }]);
  });

  test("without a state it is a thought, and without a thought a loss", () => {
    const content = [{ type: "reasoning_text", text: "So" }];
    assert.deepEqual(parts({ summary: [], content }), [{ type: "thinking", text: "So" }]);
    assert.deepEqual(paths(reasoning({ id: "rs_1", summary: [] })), ["dropped input[1]"]);
  });

  test("how much of it is asked for", () => {
    const of = (value: JsonObject) => asked({ reasoning: value }).conversation.reasoning;
    assert.deepEqual(of({ effort: "xhigh" }), { effort: "xhigh", shown: false });
    assert.deepEqual(of({ summary: "detailed" }), { shown: true });
    assert.deepEqual(of({ effort: "none", summary: null }), { effort: "none", shown: false });
    assert.equal(of({ effort: null, summary: null }), undefined);
    assert.match(refusal({ reasoning: { effort: "ultra" } }), /`reasoning.effort` must be one of none, minimal/);
  });
});

test("calls of the dialect's own tools stand in the history where they have a result", () => {
  const decoded = decode(request("served-calls"));
  const told = decoded.conversation.turns.flatMap((turn) =>
    turn.parts.map((part) => {
      if (part.type === "tool_call") return `${part.id} ${part.name} ${part.arguments}`;
      if (part.type !== "tool_result") return part.type;
      const shown = part.parts.map((each) => (each.type === "text" ? each.text : each.type)).join();
      return `${part.callId}${part.isError ? " failed" : ""}: ${shown}`;
    }),
  );
  assert.deepEqual(told, [
    "text",
    'call_shell local_shell {"type":"exec","command":["ls"],"env":{}}',
    'call_shell: {"stdout":"a"}',
    'call_sh2 shell {"commands":["pwd"],"timeout_ms":1000}',
    'call_sh2: [{"stdout":"/","stderr":"","outcome":{"type":"exit","exit_code":0}}]',
    'call_patch apply_patch {"type":"delete_file","path":"a.txt"}',
    "call_patch failed: no such file",
    'mcp_1 wiki__look_up {"word":"owl"}',
    "mcp_1: a bird",
    'ci_1 code_interpreter {"code":"print(1)"}',
    "ci_1: 1",
    'call_screen computer {"type":"screenshot"}',
    "call_screen: image",
    "text",
  ]);
  const dropped = decoded.losses.filter(({ kind }) => kind === "dropped").map(({ path }) => path);
  assert.deepEqual(dropped, ["input[1]", "input[8]", "input[13]", "input[14]"]);
});

describe("content", () => {
  const content = (...given: readonly JsonObject[]) => asked({ input: [{ role: "user", content: given }] });

  test("images and files of every form", () => {
    const parts = content(
      { type: "input_image", image_url: "data:image/JPG;base64,/9j/", detail: "auto" },
      { type: "input_image", image_url: { url: "https://example.com/a.png" }, detail: "low" },
      { type: "input_image", file_id: "file-1" },
      { type: "input_file", file_data: "JVBERi0=", filename: "a.pdf" },
      { type: "input_file", file_url: "https://example.com/a.pdf" },
      {
        type: "input_file",
        file_data: `data:text/plain;base64,${Buffer.from("Åre").toString("base64")}`,
        filename: "a.txt",
      },
      { type: "input_file", file_data: "data:image/png;base64,iVBORw==" },
      { type: "input_audio", input_audio: { data: "UklGRg==", format: "mp3" } },
    ).conversation.turns[0]?.parts;
    const base64 = (mediaType: string, data: string) => ({ kind: "base64", mediaType, data });
    assert.deepEqual(parts, [
      { type: "image", source: base64("image/jpeg", "/9j/") },
      { type: "image", source: { kind: "url", url: "https://example.com/a.png" }, detail: "low" },
      { type: "image", source: { kind: "file", id: "file-1", origin: "openai-responses" } },
      { type: "document", source: base64("application/pdf", "JVBERi0="), name: "a.pdf" },
      { type: "document", source: { kind: "url", url: "https://example.com/a.pdf" } },
      { type: "document", source: { kind: "text", text: "Åre" }, name: "a.txt" },
      { type: "image", source: base64("image/png", "iVBORw==") },
      { type: "audio", source: base64("audio/mpeg", "UklGRg==") },
    ]);
    assert.throws(() => content({ type: "input_image" }), /`input\[0\].content\[0\]` needs `image_url` or `file_id`/);
    assert.throws(() => content({ type: "input_image", image_url: "file:///etc/passwd" }), /must be a `data:` URL/);
  });

  test("cache breakpoints, citations and refusals", () => {
    const annotations = [
      { type: "url_citation", url: "https://a.example", title: "A", start_index: 0, end_index: 3 },
      { type: "file_citation", file_id: "f", filename: "x", index: 0 },
    ];
    const { turns } = asked({
      input: [
        { role: "user", content: [{ type: "input_text", text: "a", prompt_cache_breakpoint: { mode: "explicit" } }] },
        {
          role: "user",
          content: [{ type: "input_text", text: "b", prompt_cache_breakpoint: { mode: "explicit", ttl: "12h" } }],
        },
        {
          role: "assistant",
          content: [
            { type: "output_text", text: "abc", annotations },
            { type: "refusal", refusal: "No." },
          ],
        },
      ],
    }).conversation;
    assert.deepEqual(turns[0]?.parts, [{ type: "text", text: "a", cache: { ttl: "5m" } }]);
    assert.deepEqual(turns[1]?.parts, [{ type: "text", text: "b", cache: { ttl: "1h" } }]);
    const citations = [{ url: "https://a.example", title: "A", start: 0, end: 3 }];
    assert.deepEqual(turns[2]?.parts, [
      { type: "text", text: "abc", citations },
      { type: "refusal", text: "No." },
    ]);
  });

  test("a part of an unknown type is a loss", () => {
    assert.deepEqual(paths(content({ type: "input_text", text: "a" }, { type: "hologram" })), [
      "dropped input[0].content[1]",
    ]);
  });
});

describe("the settings", () => {
  test("each is where the conversation has it", () => {
    const { conversation } = asked({
      instructions: "Be brief.",
      temperature: 0.5,
      top_p: 0.9,
      max_output_tokens: 5,
      parallel_tool_calls: false,
      user: "old",
      safety_identifier: "new",
      service_tier: "fast",
      text: { format: { type: "json_object" } },
    });
    assert.deepEqual(conversation.system, [{ type: "text", text: "Be brief." }]);
    assert.deepEqual(conversation.sampling, { temperature: 0.5, topP: 0.9 });
    assert.deepEqual(
      [conversation.maxOutputTokens, conversation.parallelTools, conversation.user, conversation.speed],
      [5, false, "new", "fast"],
    );
    assert.deepEqual(conversation.output, { type: "json" });
  });

  test("the last update of an item takes the place of the request's", () => {
    const { conversation } = asked({
      reasoning: { effort: "low" },
      input: [
        { role: "user", content: "a" },
        { type: "configuration_update", reasoning: { effort: "high" }, text: { verbosity: "high" } },
      ],
    });
    assert.deepEqual(conversation.reasoning, { effort: "high", shown: false });
    assert.equal(conversation.verbosity, "high");
  });

  test("what is kept at a provider is refused, with what to do instead", () => {
    assert.match(refusal({ previous_response_id: "resp_1" }), /send the whole input with store: false/);
    assert.match(refusal({ conversation: "conv_1" }), /send the whole input with store: false/);
    assert.match(refusal({ background: true }), /`background` cannot be used/);
    assert.match(refusal({ n: 2 }), /`n` must be 1/);
    assert.match(refusal({ prompt: { id: "pmpt_1" } }), /send its text as `instructions` and `input`/);
    assert.match(refusal({ input: [{ id: "msg_1" }] }), /`input\[0\]` refers to an item/);
    assert.match(refusal({ input: [{ type: "item_reference", id: "msg_1" }] }), /send the item itself/);
    assert.equal(refusal({ input: undefined }), "the field `input` is required");
  });

  test("what is not understood is refused by its path", () => {
    assert.match(refusal({ temperature: "hot" }), /`temperature` must be a number/);
    assert.match(refusal({ max_output_tokens: 1.5 }), /`max_output_tokens` must be a whole number/);
    assert.match(refusal({ input: [{ role: "robot", content: "" }] }), /`input\[0\].role` must be/);
    assert.match(refusal({ input: [7] }), /`input\[0\]` must be an object/);
    assert.match(refusal({ tools: [{ type: "function" }] }), /`tools\[0\].name` must be a string/);
    assert.match(refusal({ text: { format: { type: "xml" } } }), /`text.format.type` must be/);
  });

  test("other fields are losses by what they would have done, and defaults are none", () => {
    const decoded = asked({
      store: true,
      truncation: "auto",
      metadata: { a: "b" },
      top_logprobs: 3,
      include: ["message.output_text.logprobs", "web_search_call.results", "reasoning.encrypted_content"],
      service_tier: "flex",
      context_management: [{ type: "compaction" }],
      brand_new: 1,
      moderation: null,
    });
    assert.deepEqual(paths(decoded), [
      "dropped brand_new",
      "dropped context_management",
      "dropped include[0]",
      "dropped top_logprobs",
      "hint include[1]",
      "hint metadata",
      "hint service_tier",
      "hint store",
      "hint truncation",
    ]);
    const silent = { store: false, truncation: "disabled", metadata: {}, top_logprobs: 0, service_tier: "auto" };
    assert.deepEqual(
      asked({ ...silent, background: false, stream_options: { include_obfuscation: false } }).losses,
      [],
    );
  });

  test("what the reply repeats is small", () => {
    const schema = { type: "object", description: "x".repeat(9_000) };
    const { echo } = asked({
      temperature: 1,
      instructions: "y".repeat(5_000),
      metadata: { a: "b" },
      text: { format: { type: "json_schema", name: "n", schema }, verbosity: "low" },
      tools: [{ type: "function", name: "t", parameters: schema }],
    });
    assert.deepEqual(echo, {
      temperature: 1,
      metadata: { a: "b" },
      text: { format: { type: "json_schema", name: "n" }, verbosity: "low" },
      store: true,
    });
    assert.equal(asked({ store: false }).echo["store"], false);
  });
});
