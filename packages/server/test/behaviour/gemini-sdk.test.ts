import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import { createGoogle } from "@ai-sdk/google";
import {
  ApiError,
  type Content,
  type GenerateContentConfig,
  GoogleGenAI,
  type GenerateContentResponse,
} from "@google/genai";
import { APICallError, embedMany, generateImage, generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import { endpoints } from "@portcullis/contract";
import { scriptHeaders, type Script } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { until } from "./ask.ts";

/* Google's own client and the AI SDK's, with nothing changed but their base URL and key. */

const gate = await openGate();
const limited = await gate.createKey({ models: ["sim-none/*"] });
await gate.admin.call(endpoints.models.create, { params: { id: "sim-gemini" }, input: { name: "gemini-house" } });
beforeEach(() => gate.simulator.clear());

globalThis.AI_SDK_LOG_WARNINGS = false;

const prompt = "What is the weather in Åre, and 为什么?";
const weather = "-4 °C, snow";
const city = { type: "object", properties: { city: { type: "string" } }, required: ["city"] } as const;

const lastUpstream = () => {
  const last = gate.simulator.requests.at(-1);
  assert.ok(last);
  return last;
};

const lastRow = async () => {
  const { data } = await gate.admin.call(endpoints.requests.list, { query: { limit: 1 } });
  assert.ok(data[0]);
  return data[0];
};

describe("@google/genai", () => {
  // Of the generation that signs its calls, and wants to see the signatures again.
  const model = "sim-gemini/gemini-3-pro";
  const clientFor = (apiKey: string, script: Script = {}, apiVersion?: string): GoogleGenAI =>
    new GoogleGenAI({
      apiKey,
      httpOptions: {
        baseUrl: gate.url,
        headers: scriptHeaders(script),
        ...(apiVersion !== undefined && { apiVersion }),
      },
    });
  const ai = clientFor(gate.key);
  const functionDeclarations = [{ name: "get_weather", description: "Weather", parametersJsonSchema: city }];
  const thoughtful: GenerateContentConfig = {
    tools: [{ functionDeclarations }],
    thinkingConfig: { includeThoughts: true },
  };
  const user: Content = { role: "user", parts: [{ text: prompt }] };

  async function gathered(stream: AsyncIterable<GenerateContentResponse>): Promise<readonly GenerateContentResponse[]> {
    const chunks: GenerateContentResponse[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  }

  const partsOf = (chunks: readonly GenerateContentResponse[]) =>
    chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);

  for (const version of [undefined, "v1beta", "v1"]) {
    test(`a streamed answer is the same as a whole one (${version ?? "its own version"})`, async () => {
      const client = clientFor(gate.key, {}, version);
      const whole = await client.models.generateContent({ model, contents: prompt });
      const chunks = await gathered(await client.models.generateContentStream({ model, contents: prompt }));
      assert.ok(chunks.length > 5 && whole.text !== undefined);
      assert.equal(chunks.map((chunk) => chunk.text ?? "").join(""), whole.text);
      assert.deepEqual(chunks.at(-1)?.usageMetadata, whole.usageMetadata);
      assert.equal(chunks.at(-1)?.candidates?.[0]?.finishReason, "STOP");
      assert.equal((await lastRow()).output_tokens, whole.usageMetadata?.candidatesTokenCount);
    });
  }

  for (const streamed of [false, true]) {
    test(`a tool is called after a thought, both go back, and the result is used (${streamed ? "streamed" : "whole"})`, async () => {
      const ask = async (contents: Content[]): Promise<readonly GenerateContentResponse[]> => {
        const asked = { model, contents, config: thoughtful };
        return streamed
          ? gathered(await ai.models.generateContentStream(asked))
          : [await ai.models.generateContent(asked)];
      };
      const parts = partsOf(await ask([user]));
      assert.ok(parts.some((part) => part.thought === true));
      const call = parts.find((part) => part.functionCall !== undefined);
      assert.deepEqual(call?.functionCall?.args, { city: "example" });
      assert.ok(call.thoughtSignature);
      const result = { functionResponse: { name: "get_weather", response: { output: weather } } };
      const second = await ask([user, { role: "model", parts }, { role: "user", parts: [result] }]);
      assert.ok(
        partsOf(second)
          .map((part) => part.text ?? "")
          .join("")
          .includes(weather),
      );
      const unsigned = parts.map(({ thoughtSignature: _signature, ...part }) => part);
      await assert.rejects(
        ask([user, { role: "model", parts: unsigned }, { role: "user", parts: [result] }]),
        /missing a thought_signature/,
      );
    });
  }

  test("a chat keeps its history, thoughts and signatures", async () => {
    const chat = ai.chats.create({ model, config: thoughtful });
    const { functionCalls } = await chat.sendMessage({ message: prompt });
    assert.equal(functionCalls?.[0]?.name, "get_weather");
    const functionResponse = { name: "get_weather", response: { output: weather } };
    const answer = await chat.sendMessage({ message: [{ functionResponse }] });
    assert.ok(answer.text?.includes(weather));
  });

  test("counts tokens, makes embeddings and images, lists models", async () => {
    assert.ok(Number((await ai.models.countTokens({ model, contents: prompt })).totalTokens) > 10);
    const embedded = await ai.models.embedContent({
      model,
      contents: ["one", "two"],
      config: { outputDimensionality: 5 },
    });
    assert.deepEqual(
      embedded.embeddings?.map(({ values }) => values?.length),
      [5, 5],
    );
    const drawn = await ai.models.generateContent({
      model,
      contents: prompt,
      config: { responseModalities: ["IMAGE"] },
    });
    assert.ok(partsOf([drawn]).some(({ inlineData }) => inlineData?.mimeType === "image/png"));
    const names: (string | undefined)[] = [];
    for await (const listed of await ai.models.list()) names.push(listed.name);
    assert.deepEqual(names, ["models/gemini-house"]);
    assert.equal((await ai.models.get({ model: "gemini-house" })).displayName, "gemini-house");
  });

  test("errors arrive as its own, with their status", async () => {
    const statusOf = async (client: GoogleGenAI, asked: object = {}): Promise<number> => {
      const error: unknown = await client.models.generateContent({ model, contents: prompt, ...asked }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof ApiError, String(error));
      return error.status;
    };
    assert.equal(await statusOf(clientFor("AIza-foreign")), 401);
    assert.equal(await statusOf(clientFor(limited.key)), 403);
    assert.equal(await statusOf(ai, { model: "nobody-has-this" }), 404);
    assert.equal(await statusOf(ai, { config: { temperature: 9 } }), 400);
    assert.equal(await statusOf(clientFor(gate.key, { status: 429 })), 429);
  });

  test("a failure in the middle of a stream is thrown", async () => {
    for (const script of [{ errorAtEvent: 4 }, { drop: "reset", dropAtEvent: 4, writes: "event" }] satisfies Script[]) {
      const client = clientFor(gate.key, script);
      const stream = await client.models.generateContentStream({ model, contents: prompt });
      await assert.rejects(gathered(stream), { name: "ApiError", message: /broke off|Overloaded/ });
    }
    const torn = clientFor(gate.key, { drop: "reset", dropAtByte: 500 });
    await assert.rejects(gathered(await torn.models.generateContentStream({ model, contents: prompt })));
  });

  test("an abort reaches the provider", async () => {
    const controller = new AbortController();
    const config = { abortSignal: controller.signal };
    const client = clientFor(gate.key, { paceMs: 50 });
    const stream = await client.models.generateContentStream({ model, contents: prompt, config });
    await assert.rejects(async () => {
      for await (const chunk of stream) if (chunk.text !== undefined) controller.abort();
    });
    await until("the upstream's request is aborted", () => lastUpstream().aborted);
  });
});

describe("@ai-sdk/google", () => {
  const google = createGoogle({ baseURL: `${gate.url}/v1beta`, apiKey: gate.key });
  const model = google("sim-gemini/gemini-3-pro");
  const getWeather = tool({
    inputSchema: jsonSchema<{ city: string }>({ ...city, required: ["city"] }),
    execute: () => weather,
  });
  const providerOptions = { google: { thinkingConfig: { includeThoughts: true } } };

  test("a streamed text is the same as a whole one, thoughts apart", async () => {
    const whole = await generateText({ model, prompt, providerOptions, maxRetries: 0 });
    const streamed = streamText({ model, prompt, providerOptions, maxRetries: 0 });
    assert.ok(whole.reasoningText);
    assert.equal(await streamed.text, whole.text);
    assert.equal(await streamed.reasoningText, whole.reasoningText);
    assert.equal(await streamed.finishReason, "stop");
    const { outputTokens } = await streamed.usage;
    assert.equal(outputTokens, whole.usage.outputTokens);
    assert.equal((await lastRow()).output_tokens, outputTokens);
  });

  test("a tool is called, answered and its result used", async () => {
    const asked = { model, prompt, tools: { get_weather: getWeather }, stopWhen: isStepCount(3), maxRetries: 0 };
    const whole = await generateText(asked);
    const streamed = streamText(asked);
    assert.ok(whole.text.includes(weather), whole.text);
    assert.equal(await streamed.text, whole.text);
    assert.equal((await streamed.steps).length, 2);
  });

  test("embeddings and images are made", async () => {
    const { embeddings } = await embedMany({
      model: google.embedding("sim-gemini/gemini-embedding-001"),
      values: ["one", "two"],
    });
    assert.deepEqual(
      embeddings.map((values) => values.length),
      [8, 8],
    );
    const { image } = await generateImage({ model: google.image("gemini-house"), prompt: "a gate" });
    assert.equal(image.mediaType, "image/png");
  });

  test("errors keep their status, and a stream that breaks off is not taken for a whole one", async () => {
    const refusedWith = async (headers: Record<string, string>): Promise<number> => {
      const error: unknown = await generateText({ model, prompt, headers, maxRetries: 0 }).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(APICallError.isInstance(error), String(error));
      return error.statusCode ?? 0;
    };
    assert.equal(await refusedWith({ "x-goog-api-key": "AIza-foreign" }), 401);
    assert.equal(await refusedWith({ "x-goog-api-key": limited.key }), 403);
    assert.equal(await refusedWith(scriptHeaders({ status: 429 })), 429);
    const errors: unknown[] = [];
    const headers = scriptHeaders({ drop: "reset", dropAtEvent: 4, writes: "event" });
    const broken = streamText({
      model,
      prompt,
      headers,
      maxRetries: 0,
      onError: ({ error }) => void errors.push(error),
    });
    const finish = await Promise.resolve(broken.finishReason).catch(() => "thrown");
    assert.notEqual(finish, "stop");
  });
});
