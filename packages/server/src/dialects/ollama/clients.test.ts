import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { HumanMessage } from "@langchain/core/messages";
import { ChatOllama } from "@langchain/ollama";
import { jsonSchema, streamText, tool } from "ai";
import { Ollama, type Message } from "ollama";
import { createOllama } from "ollama-ai-provider-v2";
import { noTokens } from "../../kernel/tokens.ts";
import { eventsOf } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply } from "../canonical/reply.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { decodeRequest } from "./decode-request.ts";
import { encodeReply } from "./encode-reply.ts";
import { createStreamEncoder } from "./encode-stream.ts";
import { replyContext } from "./test-parts.ts";

/* Ollama's own client, and those that others made of its API, against what is written here for them. */

globalThis.AI_SDK_LOG_WARNINGS = false;

const usage = { ...noTokens, input: 12, output: 5 };
const call = (id: string, city: string) =>
  ({ type: "tool_call", id, name: "weather", kind: "function", arguments: JSON.stringify({ city }) }) as const;
const replies = {
  text: {
    parts: [
      { type: "text", text: "Grüße aus " },
      { type: "text", text: "Åre" },
    ],
    finish: { reason: "end" },
    usage,
  },
  thoughts: {
    parts: [
      { type: "thinking", text: "Hm, hm." },
      { type: "text", text: "Yes" },
    ],
    finish: { reason: "end" },
    usage,
  },
  calls: {
    parts: [{ type: "text", text: "I look" }, call("call_1", "Åre"), call("call_2", "Rom")],
    finish: { reason: "tool_calls" },
    usage,
  },
  refusal: { parts: [], finish: { reason: "refusal", detail: "Not that." }, usage },
  length: { parts: [{ type: "text", text: "Once" }], finish: { reason: "length" }, usage: undefined },
} as const satisfies Record<string, Reply>;

let answer: Reply = replies.text;
let breaks = false;
let seen: readonly string[] = [];

/** Answers as the gateway would, with pings between, and in pieces. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as JsonObject;
    const path = request.url ?? "";
    const stream = body["stream"] !== false;
    const { conversation, echo } = decodeRequest(body, { stream, path, seal: testSeal });
    seen = conversation.turns.map(({ role, parts }) => [role, ...parts.map(({ type }) => type)].join(" "));
    const context = { ...replyContext(), echo };
    if (!stream)
      return response.setHeader("content-type", "application/json").end(JSON.stringify(encodeReply(answer, context)));
    response.setHeader("content-type", "application/x-ndjson");
    const encoder = createStreamEncoder(context);
    const failure = { code: "upstream_broke", status: 502, message: "it broke", requestId: "r" } as const;
    const events = breaks ? eventsOf(answer).slice(0, -1) : eventsOf(answer);
    const pieces = events.map((event) => encoder.ping() + encoder.push(event));
    return response.end(pieces.join("") + (breaks ? encoder.fail(failure) : ""));
  });
});

let origin = "";
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const schema = { type: "object" as const, properties: { city: { type: "string" as const } }, required: ["city"] };
const messages: Message[] = [{ role: "user", content: "What is the weather?" }];
const model = "m";

describe("ollama", () => {
  test("a streamed chat is the same as a whole one, for all that may come", async () => {
    const client = new Ollama({ host: origin });
    for (const [name, reply] of Object.entries(replies)) {
      answer = reply;
      const whole = await client.chat({ model, messages });
      const streamed: Message = { role: "assistant", content: "" };
      let last;
      for await (const part of await client.chat({ model, messages, stream: true })) {
        streamed.content += part.message.content;
        if (part.message.thinking !== undefined) streamed.thinking = (streamed.thinking ?? "") + part.message.thinking;
        if (part.message.tool_calls !== undefined)
          streamed.tool_calls = [...(streamed.tool_calls ?? []), ...part.message.tool_calls];
        last = part;
      }
      assert.deepEqual(streamed, whole.message, name);
      assert.deepEqual([last?.done, last?.done_reason], [true, name === "length" ? "length" : "stop"]);
      assert.equal(last?.eval_count, reply.usage?.output);
      assert.equal(typeof last?.total_duration, "number");
    }
  });

  test("text is generated, and a reply that breaks off is an error", async () => {
    const client = new Ollama({ host: origin });
    answer = replies.thoughts;
    const whole = await client.generate({ model, prompt: "Why?" });
    assert.deepEqual([whole.response, whole.thinking, whole.done], ["Yes", "Hm, hm.", true]);
    let text = "";
    for await (const part of await client.generate({ model, prompt: "Why?", stream: true })) text += part.response;
    assert.equal(text, "Yes");
    breaks = true;
    const broken = await client.chat({ model, messages, stream: true });
    await assert.rejects(async () => {
      for await (const part of broken) assert.equal(part.done, false);
    }, /it broke/);
    breaks = false;
  });
});

describe("ollama-ai-provider-v2", () => {
  test("sees thoughts, text and two calls, and tells the results of tools so that they are found", async () => {
    answer = replies.calls;
    const provider = createOllama({ baseURL: `${origin}/api` });
    const tools = {
      weather: tool({
        inputSchema: jsonSchema<{ city: string }>(schema),
        execute: ({ city }) => {
          answer = replies.thoughts;
          return `${city}: cold`;
        },
      }),
    };
    const result = streamText({
      model: provider(model),
      prompt: "Weather?",
      tools,
      stopWhen: ({ steps }) => steps.length === 2,
    });
    assert.equal(await result.text, "Yes");
    const steps = await result.steps;
    assert.deepEqual(
      steps[0]?.toolCalls.map(({ input }) => input),
      [{ city: "Åre" }, { city: "Rom" }],
    );
    assert.deepEqual(
      steps.map(({ finishReason }) => finishReason),
      ["tool-calls", "stop"],
    );
    assert.equal(steps[1]?.reasoningText, "Hm, hm.");
    assert.deepEqual(seen, ["user text", "assistant text tool_call tool_call", "user tool_result", "user tool_result"]);
  });
});

describe("@langchain/ollama", () => {
  test("sees text and calls", async () => {
    const chat = new ChatOllama({ baseUrl: origin, model });
    answer = replies.text;
    assert.equal((await chat.invoke([new HumanMessage("Hello")])).content, "Grüße aus Åre");
    answer = replies.calls;
    const calls = (await chat.invoke([new HumanMessage("Hello")])).tool_calls ?? [];
    assert.deepEqual(
      calls.map(({ name, args }) => [name, args]),
      [
        ["weather", { city: "Åre" }],
        ["weather", { city: "Rom" }],
      ],
    );
  });
});
