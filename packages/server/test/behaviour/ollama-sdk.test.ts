import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { generateText, isStepCount, jsonSchema, streamText, tool } from "ai";
import { Ollama, type Message } from "ollama";
import { createOllama } from "ollama-ai-provider-v2";
import { endpoints } from "@portcullis/contract";
import { scriptHeaders, type Script } from "../../src/simulator/index.ts";
import { openGate } from "../support/gateway.ts";
import { modelFor, until } from "./ask.ts";

/*
 * Ollama's own client and one that others made of its API, with nothing changed but the host and a key, against an engine
 * that takes no other types than Ollama's.
 */

const gate = await openGate();
await gate.admin.call(endpoints.models.create, { params: { id: "sim-ollama" }, input: { name: "llama3.2:latest" } });

globalThis.AI_SDK_LOG_WARNINGS = false;

const clientFor = (key: string, script: Script = {}): Ollama =>
  new Ollama({ host: gate.url, headers: { authorization: `Bearer ${key}`, ...scriptHeaders(script) } });
const ollama = clientFor(gate.key);
const model = modelFor("ollama");
const question: Message = { role: "user", content: "What is the weather in Åre, and 为什么?" };
const weather = "-4 °C, snow";
const schema = { type: "object", properties: { city: { type: "string" } }, required: ["city"] };
const tools = [{ type: "function", function: { name: "get_weather", description: "Weather", parameters: schema } }];

/** A streamed chat, put together. */
async function streamed(client: Ollama, request: object) {
  const message: Message = { role: "assistant", content: "", thinking: "" };
  let last;
  for await (const part of await client.chat({ model, messages: [question], ...request, stream: true })) {
    message.content += part.message.content;
    message.thinking += part.message.thinking ?? "";
    if (part.message.tool_calls !== undefined) message.tool_calls = part.message.tool_calls;
    last = part;
  }
  return { message, last };
}

describe("ollama", () => {
  test("a streamed chat is the same as a whole one: text, thoughts and tool calls", async () => {
    for (const request of [{}, { think: true }, { tools }, { tools, think: true }]) {
      const whole = await ollama.chat({ model, messages: [question], ...request });
      const { message, last } = await streamed(ollama, request);
      assert.equal(message.content, whole.message.content);
      assert.equal(message.thinking, whole.message.thinking ?? "");
      const calls = (one: Message) => one.tool_calls?.map((call) => call.function);
      assert.deepEqual(calls(message), calls(whole.message));
      assert.deepEqual([last?.done, last?.done_reason], [true, "stop"]);
      assert.equal(last?.eval_count, whole.eval_count);
    }
  });

  test("a tool is called, answered and its result used", async () => {
    const first = await ollama.chat({ model, messages: [question], tools });
    const [call] = first.message.tool_calls ?? [];
    assert.deepEqual(call?.function.arguments, { city: "example" });
    const result: Message = { role: "tool", tool_name: "get_weather", content: weather };
    const messages = [question, first.message, result];
    const { message } = await streamed(ollama, { messages, tools });
    assert.ok(message.content.includes(weather));
  });

  test("a picture goes through, and text is generated, whole and streamed", async () => {
    const image = Buffer.from("no picture, but bytes").toString("base64");
    const chat = await ollama.chat({ model, messages: [{ ...question, images: [image] }] });
    assert.equal(chat.done, true);
    const prompt = "Why is the sky blue?";
    const whole = await ollama.generate({ model, prompt, options: { num_predict: 20, temperature: 0 } });
    assert.equal(whole.done_reason, "length");
    let text = "";
    for await (const part of await ollama.generate({ model, prompt, stream: true, options: { num_predict: 20 } })) {
      text += part.response ?? "";
    }
    assert.equal(text, whole.response);
  });

  test("texts are embedded", async () => {
    const { embeddings, prompt_eval_count: count } = await ollama.embed({ model, input: ["a", "b"], dimensions: 4 });
    assert.deepEqual([embeddings.length, embeddings[0]?.length, count], [2, 4, 2]);
    assert.equal((await ollama.embeddings({ model, prompt: "a" })).embedding.length, 8);
  });

  test("models are listed and described, and the version is told", async () => {
    const { models } = await ollama.list();
    assert.deepEqual(
      models.map(({ name }) => name),
      ["llama3.2:latest"],
    );
    const shown = await ollama.show({ model: "llama3.2:latest" });
    assert.deepEqual(shown.capabilities, ["completion", "tools"]);
    assert.deepEqual((await ollama.ps()).models, []);
    assert.match((await ollama.version()).version, /^\d+\.\d+\.\d+$/);
  });

  test("what manages the engine is refused in words that the client shows", async () => {
    const refused = { status_code: 403, message: /is up to whoever runs the engine/ };
    await assert.rejects(ollama.pull({ model: "m" }), refused);
    await assert.rejects(ollama.push({ model: "m" }), refused);
    await assert.rejects(ollama.create({ model: "m", from: "n" }), refused);
    await assert.rejects(ollama.copy({ source: "m", destination: "n" }), refused);
    await assert.rejects(ollama.delete({ model: "m" }), refused);
    await assert.rejects(ollama.generate({ model, prompt: "", keep_alive: 0 }), refused);
  });

  test("errors arrive as the client's own, with the status and the words", async () => {
    const chat = (client: Ollama, request: object = {}) =>
      client.chat({ model, messages: [question], ...request, stream: false });
    await assert.rejects(chat(clientFor("pc_wrong")), { name: "ResponseError", status_code: 401 });
    await assert.rejects(chat(new Ollama({ host: gate.url })), { name: "ResponseError", status_code: 401 });
    await assert.rejects(chat(ollama, { model: "nobody-has-this" }), { name: "ResponseError", status_code: 404 });
    await assert.rejects(chat(clientFor(gate.key, { status: 429, message: "word for word" })), {
      status_code: 429,
      error: "word for word",
    });
  });

  test("an error in the middle of a stream is thrown, never taken for an end", async () => {
    const failing = clientFor(gate.key, { errorAtEvent: 3, message: "out of memory" });
    await assert.rejects(streamed(failing, {}), /out of memory/);
    const broken = clientFor(gate.key, { drop: "reset", dropAtEvent: 3, writes: "event" });
    await assert.rejects(streamed(broken, {}), /sim-ollama broke off its reply/);
    const ended = clientFor(gate.key, { drop: "end", dropAtEvent: 3, writes: "event" });
    await assert.rejects(streamed(ended, {}), /Did not receive done/);
  });

  test("an abort reaches the provider", async () => {
    const slow = clientFor(gate.key, { paceMs: 50, writes: "event" });
    const stream = await slow.chat({ model, messages: [question], stream: true });
    const read = async (): Promise<void> => {
      for await (const _ of stream) stream.abort();
    };
    await assert.rejects(read(), { name: "AbortError" });
    await until("the upstream's request is aborted", () => gate.simulator.requests.at(-1)?.aborted === true);
  });
});

describe("ollama-ai-provider-v2", () => {
  const provider = createOllama({ baseURL: `${gate.url}/api`, headers: { authorization: `Bearer ${gate.key}` } });
  const getWeather = tool({
    inputSchema: jsonSchema<{ city: string }>({ ...schema, type: "object" }),
    execute: () => weather,
  });

  test("goes through a tool to the answer, whole and streamed", async () => {
    const asked = { model: provider(model), prompt: question.content, tools: { get_weather: getWeather } };
    const whole = await generateText({ ...asked, stopWhen: isStepCount(3), maxRetries: 0 });
    assert.ok(whole.text.includes(weather));
    assert.equal(whole.steps.length, 2);
    const stream = streamText({
      ...asked,
      stopWhen: isStepCount(3),
      maxRetries: 0,
      onError: ({ error }) => assert.fail(String(error)),
    });
    assert.equal(await stream.text, whole.text);
    assert.equal(await stream.finishReason, "stop");
    assert.ok(Number((await stream.totalUsage).outputTokens) > 0);
  });
});
