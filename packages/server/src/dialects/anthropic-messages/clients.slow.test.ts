import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import Anthropic from "@anthropic-ai/sdk";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { noTokens } from "../../kernel/tokens.ts";
import type { AssistantPart, JsonObject } from "../canonical/conversation.ts";
import type { Finish, Reply } from "../canonical/reply.ts";
import { anthropicCodec } from "./codec.ts";
import { context, decoded, replyOf, streamOf } from "./test-parts.ts";

/* The vendor's own client and the strictest of the others read what is written here, whole and streamed. */

globalThis.AI_SDK_LOG_WARNINGS = false;

const usage = { ...noTokens, input: 25, cacheRead: 75, output: 9, reasoning: 4 };
const state = { dialect: "gemini", provider: "prov_2", data: "opaque" } as const;
const text = (words: string): AssistantPart => ({ type: "text", text: words });
const call = (id: string, city: string): AssistantPart => ({
  type: "tool_call",
  id,
  name: "weather",
  kind: "function",
  arguments: JSON.stringify({ city }),
});

const replies: Readonly<Record<string, Reply>> = {
  text: replyOf([text("Grüß "), text("Gott 👋")], { reason: "end" }, usage),
  reasoning: replyOf([{ type: "thinking", text: "Hm.", state }, text("Yes.")], { reason: "end" }, usage),
  hidden: replyOf([{ type: "thinking", text: "Hm.", state }, text("Yes.")], { reason: "end" }, usage),
  tools: replyOf([text("I look."), call("c1", "Oslo"), call("c2", "Rome")], { reason: "tool_calls" }, usage),
  refusal: replyOf([{ type: "refusal", text: "No." }], { reason: "refusal", detail: "Policy." }, usage),
  length: replyOf([text("Half a")], { reason: "length" }, usage),
  unstated: replyOf([text("12345678")], { reason: "stop_sequence", stopSequence: "END" }),
};

let server: Server;
let url: string;
let lastBody: JsonObject = {};

before(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      lastBody = JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject;
      const name = String(lastBody["model"]);
      const given = { ...context, echo: { thinking: name === "hidden" ? "omitted" : "shown" } };
      const reply = replies[name] ?? assert.fail(name);
      if (lastBody["stream"] === true) {
        response.setHeader("content-type", "text/event-stream");
        response.end(streamOf(reply, given));
      } else {
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(anthropicCodec.encodeReply(reply, given)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

after(() => {
  server.close();
  server.closeAllConnections();
});

describe("@anthropic-ai/sdk", () => {
  const send = async (model: string, streamed: boolean): Promise<Anthropic.Message> => {
    const client = new Anthropic({ baseURL: url, apiKey: "k", maxRetries: 0 });
    const body = { model, max_tokens: 100, messages: [{ role: "user" as const, content: "Hello" }] };
    return streamed ? client.messages.stream(body).finalMessage() : client.messages.create(body);
  };

  for (const model of Object.keys(replies)) {
    test(`reads a stream as it reads the whole reply: ${model}`, async () => {
      const whole = await send(model, false);
      const streamed = await send(model, true);
      assert.deepEqual(JSON.parse(JSON.stringify(streamed.content)), JSON.parse(JSON.stringify(whole.content)));
      assert.equal(streamed.stop_reason, whole.stop_reason);
      assert.deepEqual(streamed.stop_details, whole.stop_details);
      assert.deepEqual(
        [streamed.usage.input_tokens, streamed.usage.cache_read_input_tokens, streamed.usage.output_tokens],
        [whole.usage.input_tokens, whole.usage.cache_read_input_tokens, whole.usage.output_tokens],
      );
      assert.equal(streamed.id, whole.id);
    });
  }

  test("gets both calls with their own arguments (B03)", async () => {
    const { content, stop_reason: stop } = await send("tools", true);
    assert.equal(stop, "tool_use");
    assert.deepEqual(
      content.flatMap((block) => (block.type === "tool_use" ? [[block.id, block.input]] : [])),
      [
        ["c1", { city: "Oslo" }],
        ["c2", { city: "Rome" }],
      ],
    );
  });

  test("brings reasoning back as it was, seen or not (B45, B48)", async () => {
    for (const model of ["reasoning", "hidden"]) {
      const { content } = await send(model, true);
      assert.equal(content[0]?.type === "thinking" && content[0].thinking, model === "hidden" ? "" : "Hm.");
      const user = { role: "user", content: "a" };
      const { conversation } = decoded({ messages: [user, { role: "assistant", content }, user] });
      assert.deepEqual(conversation.turns[1]?.parts, replies[model]?.parts);
    }
  });
});

describe("@ai-sdk/anthropic", () => {
  const provider = (): ReturnType<typeof createAnthropic> => createAnthropic({ baseURL: `${url}/v1`, apiKey: "k" });
  const tools = {
    weather: tool({
      description: "Weather of a city.",
      inputSchema: jsonSchema<{ city: string }>({ type: "object", properties: { city: { type: "string" } } }),
      execute: ({ city }) => `${city}: -4 °C`,
    }),
  };

  interface Answer {
    readonly text: string;
    readonly reason: string;
    readonly calls: readonly unknown[];
    readonly input: number | undefined;
    readonly output: number | undefined;
    readonly reasoning: string | undefined;
  }

  const ask = async (name: string, streamed: boolean): Promise<Answer> => {
    const given = { model: provider()(name), prompt: "Hello", tools, maxRetries: 0 };
    if (!streamed) return answerOf(await generateText(given));
    const errors: unknown[] = [];
    const result = streamText({ ...given, onError: ({ error }) => void errors.push(error) });
    await result.consumeStream();
    assert.deepEqual(errors, []);
    const [words, finishReason, toolCalls, used, reasoningText] = await Promise.all([
      result.text,
      result.finishReason,
      result.toolCalls,
      result.usage,
      result.reasoningText,
    ]);
    return answerOf({ text: words, finishReason, toolCalls, usage: used, reasoningText });
  };

  const reasons: Readonly<Record<string, string>> = {
    text: "stop",
    reasoning: "stop",
    hidden: "stop",
    tools: "tool-calls",
    refusal: "content-filter",
    length: "length",
    unstated: "stop",
  };

  for (const [model, reason] of Object.entries(reasons)) {
    test(`reads a stream as it reads the whole reply: ${model}`, async () => {
      const whole = await ask(model, false);
      assert.deepEqual(await ask(model, true), whole);
      assert.equal(whole.reason, reason);
      if (model === "reasoning") assert.equal(whole.reasoning, "Hm.");
      if (model !== "unstated") assert.deepEqual([whole.input, whole.output], [100, 9]);
      assert.equal(whole.calls.length, model === "tools" ? 2 : 0);
    });
  }

  test("sends what is taken, its schema for an answer included", async () => {
    await ask("text", false);
    const { conversation, losses } = decoded(lastBody);
    assert.deepEqual(losses, []);
    assert.equal(conversation.tools[0]?.name, "weather");
  });

  function answerOf(result: {
    readonly text: string;
    readonly finishReason: string;
    readonly toolCalls: readonly { readonly toolCallId: string; readonly input: unknown }[];
    readonly usage: { readonly inputTokens: number | undefined; readonly outputTokens: number | undefined };
    readonly reasoningText: string | undefined;
  }): Answer {
    return {
      text: result.text,
      reason: result.finishReason,
      calls: result.toolCalls.map(({ toolCallId, input }) => [toolCallId, input]),
      input: result.usage.inputTokens,
      output: result.usage.outputTokens,
      reasoning: result.reasoningText,
    };
  }
});

test("every kind of end was tried", () => {
  const tried = new Set<Finish["reason"]>(Object.values(replies).map(({ finish }) => finish.reason));
  for (const reason of ["end", "tool_calls", "refusal", "length", "stop_sequence"] as const)
    assert.ok(tried.has(reason));
});
