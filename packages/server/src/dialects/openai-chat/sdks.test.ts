import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, describe, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, jsonSchema, type LanguageModel, streamText, tool } from "ai";
import Groq from "groq-sdk";
import OpenAI from "openai";
import { noTokens } from "../../kernel/tokens.ts";
import { eventsOf } from "../canonical/collect.ts";
import type { AssistantPart, JsonObject } from "../canonical/conversation.ts";
import type { Finish, Reply } from "../canonical/reply.ts";
import { openaiChatCodec } from "./codec.ts";
import { contextWith, decoded } from "./test-parts.ts";

/* What is written for callers, read by the clients that they use. */

globalThis.AI_SDK_LOG_WARNINGS = false;

const usage = { ...noTokens, input: 25, cacheRead: 75, output: 5, reasoning: 2 };
const state = { dialect: "gemini", provider: "google", data: "sig" } as const;
const call = (id: string, given: string): AssistantPart => {
  return { type: "tool_call", id, name: "weather", kind: "function", arguments: given };
};
const cited = { type: "text", text: "Hi", citations: [{ url: "https://example.com" }] } as const;

const replies = {
  text: of([cited], { reason: "end" }),
  reasoning: of(
    [
      { type: "thinking", text: "hm", state },
      { type: "text", text: "4" },
    ],
    { reason: "end" },
  ),
  calls: of([{ type: "thinking", text: "plan", state }, call("a", '{"city":"Åre"}'), call("b", "")], {
    reason: "tool_calls",
  }),
  refusal: of([{ type: "refusal", text: "I cannot." }], { reason: "refusal" }),
  length: of([{ type: "text", text: "Once upon" }], { reason: "length" }),
} as const;

function of(parts: readonly AssistantPart[], finish: Finish): Reply {
  return { parts, finish, usage };
}

/** The last request, for what a client says of an earlier answer. */
let asked: JsonObject = {};

/** The model's name says which reply it is. */
const server = createServer((request, response) => {
  let text = "";
  request.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  request.on("end", () => {
    asked = JSON.parse(text) as JsonObject;
    const reply = replies[asked["model"] as keyof typeof replies];
    const context = contextWith({ echo: decoded(asked).echo });
    const isStream = asked["stream"] === true;
    response.writeHead(200, { "content-type": isStream ? "text/event-stream" : "application/json" });
    if (!isStream) return response.end(JSON.stringify(openaiChatCodec.encodeReply(reply, context)));
    const encoder = openaiChatCodec.createStreamEncoder(context);
    const frames = eventsOf(reply).map((event) => encoder.ping() + encoder.push(event));
    return response.end(frames.join(""));
  });
});
server.listen(0, "127.0.0.1");
await once(server, "listening");
after(() => {
  server.closeAllConnections();
  server.close();
});
const address = server.address();
assert.ok(typeof address === "object" && address !== null);
const url = `http://127.0.0.1:${address.port}`;
const messages = [{ role: "user" as const, content: "What is the weather?" }];
const options = { baseURL: `${url}/v1`, apiKey: "k" };

describe("the OpenAI SDK", () => {
  const client = new OpenAI({ ...options, maxRetries: 0 });
  const weather = { type: "function" as const, function: { name: "weather", parameters: { type: "object" } } };

  for (const [model, { parts, finish }] of Object.entries(replies)) {
    test(`takes the same from a stream and from a whole reply: ${model}`, async () => {
      const given = { model, messages, tools: [weather], stream_options: { include_usage: true } };
      const streamed = await client.chat.completions.stream(given).finalChatCompletion();
      const whole = await client.chat.completions.create({ model, messages });
      for (const { choices, usage: counts } of [streamed, whole]) {
        const [choice] = choices;
        assert.ok(choice);
        const said = parts.map((part) => (part.type === "text" ? part.text : "")).join("");
        assert.equal(choice.message.content ?? "", said);
        const calls = (choice.message.tool_calls ?? []).map(
          (each) => each.type === "function" && each.function.arguments,
        );
        assert.deepEqual(calls, model === "calls" ? ['{"city":"Åre"}', "{}"] : []);
        assert.equal(choice.message.refusal ?? "", model === "refusal" ? "I cannot." : "");
        assert.equal(
          choice.finish_reason,
          { end: "stop", refusal: "content_filter" }[finish.reason as string] ?? finish.reason,
        );
        assert.deepEqual([counts?.prompt_tokens, counts?.prompt_tokens_details?.cached_tokens], [100, 75]);
      }
    });
  }

  test("raises an error that comes in a stream", async () => {
    const encoder = openaiChatCodec.createStreamEncoder(contextWith());
    const failing = encoder.fail({ code: "upstream_broke", status: 502, message: "it broke off", requestId: "r" });
    const answer = new Response(encoder.push({ type: "start" }) + failing, {
      headers: { "content-type": "text/event-stream" },
    });
    const broken = new OpenAI({ ...options, maxRetries: 0, fetch: () => Promise.resolve(answer) });
    const stream = await broken.chat.completions.create({ model: "text", messages, stream: true });
    const read = async (): Promise<void> => {
      for await (const _ of stream);
    };
    await assert.rejects(read(), /it broke off/);
  });
});

describe("the AI SDK", () => {
  const inputSchema = jsonSchema<{ city?: string }>({ type: "object", properties: { city: { type: "string" } } });
  const tools = { weather: tool({ inputSchema, execute: () => "snow" }) };
  const compatible = createOpenAICompatible({ name: "gate", ...options, includeUsage: true });
  const official = createOpenAI(options);
  const models: Readonly<Record<string, (name: string) => LanguageModel>> = {
    "openai-compatible": (name) => compatible(name),
    openai: (name) => official.chat(name),
  };

  for (const [provider, modelOf] of Object.entries(models)) {
    test(`${provider}: text, calls and counts, streamed and whole`, async () => {
      for (const [name, { parts, finish }] of Object.entries(replies)) {
        const stream = streamText({ model: modelOf(name), messages, tools });
        const whole = await generateText({ model: modelOf(name), messages, tools });
        const isRead = (part: AssistantPart) => part.type === "text" || part.type === "refusal"; // it shows either
        const said = parts.map((part) => (isRead(part) && "text" in part ? part.text : "")).join("");
        assert.deepEqual([await stream.text, whole.text], [said, said]);
        const inputs = name === "calls" ? [{ city: "Åre" }, {}] : [];
        assert.deepEqual(
          [(await stream.toolCalls).map(({ input }) => input), whole.toolCalls.map(({ input }) => input)],
          [inputs, inputs],
        );
        const reason =
          { end: "stop", tool_calls: "tool-calls", refusal: "content-filter" }[finish.reason as string] ??
          finish.reason;
        assert.deepEqual([await stream.finishReason, whole.finishReason], [reason, reason]);
        assert.equal((await stream.usage).inputTokens, 100);
      }
    });
  }

  test("openai-compatible reads the reasoning, and gives its state back beside the call", async () => {
    const model = compatible("reasoning");
    assert.equal(await streamText({ model, messages }).reasoningText, "hm");
    assert.equal((await generateText({ model, messages })).reasoningText, "hm");
    const { response } = await generateText({ model: compatible("calls"), messages, tools });
    await generateText({ model: compatible("text"), messages: [...messages, ...response.messages], tools });
    const [, turn] = decoded(asked).conversation.turns;
    assert.deepEqual(turn?.parts, [
      { type: "thinking", text: "plan", state },
      call("a", '{"city":"Åre"}'),
      call("b", "{}"),
    ]);
  });

  test("openai cites the pages that the text names", async () => {
    const { sources } = await generateText({ model: official.chat("text"), messages });
    assert.partialDeepStrictEqual(sources, [{ sourceType: "url", url: "https://example.com" }]);
    assert.equal((await streamText({ model: official.chat("text"), messages }).sources).length, 1);
  });
});

describe("others", () => {
  test("groq-sdk reads a stream", async () => {
    const groq = new Groq({ baseURL: url, apiKey: "k", maxRetries: 0 });
    let text = "";
    for await (const chunk of await groq.chat.completions.create({ model: "length", messages, stream: true }))
      text += chunk.choices[0]?.delta.content ?? "";
    assert.equal(text, "Once upon");
  });

  test("LangChain reads calls from a stream and from a whole reply", async () => {
    const chat = new ChatOpenAI({
      model: "calls",
      apiKey: "k",
      maxRetries: 0,
      configuration: { baseURL: options.baseURL },
    });
    const whole = await chat.invoke([new HumanMessage("?")]);
    assert.deepEqual(
      whole.tool_calls?.map(({ id, args }) => [id, args]),
      [
        ["a", { city: "Åre" }],
        ["b", {}],
      ],
    );
    let all: typeof whole | undefined;
    for await (const piece of await chat.stream([new HumanMessage("?")]))
      all = all === undefined ? piece : all.concat(piece);
    assert.deepEqual(
      all?.tool_calls?.map(({ args }) => args),
      [{ city: "Åre" }, {}],
    );
  });
});
