import assert from "node:assert/strict";
import { describe, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { betaTool } from "@anthropic-ai/sdk/helpers/beta/json-schema";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, isStepCount, jsonSchema, RetryError, streamText, tool } from "ai";
import OpenAI from "openai";
import { endpoints } from "@portcullis/contract";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { modelFor, until } from "./ask.ts";

/*
 * The vendors' own clients, with nothing changed but their base URL and key. They check what they get more strictly than any
 * hand-written reader would.
 */

const gate = await openGate();
const limited = await gate.createKey({ models: ["sim-none/*"] });
await gate.admin.call(endpoints.models.create, { params: { id: "sim-anthropic" }, input: { name: "claude-test" } });
await gate.admin.call(endpoints.models.create, { params: { id: "sim-chat" }, input: { name: "gpt-test" } });

const place = { anthropic: gate.url, openai: `${gate.url}/v1` };
const anthropic = new Anthropic({ baseURL: place.anthropic, apiKey: gate.key, maxRetries: 0 });
const openai = new OpenAI({ baseURL: place.openai, apiKey: gate.key, maxRetries: 0 });

globalThis.AI_SDK_LOG_WARNINGS = false;

const prompt = "What is the weather in Åre, and 为什么?";
const weather = "-4 °C, snow";
const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;

const lastUpstream = () => {
  const last = gate.simulator.requests.at(-1);
  assert.ok(last);
  return last;
};

/** The same without the ids, which differ from reply to reply, and what the SDK itself adds to a streamed one. */
function withoutIds(value: unknown): unknown {
  const left = new Set(["id", "call_id", "parsed", "parsed_arguments"]);
  return JSON.parse(JSON.stringify(value, (name, member: unknown) => (left.has(name) ? undefined : member)));
}

function assertUpstreamAborted(): Promise<void> {
  return until("the upstream's request is aborted", () => lastUpstream().aborted);
}

describe("@anthropic-ai/sdk", () => {
  const model = modelFor("anthropic-messages");
  const base = { model, max_tokens: 3000, messages: [{ role: "user" as const, content: prompt }] };
  const tools = [
    { name: "get_weather", description: "Weather of a city", input_schema: { ...city, required: ["city"] } },
  ];

  test("a streamed message is the same as a whole one: text, thoughts and tool calls", async () => {
    const thinking = { type: "enabled" as const, budget_tokens: 1024 };
    for (const body of [base, { ...base, tools }, { ...base, thinking }, { ...base, tools, thinking }]) {
      const whole = await anthropic.messages.create(body);
      const streamed = await anthropic.messages.stream(body).finalMessage();
      assert.deepEqual(withoutIds(streamed.content), withoutIds(whole.content));
      assert.equal(streamed.stop_reason, whole.stop_reason);
      assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
      assert.equal(whole.model, "test-model");
    }
  });

  test("raw events arrive in the order the API promises", async () => {
    const types: string[] = [];
    for await (const event of await anthropic.messages.create({ ...base, stream: true })) types.push(event.type);
    assert.deepEqual([types[0], types.at(-2), types.at(-1)], ["message_start", "message_delta", "message_stop"]);
  });

  for (const streamed of [false, true]) {
    const send = (
      body: typeof base & { tools?: typeof tools; thinking?: { type: "enabled"; budget_tokens: number } },
    ) => (streamed ? anthropic.messages.stream(body).finalMessage() : anthropic.messages.create(body));
    const how = streamed ? "streamed" : "whole";

    test(`a tool is called, answered and its result used (${how})`, async () => {
      const first = await send({ ...base, tools });
      assert.equal(first.stop_reason, "tool_use");
      const call = first.content.find((block) => block.type === "tool_use");
      assert.ok(call);
      assert.equal(call.name, "get_weather");
      assert.deepEqual(Object.keys(call.input as object), ["city"]);
      const result = { type: "tool_result" as const, tool_use_id: call.id, content: weather };
      const messages = [
        ...base.messages,
        { role: "assistant" as const, content: first.content },
        { role: "user" as const, content: [result] },
      ];
      const second = await send({ ...base, tools, messages } as unknown as typeof base);
      assert.equal(second.stop_reason, "end_turn");
      assert.ok(second.content.some((block) => block.type === "text" && block.text.includes(weather)));
    });

    test(`a thought comes with its signature, and goes back with the next turn (${how})`, async () => {
      const thinking = { type: "enabled" as const, budget_tokens: 1024 };
      const first = await send({ ...base, thinking });
      const [thought, text] = first.content;
      assert.ok(thought?.type === "thinking" && thought.thinking !== "" && thought.signature !== "");
      assert.equal(text?.type, "text");
      const messages = [
        ...base.messages,
        { role: "assistant" as const, content: first.content },
        { role: "user" as const, content: "Go on." },
      ];
      // the provider refuses a signature that is not the one it gave
      const second = await send({ ...base, thinking, messages } as unknown as typeof base);
      assert.equal(second.stop_reason, "end_turn");
    });
  }

  test("the SDK's own tool runner goes all the way, whole and streamed", async () => {
    const asked: string[] = [];
    const run = ({ city: name }: { city: string }): string => {
      asked.push(name);
      return weather;
    };
    const runnable = betaTool({ name: "get_weather", description: "Weather", inputSchema: city, run });
    for (const stream of [false, true]) {
      const runner = anthropic.beta.messages.toolRunner({ ...base, tools: [runnable], stream, thread: false });
      const last = await runner.runUntilDone();
      assert.ok(last.content.some((block) => block.type === "text" && block.text.includes(weather)));
    }
    assert.equal(asked.length, 2);
  });

  test("tokens are counted", async () => {
    const { input_tokens: count } = await anthropic.messages.countTokens({ model, messages: base.messages });
    assert.ok(count > 0);
    const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
    assert.deepEqual(
      [data[0]?.route, data[0]?.input_tokens],
      ["/v1/messages/count_tokens", 0],
      "a count uses no tokens",
    );
  });

  test("models are listed, page by page", async () => {
    const ids: string[] = [];
    for await (const listed of anthropic.models.list({ limit: 1 })) ids.push(listed.id);
    assert.deepEqual(ids, ["claude-test", "sim-chat/gpt-test"]);
    const one = await anthropic.models.retrieve("claude-test");
    assert.deepEqual([one.id, one.type, one.display_name], ["claude-test", "model", "claude-test"]);
    await assert.rejects(anthropic.models.retrieve("nothing-here"), Anthropic.NotFoundError);
  });

  const status = (code: number, more: object = {}) => ({
    headers: scriptHeaders({ status: code, message: "word for word", ...more }),
  });

  test("errors arrive as the classes that programs catch", async () => {
    const stranger = new Anthropic({ baseURL: place.anthropic, apiKey: "pc_wrong", maxRetries: 0 });
    const guest = new Anthropic({ baseURL: place.anthropic, apiKey: limited.key, maxRetries: 0 });
    await assert.rejects(stranger.messages.create(base), Anthropic.AuthenticationError);
    await assert.rejects(stranger.messages.stream(base).finalMessage(), Anthropic.AuthenticationError);
    const long = { ...base, messages: [{ role: "user" as const, content: "x".repeat(8_000_000) }] };
    await assert.rejects(stranger.messages.create(long), Anthropic.AuthenticationError, "not a lost connection");
    await assert.rejects(guest.messages.create(base), Anthropic.PermissionDeniedError);
    await assert.rejects(anthropic.messages.create({ ...base, model: "nobody-has-this" }), Anthropic.NotFoundError);
    await assert.rejects(anthropic.messages.create({ ...base, max_tokens: -1 }), Anthropic.BadRequestError);
    await assert.rejects(anthropic.messages.create(base, status(401)), (error: unknown) => {
      assert.ok(error instanceof Anthropic.InternalServerError, "the caller's own key is not at fault");
      return error.status === 502;
    });
    await assert.rejects(anthropic.messages.create(base, status(529)), (error: unknown) => {
      assert.ok(error instanceof Anthropic.OverloadedError);
      assert.equal(error.type, "overloaded_error");
      return error.message.includes("word for word");
    });
    await assert.rejects(anthropic.messages.create(base, status(429, { retryAfterSeconds: 7 })), (error: unknown) => {
      assert.ok(error instanceof Anthropic.RateLimitError);
      return error.headers.get("retry-after") === "7";
    });
  });

  test("what is worth trying again is tried again, and what is not is not", async () => {
    const patient = new Anthropic({ baseURL: place.anthropic, apiKey: gate.key, maxRetries: 2 });
    for (const code of [429, 529]) {
      gate.simulator.play([{ times: 1, script: { status: code, headers: { "retry-after-ms": "20" } } }]);
      const before = gate.simulator.stats().requests;
      assert.equal((await patient.messages.create(base)).stop_reason, "end_turn");
      assert.equal(gate.simulator.stats().requests - before, 2, String(code));
    }
    gate.simulator.play([{ times: 1, script: { status: 429, headers: { "x-should-retry": "false" } } }]);
    await assert.rejects(patient.messages.create(base), Anthropic.RateLimitError);
    gate.simulator.play([]);
  });

  test("an error in the middle of a stream is thrown, never taken for an end", async () => {
    const failing = anthropic.messages.stream(base, { headers: scriptHeaders({ errorAtEvent: 4 }) });
    await assert.rejects(failing.finalMessage(), (error: unknown) => {
      assert.ok(error instanceof Anthropic.APIError);
      return error.type === "overloaded_error";
    });
    const broken = anthropic.messages.stream(base, {
      headers: scriptHeaders({ drop: "reset", dropAtEvent: 4, writes: "event" }),
    });
    await assert.rejects(broken.finalMessage(), (error: unknown) => {
      assert.ok(error instanceof Anthropic.APIError);
      return /broke off its reply/.test(error.message);
    });
  });

  test("an abort reaches the provider", async () => {
    const stream = anthropic.messages.stream(base, { headers: scriptHeaders({ paceMs: 50 }) });
    stream.once("text", () => stream.abort());
    await assert.rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
    await assertUpstreamAborted();
  });
});

describe("openai: chat completions", () => {
  const model = modelFor("openai-chat");
  const base = { model, messages: [{ role: "user" as const, content: prompt }] };
  const parameters = { ...city, required: ["city"] };
  const definition = { name: "get_weather", description: "Weather of a city", parameters };
  const tools = [{ type: "function" as const, function: definition }];

  const calls = (choice: OpenAI.ChatCompletion.Choice | undefined) =>
    choice?.message.tool_calls?.map(
      (call) => call.type === "function" && [call.function.name, call.function.arguments],
    );

  const send = (body: OpenAI.ChatCompletionCreateParamsNonStreaming, streamed: boolean) =>
    streamed
      ? openai.chat.completions.stream({ ...body, stream: true }).finalChatCompletion()
      : openai.chat.completions.create(body);

  test("a streamed completion is the same as a whole one: text and tool calls", async () => {
    for (const body of [{ ...base, tools }, base]) {
      const [whole, streamed] = [(await send(body, false)).choices[0], (await send(body, true)).choices[0]];
      assert.equal(streamed?.message.content, whole?.message.content);
      assert.deepEqual(calls(streamed), calls(whole));
      assert.equal(streamed?.finish_reason, whole?.finish_reason);
    }
    const [whole, streamed] = [await send(base, false), await send(base, true)];
    assert.ok(!streamed.usage, "counts that were not asked for do not show");
    const stream = { ...base, stream_options: { include_usage: true } };
    const counted = await openai.chat.completions.stream({ ...stream, stream: true }).finalChatCompletion();
    assert.equal(counted.usage?.completion_tokens, whole.usage?.completion_tokens);
  });

  for (const streamed of [false, true]) {
    test(`a tool is called, answered and its result used (${streamed ? "streamed" : "whole"})`, async () => {
      const first = await send({ ...base, tools }, streamed);
      const message = first.choices[0]?.message;
      const call = message?.tool_calls?.[0];
      assert.equal(first.choices[0]?.finish_reason, "tool_calls");
      assert.ok(message && call?.type === "function");
      assert.deepEqual(Object.keys(JSON.parse(call.function.arguments) as object), ["city"]);
      const result = { role: "tool" as const, tool_call_id: call.id, content: weather };
      const second = await send({ ...base, tools, messages: [...base.messages, message, result] }, streamed);
      assert.ok(second.choices[0]?.message.content?.includes(weather));
    });
  }

  test("the SDK's own tool runner goes all the way, whole and streamed", async () => {
    const runnable = {
      type: "function" as const,
      function: { ...definition, function: () => weather },
    };
    const whole = openai.chat.completions.runTools({ ...base, tools: [runnable] });
    assert.ok((await whole.finalContent())?.includes(weather));
    const streamed = openai.chat.completions.runTools({ ...base, tools: [runnable], stream: true });
    assert.ok((await streamed.finalContent())?.includes(weather));
  });

  test("models are listed and looked up", async () => {
    const ids: string[] = [];
    for await (const listed of openai.models.list()) ids.push(listed.id);
    assert.deepEqual(ids, ["sim-anthropic/claude-test", "sim-chat/gpt-test"]);
    const one = await openai.models.retrieve("gpt-test");
    assert.deepEqual([one.id, one.object, one.owned_by], ["sim-chat/gpt-test", "model", "sim-chat"]);
    await assert.rejects(openai.models.retrieve("nothing-here"), OpenAI.NotFoundError);
  });

  const scripted = (script: object) => ({ headers: scriptHeaders(script) });

  test("errors arrive as the classes that programs catch", async () => {
    const stranger = new OpenAI({ baseURL: place.openai, apiKey: "sk-foreign", maxRetries: 0 });
    const guest = new OpenAI({ baseURL: place.openai, apiKey: limited.key, maxRetries: 0 });
    const create = (client: OpenAI, body: object = {}, script?: object) =>
      client.chat.completions.create({ ...base, ...body }, script && scripted(script));
    await assert.rejects(create(stranger), (error: unknown) => {
      assert.ok(error instanceof OpenAI.AuthenticationError);
      assert.equal(typeof error.requestID, "string");
      return error.code === "invalid_api_key";
    });
    await assert.rejects(create(guest), OpenAI.PermissionDeniedError);
    await assert.rejects(create(openai, { model: "nobody-has-this" }), (error: unknown) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      return error.code === "model_not_found";
    });
    await assert.rejects(create(openai, { temperature: 9 }), (error: unknown) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      return error.param === "temperature";
    });
    await assert.rejects(create(openai, {}, { status: 429, retryAfterSeconds: 7 }), (error: unknown) => {
      assert.ok(error instanceof OpenAI.RateLimitError);
      return error.headers.get("retry-after") === "7";
    });
    await assert.rejects(create(openai, {}, { status: 401 }), OpenAI.InternalServerError);
    await assert.rejects(create(openai, {}, { status: 529 }), OpenAI.InternalServerError);
  });

  test("what is worth trying again is tried again", async () => {
    const patient = new OpenAI({ baseURL: place.openai, apiKey: gate.key, maxRetries: 1 });
    gate.simulator.play([{ times: 1, script: { status: 429, headers: { "retry-after-ms": "20" } } }]);
    const before = gate.simulator.stats().requests;
    assert.ok((await patient.chat.completions.create(base)).choices[0]);
    assert.equal(gate.simulator.stats().requests - before, 2);
    gate.simulator.play([]);
  });

  test("an error in the middle of a stream is thrown, never taken for an end", async () => {
    for (const script of [{ errorAtEvent: 4 }, { drop: "reset", dropAtEvent: 4, writes: "event" } as const]) {
      const stream = await openai.chat.completions.create({ ...base, stream: true }, scripted(script));
      await assert.rejects(async () => {
        for await (const chunk of stream) assert.equal(chunk.choices[0]?.finish_reason, null);
      }, OpenAI.APIError);
    }
  });

  test("an abort reaches the provider", async () => {
    const stream = await openai.chat.completions.create({ ...base, stream: true }, scripted({ paceMs: 50 }));
    for await (const chunk of stream) {
      assert.ok(chunk.id);
      stream.controller.abort();
    }
    await assertUpstreamAborted();
  });
});

describe("openai: responses", () => {
  const model = modelFor("openai-responses");
  const base = { model, input: [{ role: "user" as const, content: prompt }] };
  const tools = [{ type: "function" as const, name: "get_weather", parameters: city, strict: false }];

  const thoughtful = {
    ...base,
    tools,
    store: false,
    reasoning: { effort: "high" as const, summary: "auto" as const },
    include: ["reasoning.encrypted_content" as const],
  };

  type Asked = OpenAI.Responses.ResponseCreateParamsNonStreaming;
  const send = (body: Asked, streamed: boolean): Promise<OpenAI.Responses.Response> =>
    streamed ? openai.responses.stream({ ...body, stream: true }).finalResponse() : openai.responses.create(body);

  test("a streamed response is the same as a whole one: text, thoughts and tool calls", async () => {
    for (const body of [base, thoughtful]) {
      const [whole, streamed] = [await send(body, false), await send(body, true)];
      assert.equal(whole.status, "completed");
      assert.ok(whole.output_text.length > 0);
      assert.equal(streamed.output_text, whole.output_text);
      assert.deepEqual(withoutIds(streamed.output), withoutIds(whole.output));
      assert.equal(streamed.usage?.output_tokens, whole.usage?.output_tokens);
    }
  });

  for (const streamed of [false, true]) {
    test(`a tool is called after a thought, both go back, and the result is used (${streamed ? "streamed" : "whole"})`, async () => {
      const first = await send(thoughtful, streamed);
      const thought = first.output.find((item) => item.type === "reasoning");
      assert.ok(thought?.encrypted_content);
      const call = first.output.find((item) => item.type === "function_call");
      assert.ok(call);
      assert.deepEqual(Object.keys(JSON.parse(call.arguments) as object), ["city"]);
      const result = { type: "function_call_output" as const, call_id: call.call_id, output: weather };
      const input = [...base.input, ...(first.output as OpenAI.Responses.ResponseInput), result];
      const second = await send({ ...thoughtful, input }, streamed);
      assert.ok(second.output_text.includes(weather));
    });
  }

  test("a conversation goes on by the id of its last response", async () => {
    const first = await openai.responses.create(base);
    const second = await openai.responses.create({ model, input: "And now?", previous_response_id: first.id });
    assert.equal(second.previous_response_id, first.id);
  });

  test("errors arrive as the classes that programs catch", async () => {
    const stranger = new OpenAI({ baseURL: place.openai, apiKey: "sk-foreign", maxRetries: 0 });
    await assert.rejects(stranger.responses.create(base), OpenAI.AuthenticationError);
    await assert.rejects(openai.responses.create({ ...base, model: "nobody-has-this" }), OpenAI.NotFoundError);
    await assert.rejects(openai.responses.create({ ...base, temperature: 9 }), OpenAI.BadRequestError);
  });

  test("a failure in the middle of a stream is told as a failed response", async () => {
    for (const script of [{ errorAtEvent: 6 }, { drop: "reset", dropAtEvent: 6, writes: "event" } as const]) {
      const types: string[] = [];
      const stream = await openai.responses.create({ ...base, stream: true }, { headers: scriptHeaders(script) });
      try {
        for await (const event of stream) types.push(event.type);
      } catch (error) {
        assert.ok(error instanceof OpenAI.APIError);
        types.push("thrown");
      }
      assert.match(types.at(-1) ?? "", /^(response\.failed|error|thrown)$/);
      assert.ok(!types.includes("response.completed"));
    }
  });

  test("an abort reaches the provider", async () => {
    const stream = openai.responses.stream(base, { headers: scriptHeaders({ paceMs: 50 }) });
    stream.on("response.output_text.delta", () => stream.abort());
    await assert.rejects(stream.finalResponse(), OpenAI.APIUserAbortError);
    await assertUpstreamAborted();
  });
});

describe("ai", () => {
  const settings = { baseURL: place.openai, apiKey: gate.key };
  const openaiProvider = createOpenAI(settings);
  const models = {
    "@ai-sdk/anthropic": createAnthropic(settings)(modelFor("anthropic-messages")),
    "@ai-sdk/openai, chat": openaiProvider.chat(modelFor("openai-chat")),
    "@ai-sdk/openai, responses": openaiProvider.responses(modelFor("openai-responses")),
    "@ai-sdk/openai-compatible": createOpenAICompatible({ ...settings, name: "gateway", includeUsage: true }).chatModel(
      modelFor("openai-chat"),
    ),
  };
  const getWeather = tool({
    description: "Weather of a city",
    inputSchema: jsonSchema<{ city: string }>({ ...city, required: ["city"] }),
    execute: () => weather,
  });

  for (const [name, model] of Object.entries(models)) {
    test(`a streamed text is the same as a whole one (${name})`, async () => {
      const whole = await generateText({ model, prompt, maxRetries: 0 });
      const streamed = streamText({ model, prompt, maxRetries: 0 });
      assert.equal(await streamed.text, whole.text);
      assert.equal(await streamed.finishReason, "stop");
      assert.equal((await streamed.usage).outputTokens, whole.usage.outputTokens);
    });

    test(`a tool is called, answered and its result used (${name})`, async () => {
      const asked = { model, prompt, tools: { get_weather: getWeather }, stopWhen: isStepCount(3), maxRetries: 0 };
      const whole = await generateText(asked);
      const streamed = streamText(asked);
      assert.ok(whole.text.includes(weather), whole.text);
      assert.equal(await streamed.text, whole.text);
      assert.equal((await streamed.steps).length, 2);
    });

    test(`errors keep their status, and only some are tried again (${name})`, async () => {
      const refusedWith = async (headers: Record<string, string>, maxRetries = 0): Promise<number> => {
        const error: unknown = await generateText({ model, prompt, headers, maxRetries }).then(
          () => undefined,
          (reason: unknown) => reason,
        );
        const last = RetryError.isInstance(error) ? error.lastError : error;
        assert.ok(APICallError.isInstance(last), String(last));
        return last.statusCode ?? 0;
      };
      assert.equal(await refusedWith({ authorization: "Bearer sk-foreign", "x-api-key": "sk-foreign" }), 401);
      assert.equal(await refusedWith({ authorization: `Bearer ${limited.key}`, "x-api-key": limited.key }), 403);
      assert.equal(await refusedWith(scriptHeaders({ status: 429 })), 429);
      gate.simulator.play([{ times: 1, script: { status: 529, headers: { "retry-after-ms": "20" } } }]);
      const before = gate.simulator.stats().requests;
      assert.ok((await generateText({ model, prompt, maxRetries: 1 })).text);
      assert.equal(gate.simulator.stats().requests - before, 2);
      gate.simulator.play([]);
    });

    test(`an abort reaches the provider (${name})`, async () => {
      const controller = new AbortController();
      const headers = scriptHeaders({ paceMs: 50 });
      const streamed = streamText({ model, prompt, headers, abortSignal: controller.signal, maxRetries: 0 });
      for await (const delta of streamed.textStream) if (delta !== "") controller.abort();
      await assertUpstreamAborted();
    });
  }

  test("a thought is told apart from the text (@ai-sdk/anthropic)", async () => {
    const providerOptions = { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } };
    const model = models["@ai-sdk/anthropic"];
    const whole = await generateText({ model, prompt, providerOptions, maxRetries: 0 });
    const streamed = streamText({ model, prompt, providerOptions, maxRetries: 0 });
    assert.ok(whole.reasoningText);
    assert.equal(await streamed.reasoningText, whole.reasoningText);
    assert.equal(await streamed.text, whole.text);
  });
});
