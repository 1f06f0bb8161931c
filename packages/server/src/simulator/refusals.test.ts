import assert from "node:assert/strict";
import { test } from "node:test";
import { sealThought } from "./reply.ts";
import { keyHeaders, smallest, started } from "./test/started.ts";

const user = { role: "user", content: "hello" };
const schema = { type: "object" };
const toolUse = { role: "assistant", content: [{ type: "tool_use", id: "toolu_1", name: "a", input: {} }] };
const toolResult = { role: "user", content: [{ type: "tool_result", tool_use_id: "toolu_1", content: "x" }] };
const system = { role: "system", content: "be brief" };
const thinking = (thought: string, signature: string) => ({
  role: "assistant",
  content: [
    { type: "thinking", thinking: thought, signature },
    { type: "text", text: "a" },
  ],
});

type Case = readonly [body: object, complaint?: RegExp | undefined, headers?: Readonly<Record<string, string>>];

const anthropicCases: readonly Case[] = [
  [{}],
  [{ messages: [user, system, toolUse, toolResult, system] }],
  [{ messages: [user, toolUse, system, toolResult] }],
  [{ messages: [user, user, thinking("t", sealThought("t"))] }],
  [
    {
      tools: [
        { name: "a", input_schema: schema },
        { type: "bash_20250124", name: "bash" },
      ],
      tool_choice: { type: "any" },
    },
  ],
  [{ context_management: {} }, undefined, { "anthropic-beta": "x,context-management-2025-06-27" }],
  [{ temperature: 1 }],
  [{ model: undefined }, /^model: Field required$/],
  [{ max_tokens: undefined }, /^max_tokens: Field required$/],
  [{ max_tokens: "5" }, /^max_tokens: /],
  [{ messages: undefined }, /^messages: Field required$/],
  [{ messages: [] }, /at least one message/],
  [{ messages: [{ role: "tool", content: "a" }] }, /^messages\.0\.role: /],
  [{ messages: [system, user] }, /top-level "system"/],
  [{ messages: [{ role: "user", content: [{ type: "text", text: " " }] }] }, /text content blocks/],
  [{ messages: [{ role: "user", content: [{ type: "image_url" }] }] }, /^messages\.0\.content\.0\.type: /],
  [{ messages: [{ role: "user", content: [{ type: "image" }] }] }, /image\.source: Field required$/],
  [{ messages: [user, { role: "assistant", content: "a " }] }, /trailing whitespace/],
  [{ messages: [user, toolUse, user] }, /^messages\.1: `tool_use` ids were found without/],
  [{ messages: [user, toolUse] }, /toolu_1/],
  [{ messages: [user, toolUse, user, toolResult] }, /^messages\.1: `tool_use` ids were found without/],
  [{ messages: [user, toolResult] }, /unexpected `tool_use_id`/],
  [
    { messages: [user, { role: "assistant", content: [{ type: "tool_use", id: "a:0", name: "a", input: {} }] }] },
    /tool_use\.id: String should match/,
  ],
  [
    { messages: [user, { role: "assistant", content: [{ type: "tool_use", id: "a", name: "a", input: "{}" }] }] },
    /valid dictionary/,
  ],
  [{ messages: [user, thinking("t", "made up")] }, /^messages\.1\.content\.0: Invalid `signature`/],
  [{ messages: [user, thinking("altered", sealThought("t"))] }, /Invalid `signature`/],
  [{ tools: [{ name: "a.b", input_schema: schema }] }, /^tools\.0\.custom\.name: /],
  [{ tools: [{ name: "a", input_schema: { type: "string" } }] }, /input_schema\.type/],
  [
    {
      tools: [
        { name: "a", input_schema: schema },
        { name: "a", input_schema: schema },
      ],
    },
    /names must be unique/,
  ],
  [{ tool_choice: { type: "auto" } }, /only be specified while providing tools/],
  [{ thinking: { type: "enabled", budget_tokens: 100 } }, /budget_tokens/],
  [{ max_tokens: 2000, thinking: { type: "enabled", budget_tokens: 2000 } }, /greater than `thinking\.budget_tokens`/],
  [{ stream_options: {} }, /^stream_options: Extra inputs are not permitted$/],
  [{ context_management: {} }, /^context_management: Extra inputs/],
  [{ temperature: 1 }, /^temperature: .*2026-10-21/, { "anthropic-version": "2026-10-21" }],
  [{}, /not a valid version/, { "anthropic-version": "2024-01-01" }],
];

const calls = {
  role: "assistant",
  tool_calls: [{ id: "c1", type: "function", function: { name: "a", arguments: "{}" } }],
};
const toolMessage = { role: "tool", tool_call_id: "c1", content: "x" };
const badCall = (change: object) => [user, { role: "assistant", tool_calls: [{ ...calls.tool_calls[0], ...change }] }];

const chatCases: readonly Case[] = [
  [{}],
  [
    {
      messages: [user, calls, toolMessage, user],
      tools: [{ type: "function", function: { name: "a", parameters: schema } }],
    },
  ],
  [{ stream: true, stream_options: { include_usage: true } }],
  [{ model: undefined }, /'model'/],
  [{ messages: undefined }, /Missing required parameter: 'messages'/],
  [{ messages: [] }, /empty array/],
  [{ messages: [{ role: "model", content: "a" }] }, /Invalid value: 'model'/],
  [{ messages: [{ role: "user", content: null }] }, /expected a string, got null/],
  [{ messages: [{ role: "user", content: [{ type: "image", source: {} }] }] }, /Invalid value: 'image'/],
  [{ messages: [user, toolMessage] }, /must be a response to a preceding message/],
  [{ messages: [user, calls, user] }, /did not have response messages: c1/],
  [{ messages: [user, calls] }, /did not have response messages: c1/],
  [{ messages: [user, calls, { ...toolMessage, tool_call_id: undefined }] }, /messages\[2\]\.tool_call_id/],
  [{ messages: badCall({ id: undefined }) }, /tool_calls\[0\]\.id/],
  [{ messages: badCall({ type: undefined }) }, /tool_calls\[0\]\.type/],
  [{ messages: badCall({ function: { name: "a", arguments: {} } }) }, /arguments': expected a string/],
  [{ tools: [{ name: "a", input_schema: schema }] }, /tools\[0\]\.type/],
  [{ tools: [{ type: "function", function: { name: "a b" } }] }, /does not match pattern/],
  [
    { tools: [{ type: "function", function: { name: "a", parameters: { type: "array" } } }] },
    /Invalid schema for function 'a'/,
  ],
  [{ tools: [] }, /Invalid 'tools': empty array/],
  [{ tool_choice: "auto" }, /only allowed when 'tools'/],
  [{ stream_options: { include_usage: true } }, /only allowed when 'stream'/],
  [{ max_tokens: 0 }, /below minimum value/],
  [{ max_tokens: 5, max_completion_tokens: 5 }, /at the same time/],
  [{ temperature: 3 }, /expected a value <= 2/],
  [{ stop: ["a", "b", "c", "d", "e"] }, /maximum length 4/],
  [{ system: "a" }, /Unknown parameter: 'system'/],
];

const functionCall = { type: "function_call", call_id: "c1", name: "a", arguments: "{}" };
const output = { type: "function_call_output", call_id: "c1", output: "x" };
const reasoning = { type: "reasoning", id: "rs_1", summary: [], encrypted_content: sealThought("t") };
const tools = { type: "namespace", name: "n", tools: [{ type: "custom", name: "exec" }] };

const responsesCases: readonly Case[] = [
  [{}],
  [{ input: [user, reasoning, functionCall, output], tools: [tools, { type: "web_search" }] }],
  [{ input: [{ type: "additional_tools", role: "developer", tools: [tools] }, user] }],
  [{ input: undefined }, /Missing required parameter: 'input'/],
  [{ input: [{ type: "tool_use" }] }, /Invalid value: 'tool_use'/],
  [{ input: [{ role: "tool", content: "a" }] }, /Invalid value: 'tool'/],
  [{ input: [{ role: "user", content: [{ type: "text", text: "a" }] }] }, /Invalid value: 'text'/],
  [{ input: [user, functionCall] }, /No tool output found for function call c1/],
  [{ input: [user, output] }, /No tool call found for function call output with call_id c1/],
  [{ input: [user, { ...functionCall, call_id: "c".repeat(65) }] }, /string too long/],
  [{ input: [user, { ...functionCall, arguments: {} }] }, /expected a string/],
  [{ input: [user, functionCall, { ...output, output: undefined }] }, /input\[2\]\.output/],
  [{ input: [user, reasoning] }, /Item 'rs_1' of type 'reasoning' was provided without its required following item/],
  [{ input: [user, reasoning, user] }, /without its required following item/],
  [{ input: [user, { ...reasoning, encrypted_content: "gAAAA" }, functionCall, output] }, /could not be verified/],
  [{ tools: [{ type: "function", function: { name: "a" } }] }, /tools\[0\]\.name/],
  [{ tools: [{ type: "exec" }] }, /Invalid value: 'exec'/],
  [{ max_output_tokens: 15 }, /Expected a value >= 16, but got 15/],
  [{ messages: [user] }, /Unknown parameter: 'messages'/],
  [{ previous_response_id: "resp_none" }, /'resp_none' not found/],
];

const apis = { messages: anthropicCases, chat: chatCases, responses: responsesCases } as const;

for (const api of ["messages", "chat", "responses"] as const) {
  test(`${api}: what the vendor refuses is refused in its words, and the rest is answered`, async (t) => {
    const { send } = await started(t);
    for (const [change, complaint, headers] of apis[api]) {
      const { path, body } = smallest[api];
      const reply = await send({ path, body: { ...body, ...change }, headers: { ...keyHeaders, ...headers } });
      const message = reply.status === 200 ? "" : String(reply.json()["error"]?.["message"]);
      const told = `${JSON.stringify(change)} → ${reply.status} ${message}`;
      assert.equal(reply.status, complaint === undefined ? 200 : 400, told);
      if (complaint !== undefined) assert.match(message, complaint, told);
    }
  });
}

test("a lenient script lets anything through", async (t) => {
  const { send } = await started(t);
  for (const { path } of Object.values(smallest)) {
    assert.equal((await send({ path, body: {}, script: { lenient: true } })).status, 200);
  }
});

test("errors have the vendor's shape", async (t) => {
  const { send } = await started(t);
  const anthropic = await send({ path: smallest.messages.path, body: {} });
  assert.deepEqual(anthropic.json(), {
    type: "error",
    error: { type: "invalid_request_error", message: "model: Field required" },
    request_id: anthropic.headers["request-id"],
  });
  const openai = await send({ path: smallest.responses.path, body: { model: "m" } });
  assert.deepEqual(openai.json(), {
    error: {
      message: "Missing required parameter: 'input'.",
      type: "invalid_request_error",
      param: "input",
      code: "missing_required_parameter",
    },
  });
  assert.match(String(openai.headers["x-request-id"]), /^req_/);
});

test("a body that is no JSON object is a 400, not a crash", async (t) => {
  const { send } = await started(t);
  for (const { path } of Object.values(smallest)) {
    for (const body of [
      "",
      "{",
      "[]",
      "null",
      '{"messages":5,"input":5,"tools":5,"thinking":5,"stream_options":5,"model":5}',
    ]) {
      assert.equal((await send({ path, body })).status, 400);
    }
  }
});
