import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, describe, test } from "node:test";
import { openGate, type Reply } from "../support/gateway.ts";
import { ask, type DialectId, dialectIds, minimal, modelFor, openStream, requestOf } from "./ask.ts";

/*
 * Requests that other gateways were reported to get wrong, from the caller's words to what the provider reads. The simulated
 * providers refuse what the vendors refuse. The numbers are those of the catalogue of reported bugs.
 */

const gate = await openGate();
beforeEach(() => {
  gate.simulator.clear();
  gate.simulator.play([]);
});

// What is sent is looked into as a provider would: what is not there is undefined, and the test fails.
// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;
type Wire = Readonly<Record<string, unknown>>;

function lastSent(): Loose {
  return JSON.parse(gate.simulator.requests.at(-1)?.body.toString() ?? "null");
}

/** What the provider got, which it has taken. */
async function sent(from: DialectId, to: DialectId, body: Wire, model = modelFor(to)): Promise<Loose> {
  const reply = await ask(gate, from, { model, ...body });
  assert.equal(reply.status, 200, `${from} to ${to}: ${reply.body.toString()}`);
  return lastSent();
}

function fixture(dialect: DialectId, name: string): Wire {
  const url = new URL(`../fixtures/${dialect}/requests/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, "utf8")) as Wire;
}

const others = (id: DialectId): readonly DialectId[] => dialectIds.filter((each) => each !== id);
const used = (id: string, name = "f", input: Wire = {}): Wire => ({ type: "tool_use", id, name, input });
const user = (...content: readonly unknown[]): Wire => ({ role: "user", content });
const assistant = (...content: readonly unknown[]): Wire => ({ role: "assistant", content });
const result = (id: string, more: Wire = {}): Wire => ({ type: "tool_result", tool_use_id: id, ...more });
const text = (said: string): Wire => ({ type: "text", text: said });
const png = { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" };
const hello = { role: "user", content: "hello" };
const chatCall = (id: string, name = "f", input = "{}"): Wire => ({
  id,
  type: "function",
  function: { name, arguments: input },
});

describe("what Anthropic's clients send", () => {
  for (const to of others("anthropic-messages")) {
    test(`instructions between turns, as Claude Code has them, are taken by ${to} (B22, B24)`, async () => {
      for (const name of ["claude-code-first", "claude-code-second"]) {
        const { stream: _stream, ...body } = fixture("anthropic-messages", name);
        const asked = await sent("anthropic-messages", to, { ...body, model: modelFor(to) });
        assert.ok(!("context_management" in asked) && !("output_config" in asked));
      }
    });
  }

  test("instructions between a call and its result come behind the result (B23)", async () => {
    const messages = [
      hello,
      assistant(used("t1")),
      { role: "system", content: "Be brief." },
      user(result("t1", { content: "ok" })),
    ];
    const chat = await sent("anthropic-messages", "openai-chat", { messages });
    assert.deepEqual(
      chat.messages.map((each: Wire) => each["role"]),
      ["user", "assistant", "tool", "system"],
    );
    const gemini = await sent("anthropic-messages", "gemini", { messages });
    assert.equal(gemini.contents[2].parts[0].functionResponse.name, "f");
    assert.match(gemini.contents[2].parts[1].text, /Be brief/);
  });

  test("an image in a result is shown behind all results of the turn (B28)", async () => {
    const shown = result("t1", { content: [text("see"), { type: "image", source: png }] });
    const messages = [hello, assistant(used("t1"), used("t2")), user(shown, result("t2", { content: "ok" }))];
    const chat = await sent("anthropic-messages", "openai-chat", { messages });
    assert.deepEqual(
      chat.messages.slice(2).map((each: Wire) => each["role"]),
      ["tool", "tool", "user"],
    );
    assert.match(JSON.stringify(chat.messages.at(-1)), /data:image\/png;base64,iVBORw0KGgo=/);
    const responses = await sent("anthropic-messages", "openai-responses", { messages });
    const [output] = responses.input.filter((item: Wire) => item["type"] === "function_call_output");
    assert.match(JSON.stringify(output), /input_image/);
  });

  test("results without content, empty ones and several texts are one message for each call (B30)", async () => {
    const ids = ["t1", "t2", "t3", "t4"];
    const results = [
      result("t1"),
      result("t2", { content: "" }),
      result("t3", { content: ["a", "b", "c"].map(text) }),
      result("t4", { content: "bad", is_error: true }),
    ];
    const messages = [hello, assistant(...ids.map((id) => used(id))), user(...results)];
    const { messages: told } = await sent("anthropic-messages", "openai-chat", { messages });
    const tools = told.filter((each: Wire) => each["role"] === "tool");
    assert.deepEqual(
      tools.map((each: Wire) => each["tool_call_id"]),
      ids,
    );
    assert.ok(tools.every((each: Wire) => typeof each["content"] === "string"));
    assert.match(tools[3].content, /error/i);
  });

  test("a tool of the type `custom` has an object for its schema (B31)", async () => {
    const tools = [
      { type: "custom", name: "f", input_schema: { type: "object", properties: { a: { type: "string" } } } },
    ];
    const { tools: told } = await sent("anthropic-messages", "openai-chat", { tools });
    assert.equal(told[0].function.parameters.type, "object");
  });

  test("a prompt that is too long is told in the words that Claude Code reads (B37)", async () => {
    const error = {
      message:
        "This model's maximum context length is 200000 tokens. However, your messages resulted in 250000 tokens.",
      type: "invalid_request_error",
      param: "messages",
      code: "context_length_exceeded",
    };
    gate.simulator.play([
      { script: { status: 400, body: JSON.stringify({ error }), contentType: "application/json" } },
    ]);
    const reply = await ask(gate, "anthropic-messages", { model: modelFor("openai-chat") });
    assert.equal(reply.status, 400);
    assert.equal((reply.json() as Loose).error.message, "prompt is too long: 250000 tokens > 200000 maximum");
  });

  test("a page of HTML becomes an error of the dialect, with its status and little of it (B38)", async () => {
    for (const [status, expected] of [
      [404, 404],
      [502, 502],
    ] as const) {
      const body = `<html><body>${"nothing here ".repeat(2_000)}</body></html>`;
      gate.simulator.play([{ script: { status, body, contentType: "text/html" } }]);
      const reply = await ask(gate, "anthropic-messages", { model: modelFor("openai-chat") });
      assert.equal(reply.status, expected);
      assert.equal((reply.json() as Loose).type, "error");
      assert.ok(reply.body.length < 3_000);
    }
  });

  test("thoughts of a reasoning model of OpenAI's can be read (B50)", async () => {
    const body = { thinking: { type: "adaptive", display: "summarized" }, max_tokens: 4_000 };
    const reply = await ask(gate, "anthropic-messages", { model: "sim-responses/gpt-5", ...body });
    assert.equal(lastSent().reasoning.summary, "auto");
    const [thought] = (reply.json() as Loose).content;
    assert.equal(thought.type, "thinking");
    assert.notEqual(thought.thinking, "");
    assert.notEqual(thought.signature, "");
  });

  test("reasoning is asked for as the model wants it, in one way (B25)", async () => {
    const adaptive = { thinking: { type: "adaptive" }, output_config: { effort: "high" } };
    const responses = await sent("anthropic-messages", "openai-responses", adaptive, "sim-responses/gpt-5");
    assert.equal(responses.reasoning.effort, "high");
    const budget = { max_tokens: 40_000, thinking: { type: "enabled", budget_tokens: 31_999 } };
    const gemini = await sent("anthropic-messages", "gemini", budget, "sim-gemini/gemini-3-pro-preview");
    assert.equal(gemini.generationConfig.thinkingConfig.thinkingLevel, "HIGH");
    const asked = { reasoning_effort: "high", max_completion_tokens: 30_000 };
    const old = await sent("openai-chat", "anthropic-messages", asked, "sim-anthropic/claude-haiku-4-5");
    assert.equal(old.thinking.type, "enabled");
    assert.ok(old.thinking.budget_tokens < old.max_tokens && !("output_config" in old));
    const recent = await sent("openai-chat", "anthropic-messages", asked, "sim-anthropic/claude-sonnet-5");
    assert.deepEqual([recent.thinking.type, recent.output_config], ["adaptive", { effort: "high" }]);
    const off = await sent(
      "openai-chat",
      "anthropic-messages",
      { reasoning_effort: "none" },
      "sim-anthropic/claude-sonnet-5",
    );
    assert.deepEqual([off.thinking.type, off.output_config], ["disabled", undefined]);
  });

  test("what DeepSeek thought before a call is told to it again, and nothing contradicts it (B48)", async () => {
    const model = "sim-chat/deepseek-reasoner";
    const body = {
      max_tokens: 9_000,
      thinking: { type: "adaptive" },
      tools: [{ name: "f", input_schema: { type: "object" } }],
    };
    const message = {
      role: "assistant",
      content: null,
      reasoning_content: "I must call f.",
      tool_calls: [chatCall("c1")],
    };
    const reply = JSON.stringify({ id: "c", choices: [{ message, finish_reason: "tool_calls" }] });
    gate.simulator.play([{ times: 1, script: { body: reply, contentType: "application/json" } }]);
    const first = await ask(gate, "anthropic-messages", { ...body, model, messages: [hello] });
    const { content } = first.json() as Loose;
    const messages = [hello, { role: "assistant", content }, user(result("c1", { content: "ok" }))];
    const again = await sent("anthropic-messages", "openai-chat", { ...body, messages }, model);
    assert.equal(again.messages[1].reasoning_content, "I must call f.");
    assert.ok(!("reasoning" in again));
  });

  test("a conversation that Gemini thought in goes on at Anthropic's, thinking (B49)", async () => {
    const thinking = { type: "enabled", budget_tokens: 2_000 };
    const body = { max_tokens: 8_000, thinking, tools: [{ name: "f", input_schema: { type: "object" } }] };
    gate.simulator.play([{ times: 1, script: { toolCalls: [{ name: "f", arguments: {} }] } }]);
    const first = await ask(gate, "anthropic-messages", {
      ...body,
      model: "sim-gemini/gemini-3-pro-preview",
      messages: [hello],
    });
    const { content } = first.json() as Loose;
    const [call] = content.filter((block: Wire) => block["type"] === "tool_use");
    const messages = [hello, { role: "assistant", content }, user(result(String(call.id), { content: "ok" }))];
    await sent("anthropic-messages", "anthropic-messages", { ...body, messages });
    assert.doesNotMatch(JSON.stringify(lastSent()), /"signature"/);
  });
});

describe("what chat clients send", () => {
  test("blank texts, alone and with marks, never reach a provider that refuses them (B26, B53)", async () => {
    const blank = { type: "text", text: " ", cache_control: { type: "ephemeral" } };
    const messages = [
      hello,
      { role: "assistant", content: "" },
      { role: "user", content: [blank, { type: "text", text: "" }] },
      { role: "user", content: "Well?" },
    ];
    for (const to of others("openai-chat")) await sent("openai-chat", to, { messages });
  });

  test("an answer that is begun and ends in a blank is taken (B27)", async () => {
    for (const to of others("openai-chat"))
      await sent("openai-chat", to, { messages: [hello, { role: "assistant", content: "It is \n" }] });
  });

  test("images in every spelling are what they are, and what is none is refused in words (B29)", async () => {
    const image = (url: string): Wire => ({ messages: [user({ type: "image_url", image_url: { url } })] });
    for (const type of ["image/jpg", "IMAGE/JPEG", "image/pjpeg"]) {
      const { messages } = await sent("openai-chat", "anthropic-messages", image(`data:${type};base64,AAAA`));
      assert.equal(messages[0].content[0].source.media_type, "image/jpeg");
    }
    const odd = await ask(gate, "openai-chat", {
      model: modelFor("anthropic-messages"),
      ...image("data:image/tiff;base64,AAAA"),
    });
    assert.equal(odd.status, 400);
    assert.match(odd.body.toString(), /tiff/);
  });

  test("tools without parameters, strict and closed ones are valid at Anthropic's (B32)", async () => {
    const tools = [
      { name: "a" },
      { name: "b", strict: true, parameters: { type: "object", properties: {}, additionalProperties: false } },
    ];
    const asked = await sent("openai-chat", "anthropic-messages", {
      tools: tools.map((each) => ({ type: "function", function: each })),
    });
    assert.deepEqual(
      asked.tools.map((each: Loose) => each.input_schema.type),
      ["object", "object"],
    );
  });

  test("a choice of some tools and a word on parallel calls survive (B33)", async () => {
    const tools = ["a", "b", "c"].map((name) => ({ type: "function", function: { name } }));
    const allowed = {
      type: "allowed_tools",
      allowed_tools: { mode: "required", tools: ["b", "c"].map((name) => ({ type: "function", function: { name } })) },
    };
    const asked = await sent("openai-chat", "anthropic-messages", {
      tools,
      tool_choice: allowed,
      parallel_tool_calls: false,
    });
    assert.deepEqual(
      asked.tools.map((each: Wire) => each["name"]),
      ["b", "c"],
    );
    assert.deepEqual(asked.tool_choice, { type: "any", disable_parallel_tool_use: true });
  });

  test("long names of one beginning stay apart, and come back as they were, whole and streamed (B34)", async () => {
    const names = ["one", "two"].map((end) => `mcp__server__${"x".repeat(90)}${end}`);
    const tools = names.map((name) => ({ name, input_schema: { type: "object", properties: {} } }));
    for (const to of ["openai-chat", "openai-responses", "gemini"] as const) {
      const choice = { type: "tool", name: names[1] };
      const asked = await sent("anthropic-messages", to, { tools, tool_choice: choice });
      const written = JSON.stringify(asked);
      const short = [...new Set(written.match(/mcp__server__[\w-]+/g))];
      assert.equal(short.length, 2, written);
      gate.simulator.play([{ script: { toolCalls: [{ name: short[1] ?? "", arguments: {} }] } }]);
      const model = modelFor(to);
      const whole = await ask(gate, "anthropic-messages", { model, tools });
      assert.match(whole.body.toString(), new RegExp(`"${names[1]}"`));
      const open = await openStream(gate, "anthropic-messages", { body: { model, tools } });
      await open.over;
      assert.match(open.text(), new RegExp(`"${names[1]}"`));
      gate.simulator.play([]);
    }
  });

  test("the mark of a cache on a document survives (B35)", async () => {
    const file = {
      type: "file",
      file: { filename: "a.pdf", file_data: "data:application/pdf;base64,AAAA" },
      cache_control: { type: "ephemeral" },
    };
    const asked = await sent("openai-chat", "anthropic-messages", { messages: [user(file, text("Read it."))] });
    const [document] = asked.messages[0].content;
    assert.equal(document.type, "document");
    assert.deepEqual(document.cache_control, { type: "ephemeral" });
  });

  test("a limit reaches the provider, and one that is too small is raised and told (B36)", async () => {
    for (const field of ["max_tokens", "max_completion_tokens"])
      assert.equal((await sent("openai-chat", "anthropic-messages", { [field]: 77 })).max_tokens, 77);
    const reply = await ask(gate, "openai-chat", { model: modelFor("openai-responses"), max_tokens: 5 });
    assert.equal(lastSent().max_output_tokens, 16);
    assert.match(String(reply.headers["x-portcullis-dropped"]), /max_tokens/);
  });

  test("a history with ids that Anthropic refuses is repaired, and pairs (B39, B40)", async () => {
    const ids = ["functions.Bash:0", "functions.Bash_0", "call_123", "fc_123"];
    const messages = [
      hello,
      { role: "assistant", content: null, tool_calls: ids.map((id) => chatCall(id)) },
      ...ids.map((id) => ({ role: "tool", tool_call_id: id, content: id })),
    ];
    const asked = await sent("openai-chat", "anthropic-messages", { messages });
    const called = asked.messages[1].content.map((block: Wire) => block["id"]);
    assert.equal(new Set(called).size, 4);
    for (const id of called) assert.match(id, /^[a-zA-Z0-9_-]+$/);
    assert.deepEqual(
      asked.messages[2].content.map((block: Wire) => [block["tool_use_id"], block["content"]]),
      ids.map((id, index) => [called[index], id]),
    );
  });

  test("a long id is short at Responses, and the same in the next turn (B41)", async () => {
    const id = "i".repeat(100);
    const messages = [
      hello,
      { role: "assistant", content: null, tool_calls: [chatCall(id)] },
      { role: "tool", tool_call_id: id, content: "ok" },
    ];
    const idsOf = async (more: readonly Wire[]): Promise<readonly string[]> => {
      const { input } = await sent("openai-chat", "openai-responses", { messages: [...messages, ...more] });
      return input.flatMap((item: Wire) => item["call_id"] ?? []);
    };
    const first = await idsOf([]);
    assert.equal(new Set(first).size, 1);
    assert.ok((first[0]?.length ?? 99) <= 64);
    assert.deepEqual(await idsOf([{ role: "assistant", content: "Done." }, hello]), first);
  });

  test("four results in any order are in one content at Gemini's, by their names (B52)", async () => {
    const names = ["a", "b", "c", "d"];
    const calls = names.map((name) => chatCall(`call_${name}`, name));
    const results = ["d", "b", "a", "c"].map((name) => ({
      role: "tool",
      tool_call_id: `call_${name}`,
      content: `of ${name}`,
    }));
    const { contents } = await sent("openai-chat", "gemini", {
      messages: [hello, { role: "assistant", content: null, tool_calls: calls }, ...results],
    });
    const told = contents[2].parts.map((part: Loose) => [
      part.functionResponse.name,
      part.functionResponse.response.output,
    ]);
    assert.deepEqual(
      told,
      names.map((name) => [name, `of ${name}`]),
    );
  });

  test("the schemas of others are taken by Gemini, and nothing of the stream's options comes along (B51)", async () => {
    const parameters = {
      $schema: "http://json-schema.org/draft-07/schema#",
      type: "object",
      additionalProperties: false,
      properties: {
        n: { type: "number", exclusiveMinimum: 0 },
        m: { type: "object", propertyNames: { pattern: "^a" } },
        k: { const: "x" },
        s: { type: ["string", "null"] },
        u: { allOf: [{ anyOf: [{ type: "string" }, { type: "integer" }] }] },
      },
    };
    for (const model of [modelFor("gemini"), "sim-gemini/gemini-2.0-flash", "sim-gemini/gemini-3-pro-preview"]) {
      const tools = [{ type: "function", function: { name: "f", parameters } }];
      const open = await openStream(gate, "openai-chat", {
        body: { model, tools, stream_options: { include_usage: true } },
      });
      await open.over;
      assert.equal(open.status, 200, open.text());
      assert.doesNotMatch(JSON.stringify(lastSent()), /stream_?options/i);
    }
  });

  test("Gemini's signature is found again for a client that cannot keep it, on the call that had it and no other (B43, B44)", async () => {
    const model = "sim-gemini/gemini-3-pro-preview";
    const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];
    const body = { model, tools, reasoning_effort: "high" };
    gate.simulator.play([
      {
        times: 1,
        script: {
          toolCalls: [
            { name: "f", arguments: {} },
            { name: "f", arguments: { a: 1 } },
          ],
        },
      },
    ]);
    const first = await ask(gate, "openai-chat", { ...body, messages: [hello] });
    const { tool_calls: calls } = (first.json() as Loose).choices[0].message;
    const bare = calls.map(({ id, type, function: called }: Loose) => ({ id, type, function: called }));
    const messages = [
      hello,
      { role: "assistant", content: null, tool_calls: bare },
      ...bare.map(({ id }: Loose) => ({ role: "tool", tool_call_id: id, content: "ok" })),
    ];
    const signaturesOf = (asked: Loose): readonly unknown[] =>
      asked.contents.flatMap((content: Loose) =>
        content.parts
          .filter((part: Wire) => part["functionCall"] !== undefined)
          .map((part: Wire) => part["thoughtSignature"]),
      );
    const [kept, none] = signaturesOf(await sent("openai-chat", "gemini", { ...body, messages }, model));
    assert.match(String(kept), /^[A-Za-z0-9+/]{64}$/);
    assert.equal(none, undefined);
    const { key } = await gate.createKey();
    const other = await ask(gate, "openai-chat", { ...body, messages }, { authorization: `Bearer ${key}` });
    assert.equal(other.status, 200, other.body.toString());
    assert.deepEqual(signaturesOf(lastSent()), ["skip_thought_signature_validator", undefined]);
  });
});

test("calls that come without ids have some that no other round has (B42)", async () => {
  const call = { type: "function", id: "", function: { name: "f", arguments: "{}" } };
  const body = JSON.stringify({
    id: "c",
    choices: [{ message: { role: "assistant", tool_calls: [call, call] }, finish_reason: "tool_calls" }],
  });
  gate.simulator.play([{ script: { body, contentType: "application/json" } }]);
  const ids: unknown[] = [];
  for (let round = 0; round < 2; round++) {
    const reply = await ask(gate, "anthropic-messages", { model: modelFor("openai-chat") });
    ids.push(...(reply.json() as Loose).content.map((block: Wire) => block["id"]));
  }
  assert.equal(new Set(ids).size, ids.length);
  assert.ok(ids.length >= 2);
  for (const id of ids) assert.match(String(id), /^[a-zA-Z0-9_-]+$/);
});

test("of a gateway's key and a provider's the gateway's counts, and the other goes nowhere (B57)", async () => {
  const { path, body } = requestOf("anthropic-messages", {});
  const headers = {
    ...minimal["anthropic-messages"].headers,
    "x-api-key": gate.key,
    authorization: "Bearer sk-ant-oat-of-the-callers",
  };
  const reply: Reply = await gate.post(path, body, headers);
  assert.equal(reply.status, 200, reply.body.toString());
  const { headers: told = [] } = gate.simulator.requests.at(-1) ?? {};
  assert.ok(!told.join("\n").includes("sk-ant-oat-of-the-callers") && !told.join("\n").includes(gate.key));
});
