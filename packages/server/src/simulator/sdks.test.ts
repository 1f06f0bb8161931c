import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, isStepCount, jsonSchema, type LanguageModel, streamText, tool } from "ai";
import OpenAI from "openai";
import { started } from "./test/started.ts";

// The vendors' own clients are the measure of a faithful stream: they reject what the real APIs would not send.

globalThis.AI_SDK_LOG_WARNINGS = false;

const question = "How is the weather in Åre?";
const result = "-4 °C, snow";
const schema = { type: "object" as const, properties: { city: { type: "string" as const } }, required: ["city"] };
const reported = new RegExp(result);

async function openai(t: TestContext): Promise<OpenAI> {
  return new OpenAI({ baseURL: `${(await started(t)).url}/v1`, apiKey: "sk-test", maxRetries: 0 });
}

describe("@anthropic-ai/sdk", () => {
  for (const streamed of [false, true]) {
    test(`thinks, calls a tool and reports its result (${streamed ? "streamed" : "whole"})`, async (t) => {
      const client = new Anthropic({ baseURL: (await started(t)).url, apiKey: "sk-test", maxRetries: 0 });
      const user = { role: "user" as const, content: question };
      const ask = (messages: Anthropic.MessageParam[]): Promise<Anthropic.Message> => {
        const thinking = { type: "enabled" as const, budget_tokens: 1024 };
        const body = {
          model: "m",
          max_tokens: 3000,
          thinking,
          messages,
          tools: [{ name: "get_weather", input_schema: schema }],
        };
        return streamed ? client.messages.stream(body).finalMessage() : client.messages.create(body);
      };
      const first = await ask([user]);
      assert.deepEqual(
        first.content.map((block) => block.type),
        ["thinking", "text", "tool_use"],
      );
      assert.equal(first.stop_reason, "tool_use");
      const call = first.content.find((block) => block.type === "tool_use");
      assert.deepEqual(call?.input, { city: "example" });
      const answer = { type: "tool_result" as const, tool_use_id: call.id, content: result };
      const second = await ask([
        user,
        { role: "assistant", content: first.content },
        { role: "user", content: [answer] },
      ]);
      assert.match(second.content.map((block) => (block.type === "text" ? block.text : "")).join(""), reported);
      assert.equal(second.stop_reason, "end_turn");
    });
  }

  test("counts tokens, lists models, names errors", async (t) => {
    const client = new Anthropic({ baseURL: (await started(t)).url, apiKey: "sk-test", maxRetries: 0 });
    const messages = [{ role: "user" as const, content: question }];
    assert.ok((await client.messages.countTokens({ model: "m", messages })).input_tokens > 10);
    assert.ok((await client.models.list()).data[0]?.id.startsWith("claude"));
    const headers = { "x-simulator": '{"status":529}' };
    await assert.rejects(client.messages.create({ model: "m", max_tokens: 5, messages }, { headers }), {
      status: 529,
      type: "overloaded_error",
    });
  });
});

describe("openai, Chat Completions", () => {
  for (const streamed of [false, true]) {
    test(`calls a tool and reports its result (${streamed ? "streamed" : "whole"})`, async (t) => {
      const client = await openai(t);
      const user = { role: "user" as const, content: question };
      const ask = (messages: OpenAI.ChatCompletionMessageParam[]): Promise<OpenAI.ChatCompletion> => {
        const tools = [{ type: "function" as const, function: { name: "get_weather", parameters: schema } }];
        const body = { model: "m", messages, tools };
        return streamed
          ? client.chat.completions.stream({ ...body, stream_options: { include_usage: true } }).finalChatCompletion()
          : client.chat.completions.create(body);
      };
      const first = await ask([user]);
      const [call] = first.choices[0]?.message.tool_calls ?? [];
      assert.equal(first.choices[0]?.finish_reason, "tool_calls");
      assert.ok(call?.type === "function" && first.choices[0] !== undefined);
      assert.equal(call.function.arguments, '{"city":"example"}');
      const { role, content, tool_calls = [] } = first.choices[0].message;
      const second = await ask([
        user,
        { role, content, tool_calls },
        { role: "tool", tool_call_id: call.id, content: result },
      ]);
      assert.match(second.choices[0]?.message.content ?? "", reported);
      assert.ok(Number(second.usage?.completion_tokens) > 10);
    });
  }
});

describe("openai, Responses", () => {
  for (const streamed of [false, true]) {
    test(`reasons, calls a tool and reports its result (${streamed ? "streamed" : "whole"})`, async (t) => {
      const client = await openai(t);
      const user = { role: "user" as const, content: question };
      const ask = (input: OpenAI.Responses.ResponseInput, more = {}): Promise<OpenAI.Responses.Response> => {
        const tools = [{ type: "function" as const, name: "get_weather", parameters: schema, strict: true }];
        const reasoning = { effort: "low" as const, summary: "auto" as const };
        const body = {
          model: "m",
          input,
          tools,
          reasoning,
          include: ["reasoning.encrypted_content" as const],
          ...more,
        };
        return streamed ? client.responses.stream(body).finalResponse() : client.responses.create(body);
      };
      const first = await ask([user]);
      assert.deepEqual(
        first.output.map((item) => item.type),
        ["reasoning", "message", "function_call"],
      );
      const call = first.output.find((item) => item.type === "function_call");
      assert.ok(call);
      const answer = { type: "function_call_output" as const, call_id: call.call_id, output: result };
      const own = first.output as OpenAI.Responses.ResponseInput; // these three types go both ways
      assert.match((await ask([user, ...own, answer])).output_text, reported);
      assert.match((await ask([answer], { previous_response_id: first.id })).output_text, reported);
      await assert.rejects(ask([user], { previous_response_id: first.id }), /No tool output found/);
    });
  }

  test("a failure inside a stream reaches the reader", async (t) => {
    const client = await openai(t);
    const headers = { "x-simulator": '{"error_at_event":5,"message":"broken"}' };
    const types = [];
    for await (const event of await client.responses.create({ model: "m", input: "a", stream: true }, { headers })) {
      types.push(event.type);
    }
    assert.deepEqual([types.length, types.at(-1)], [6, "response.failed"]);
  });

  test("models are listed", async (t) => {
    assert.equal((await (await openai(t)).models.list()).data[0]?.object, "model");
  });
});

describe("ai", () => {
  const models: Readonly<Record<string, (baseURL: string) => LanguageModel>> = {
    anthropic: (baseURL) => createAnthropic({ baseURL, apiKey: "sk-test" })("m"),
    chat: (baseURL) => createOpenAI({ baseURL, apiKey: "sk-test" }).chat("m"),
    responses: (baseURL) => createOpenAI({ baseURL, apiKey: "sk-test" }).responses("m"),
    compatible: (baseURL) => createOpenAICompatible({ name: "simulator", baseURL, apiKey: "sk-test" })("m"),
  };
  const tools = { get_weather: tool({ inputSchema: jsonSchema<{ city: string }>(schema), execute: () => result }) };

  for (const [name, modelAt] of Object.entries(models)) {
    test(`${name}: goes through a tool to the answer, whole and streamed`, async (t) => {
      const model = modelAt(`${(await started(t)).url}/v1`);
      const asked = { model, prompt: question, tools, stopWhen: isStepCount(3), maxRetries: 0 };
      const whole = await generateText(asked);
      assert.match(whole.text, reported);
      assert.equal(whole.steps.length, 2);
      const streamed = streamText({ ...asked, onError: ({ error }) => assert.fail(String(error)) });
      assert.equal(await streamed.text, whole.text);
      assert.equal(await streamed.finishReason, "stop");
      assert.ok(Number((await streamed.totalUsage).outputTokens ?? 1) > 0);
    });
  }
});
