import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createGroq } from "@ai-sdk/groq";
import { ChatAnthropic } from "@langchain/anthropic";
import type { BaseChatModel } from "@langchain/core/language_models/chat_models";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { ChatOllama, OllamaEmbeddings } from "@langchain/ollama";
import { ChatOpenAI, OpenAIEmbeddings } from "@langchain/openai";
import { generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import Groq from "groq-sdk";
import { endpoints } from "@portcullis/contract";
import { scriptHeaders } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { modelFor } from "./ask.ts";

/* Clients that speak the dialects of others: each as its users set it up, with another address and another key. */

const gate = await openGate();
await gate.admin.call(endpoints.models.create, { params: { id: "sim-gemini" }, input: { name: "gemini-test" } });

globalThis.AI_SDK_LOG_WARNINGS = false;

const prompt = "What is the weather in Åre, and 为什么?";
const weather = "-4 °C, snow";
const schema = { type: "object" as const, properties: { city: { type: "string" as const } }, required: ["city"] };

const lastRow = async () => {
  const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
  assert.ok(data[0]);
  return data[0];
};

describe("groq-sdk", () => {
  // It puts `/openai/v1` behind its base URL by itself.
  const groq = new Groq({ baseURL: gate.url, apiKey: gate.key, maxRetries: 0 });
  const model = modelFor("openai-chat");
  const messages = [{ role: "user" as const, content: prompt }];

  test("chats, whole and streamed, and calls a tool", async () => {
    const whole = await groq.chat.completions.create({ model, messages });
    let text = "";
    for await (const chunk of await groq.chat.completions.create({ model, messages, stream: true })) {
      text += chunk.choices[0]?.delta.content ?? "";
    }
    assert.equal(text, whole.choices[0]?.message.content);
    const definition = { name: "get_weather", parameters: schema };
    const called = await groq.chat.completions.create({
      model,
      messages,
      tools: [{ type: "function", function: definition }],
    });
    assert.deepEqual(called.choices[0]?.message.tool_calls?.[0]?.function, {
      name: "get_weather",
      arguments: '{"city":"example"}',
    });
    assert.partialDeepStrictEqual(await lastRow(), { route: "/v1/chat/completions", outcome: "ok" });
  });

  test("transcribes a recording, and lists models", async () => {
    const file = new File([Buffer.alloc(4000, 7)], "speech.wav", { type: "audio/wav" });
    const { text } = await groq.audio.transcriptions.create({ file, model });
    assert.ok(text.length > 0);
    assert.equal((await lastRow()).route, "/v1/audio/transcriptions");
    assert.equal((await groq.models.list()).object, "list");
  });

  test("errors arrive as the classes that programs catch", async () => {
    const stranger = new Groq({ baseURL: gate.url, apiKey: "gsk_foreign", maxRetries: 0 });
    await assert.rejects(stranger.chat.completions.create({ model, messages }), Groq.AuthenticationError);
    const limited = groq.chat.completions.create({ model, messages }, { headers: scriptHeaders({ status: 429 }) });
    await assert.rejects(limited, Groq.RateLimitError);
    const failing = await groq.chat.completions.create(
      { model, messages, stream: true },
      { headers: scriptHeaders({ errorAtEvent: 3, message: "word for word" }) },
    );
    const read = async (): Promise<void> => {
      for await (const _ of failing);
    };
    await assert.rejects(read(), /word for word/);
  });
});

/** What LangChain took over of the counts. */
function outputTokensOf({
  usage_metadata: counts,
}: {
  readonly usage_metadata?: { readonly output_tokens: number } | undefined;
}) {
  return counts?.output_tokens;
}

describe("LangChain", () => {
  const { url, key: apiKey } = gate;
  const quiet = { apiKey, maxRetries: 0 };
  const openai = { ...quiet, model: "", configuration: { baseURL: `${url}/v1` } };
  const models: Readonly<Record<string, () => BaseChatModel>> = {
    "ChatOpenAI, Chat Completions": () => new ChatOpenAI({ ...openai, model: modelFor("openai-chat") }),
    "ChatOpenAI, Responses": () =>
      new ChatOpenAI({ ...openai, model: modelFor("openai-responses"), useResponsesApi: true }),
    ChatAnthropic: () =>
      new ChatAnthropic({ ...quiet, model: modelFor("anthropic-messages"), anthropicApiUrl: url, maxTokens: 500 }),
    // To it, a name with a slash is a whole path, so it takes bare names only.
    ChatGoogleGenerativeAI: () => new ChatGoogleGenerativeAI({ ...quiet, model: "gemini-test", baseUrl: url }),
    ChatOllama: () =>
      new ChatOllama({
        model: modelFor("ollama"),
        baseUrl: url,
        maxRetries: 0,
        headers: { authorization: `Bearer ${apiKey}` },
      }),
  };

  for (const [name, create] of Object.entries(models)) {
    test(`${name}: whole and streamed say the same, with counts`, async () => {
      const model = create();
      const whole = await model.invoke(prompt);
      assert.ok(whole.text.length > 20);
      const row = await lastRow();
      assert.deepEqual([row.outcome, row.usage_source], ["ok", "reported"]);
      assert.equal(outputTokensOf(whole), row.output_tokens);
      let text = "";
      for await (const chunk of await model.stream(prompt)) text += chunk.text;
      assert.equal(text, whole.text);
      const streamed = await lastRow();
      assert.deepEqual([streamed.outcome, streamed.output_tokens], ["ok", row.output_tokens]);
    });

    test(`${name}: a tool is called, answered and its result used`, async () => {
      const definition = {
        type: "function",
        function: { name: "get_weather", description: "Weather", parameters: schema },
      };
      const model = create().bindTools?.([definition]);
      assert.ok(model);
      const question = new HumanMessage(prompt);
      const first = await model.invoke([question]);
      const [call] = first.tool_calls ?? [];
      assert.equal(call?.name, "get_weather");
      assert.deepEqual(call.args, { city: "example" });
      const result = new ToolMessage({ content: weather, tool_call_id: call.id ?? "", name: call.name });
      const second = await model.invoke([question, first, result]);
      assert.ok(second.text.includes(weather), second.text);
    });
  }

  test("texts are embedded, at OpenAI's address and at Ollama's", async () => {
    const embeddings = [
      new OpenAIEmbeddings({ ...openai, model: modelFor("openai-chat") }),
      new OllamaEmbeddings({
        model: modelFor("ollama"),
        baseUrl: url,
        headers: { authorization: `Bearer ${apiKey}` },
      }),
    ];
    for (const one of embeddings) {
      const vectors = await one.embedDocuments(["a", "b"]);
      assert.equal(vectors.length, 2);
      assert.ok((vectors[0]?.length ?? 0) > 0);
    }
  });

  test("an unknown model is an error that says so", async () => {
    const model = new ChatOpenAI({ ...openai, model: "nobody-has-this" });
    await assert.rejects(model.invoke(prompt), /no provider here serves the model `nobody-has-this`/);
  });
});

describe("@ai-sdk/groq", () => {
  test("goes through a tool to the answer, whole and streamed", async () => {
    const provider = createGroq({ baseURL: `${gate.url}/groq/openai/v1`, apiKey: gate.key });
    const getWeather = tool({ inputSchema: jsonSchema<{ city: string }>(schema), execute: () => weather });
    const asked = {
      model: provider(modelFor("openai-chat")),
      prompt,
      tools: { get_weather: getWeather },
      maxRetries: 0,
    };
    const whole = await generateText({ ...asked, stopWhen: isStepCount(3) });
    assert.ok(whole.text.includes(weather));
    const stream = streamText({
      ...asked,
      stopWhen: isStepCount(3),
      onError: ({ error }) => assert.fail(String(error)),
    });
    assert.equal(await stream.text, whole.text);
  });
});
