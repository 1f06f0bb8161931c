import assert from "node:assert/strict";
import { test } from "node:test";
import { type Json, eventsOf, smallest, started } from "./test/started.ts";

const weather = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const question = "How is the weather?";

/** The names of events, consecutive ones of a kind once. */
function outline(names: readonly string[]): readonly string[] {
  return names.filter((name, index) => name !== names[index - 1]);
}

test("a Messages stream has thinking, text and a tool call, one block at a time", async (t) => {
  const { send } = await started(t);
  const body = {
    model: "m",
    max_tokens: 5000,
    stream: true,
    thinking: { type: "enabled", budget_tokens: 2000 },
    messages: [{ role: "user", content: question }],
    tools: [{ name: "get_weather", input_schema: weather }],
  };
  const events = eventsOf((await send({ path: smallest.messages.path, body })).text());
  const data = events.map((event) => JSON.parse(event.data) as Json);
  assert.ok(events.every((event, index) => event.name === String(data[index]?.["type"])));
  assert.deepEqual(
    outline(data.map((one) => String(one["delta"]?.["type"] ?? one["content_block"]?.["type"] ?? one["type"]))),
    [
      ["message_start"],
      ["thinking", "ping", "thinking_delta", "signature_delta", "content_block_stop"],
      ["text", "text_delta", "content_block_stop"],
      ["tool_use", "input_json_delta", "content_block_stop"],
      ["message_delta", "message_stop"],
    ].flat(),
  );
  const indexes = data.flatMap((one) => (String(one["type"]) === "content_block_start" ? [Number(one["index"])] : []));
  assert.deepEqual(indexes, [0, 1, 2]);
  const firstInput = data.find((one) => String(one["delta"]?.["type"]) === "input_json_delta");
  assert.equal(firstInput?.["delta"]?.["partial_json"], "");
  assert.equal(data.at(-2)?.["delta"]?.["stop_reason"], "tool_use");
});

test("a thought whose display is omitted is a signature alone", async (t) => {
  const { send } = await started(t);
  const body = { ...smallest.messages.body, stream: true, thinking: { type: "adaptive", display: "omitted" } };
  const text = (await send({ path: smallest.messages.path, body })).text();
  assert.ok(text.includes("signature_delta") && !text.includes("thinking_delta"));
});

test("a Chat stream gives the role first, each call's name once, and usage only when asked", async (t) => {
  const { send } = await started(t);
  const body = {
    model: "m",
    stream: true,
    messages: [{ role: "user", content: question }],
    tools: [{ type: "function", function: { name: "get_weather", parameters: weather } }],
  };
  const read = async (options: object): Promise<readonly Json[]> => {
    const events = eventsOf((await send({ path: smallest.chat.path, body: { ...body, ...options } })).text());
    assert.ok(events.every((event) => event.name === undefined));
    assert.equal(events.at(-1)?.data, "[DONE]");
    return events.slice(0, -1).map((event) => JSON.parse(event.data) as Json);
  };
  const chunks = await read({});
  const deltas = chunks.map((chunk) => chunk["choices"]?.[0]?.["delta"]);
  assert.deepEqual(
    deltas.map((delta) => delta?.["role"]),
    ["assistant", ...deltas.slice(1).map(() => undefined)],
  );
  const calls = deltas.flatMap((delta) => delta?.["tool_calls"]?.[0] ?? []);
  assert.deepEqual(
    calls.map((call) => [call["index"], call["function"]?.["name"]]),
    [[0, "get_weather"], ...calls.slice(1).map(() => [0, undefined])],
  );
  assert.equal(calls.map((call) => String(call["function"]?.["arguments"])).join(""), '{"city":"example"}');
  assert.deepEqual(
    chunks.map((chunk) => chunk["choices"]?.[0]?.["finish_reason"]).filter((reason) => reason !== null),
    ["tool_calls"],
  );
  assert.ok(chunks.every((chunk) => !("usage" in chunk) && typeof chunk["obfuscation"] === "string"));
  assert.equal(new Set(chunks.map((chunk) => chunk["id"])).size, 1);

  const withUsage = await read({ stream_options: { include_usage: true, include_obfuscation: false } });
  assert.deepEqual([withUsage.at(-1)?.["choices"], typeof withUsage.at(-1)?.["usage"]], [[], "object"]);
  assert.ok(withUsage.slice(0, -1).every((chunk) => chunk["usage"] === null && !("obfuscation" in chunk)));
});

test("a Responses stream numbers its events and opens every item and part before it fills them", async (t) => {
  const { send } = await started(t);
  const body = {
    model: "m",
    stream: true,
    input: question,
    reasoning: { effort: "low", summary: "auto" },
    include: ["reasoning.encrypted_content"],
    tools: [{ type: "function", name: "get_weather", parameters: weather }],
  };
  const events = eventsOf((await send({ path: smallest.responses.path, body })).text());
  const data = events.map((event) => JSON.parse(event.data) as Json);
  assert.deepEqual(
    data.map((one) => one["sequence_number"]),
    [...data.keys()],
  );
  assert.deepEqual(
    outline(events.map((event) => String(event.name).replace("response.", ""))),
    [
      ["created", "in_progress"],
      [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
      ],
      ["reasoning_summary_part.done", "output_item.done"],
      [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
      ],
      ["output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done"],
      ["completed"],
    ].flat(),
  );
  const done = data.filter((one) => String(one["type"]) === "response.output_item.done").map((one) => one["item"]);
  assert.deepEqual(data.at(-1)?.["response"]?.["output"], done);
});

test("a Responses answer that is cut is incomplete", async (t) => {
  const { send } = await started(t);
  const body = { ...smallest.responses.body, stream: true, max_output_tokens: 16 };
  const last = eventsOf((await send({ path: smallest.responses.path, body })).text()).at(-1);
  assert.equal(last?.name, "response.incomplete");
  assert.match(last.data, /"incomplete_details":\{"reason":"max_output_tokens"\}/);
});

test("a tool in a namespace is called in it, a custom tool with raw text", async (t) => {
  const { send } = await started(t);
  const functions = { type: "namespace", name: "functions", tools: [{ type: "custom", name: "exec" }] };
  const input = [
    { type: "additional_tools", role: "developer", tools: [functions] },
    { role: "user", content: "run echo" },
  ];
  const reply = await send({ path: smallest.responses.path, body: { model: "m", input } });
  const call = (reply.json()["output"] ?? []).find((item) => String(item["type"]) === "custom_tool_call");
  assert.deepEqual([call?.["namespace"], call?.["name"]], ["functions", "exec"]);
  assert.match(String(call?.["input"]), /tools\.exec_command/);
});

test("scripted tool calls come as they are, several in one turn", async (t) => {
  const { send } = await started(t);
  const script = {
    text: "",
    toolCalls: [
      { name: "a", arguments: { x: 1 } },
      { name: "b", arguments: '{"cut' },
    ],
  };
  const chat = (await send({ ...smallest.chat, script })).json()["choices"]?.[0];
  assert.equal(chat?.["message"]?.["content"], null);
  assert.deepEqual(
    (chat?.["message"]?.["tool_calls"] ?? []).map((call) => [
      call["function"]?.["name"],
      call["function"]?.["arguments"],
    ]),
    [
      ["a", '{"x":1}'],
      ["b", '{"cut'],
    ],
  );
  const messages = (await send({ ...smallest.messages, script })).json();
  assert.deepEqual(
    (messages["content"] ?? []).map((block) => [block["name"], block["input"]]),
    [
      ["a", { x: 1 }],
      ["b", {}],
    ],
  );
  const streamed = await send({ ...smallest.messages, body: { ...smallest.messages.body, stream: true }, script });
  assert.ok(streamed.text().includes('"partial_json":"{\\"cut"'));
});
