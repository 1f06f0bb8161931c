import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, test } from "node:test";
import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
import { jsonSchema, streamText, tool } from "ai";
import OpenAI from "openai";
import { noTokens } from "../../kernel/tokens.ts";
import { eventsOf } from "../canonical/collect.ts";
import type { Reply } from "../canonical/reply.ts";
import { testSeal } from "../canonical/test-parts.ts";
import { encodeReply } from "./encode-reply.ts";
import { createStreamEncoder } from "./encode-stream.ts";
import { echoOf } from "./echo.ts";
import { replyContext } from "./test-parts.ts";
import type { JsonObject } from "../canonical/conversation.ts";

/* OpenAI's own client and those that others made of its API, against what is written here for them. */

globalThis.AI_SDK_LOG_WARNINGS = false;

const usage = { ...noTokens, input: 12, cacheRead: 4, output: 50, reasoning: 5 };
const state = { dialect: "gemini", provider: "google", data: "c2ln" } as const;
const call = (id: string, city: string) =>
  ({ type: "tool_call", id, name: "weather", kind: "function", arguments: JSON.stringify({ city }) }) as const;

const replies = {
  text: {
    parts: [
      { type: "text", text: "Grüße aus " },
      { type: "text", text: "Åre", citations: [{ url: "https://are.example", title: "Åre" }] },
    ],
    finish: { reason: "end" },
    usage,
  },
  thoughts: {
    parts: [
      { type: "thinking", text: "Hm, hm.", state },
      { type: "text", text: "Yes" },
    ],
    finish: { reason: "end" },
    usage,
  },
  calls: {
    parts: [
      { type: "thinking", text: "", state },
      { type: "text", text: "I look" },
      call("call_1", "Åre"),
      { type: "thinking", text: "And", state },
      call("call_2", "Rom"),
      { ...call("call_3", ""), arguments: "" },
    ],
    finish: { reason: "tool_calls" },
    usage,
  },
  custom: {
    parts: [{ type: "tool_call", id: "call_p", name: "patch", kind: "custom", arguments: "*** Begin" }],
    finish: { reason: "tool_calls" },
    usage,
  },
  refusal: { parts: [{ type: "refusal", text: "Not that." }], finish: { reason: "refusal" }, usage },
  length: { parts: [{ type: "text", text: "Once" }], finish: { reason: "length" }, usage: undefined },
} as const satisfies Record<string, Reply>;

let answer: Reply = replies.text;
let breaksAfter = Number.POSITIVE_INFINITY;

function streamed(reply: Reply, context: typeof replyContext): readonly string[] {
  const encoder = createStreamEncoder(context);
  const events = eventsOf(reply).slice(0, breaksAfter);
  const frames = events.flatMap((event) => [encoder.push(event), encoder.ping()]);
  if (Number.isFinite(breaksAfter)) {
    const failure = {
      code: "upstream_broke",
      status: 502,
      message: "the provider broke off its reply",
      requestId: "01jd",
    } as const;
    frames.push(encoder.fail(failure));
  }
  return frames;
}

/** Answers as the gateway would, with a ping behind every event. */
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    const body = JSON.parse(Buffer.concat(chunks).toString()) as JsonObject;
    const context = { ...replyContext, echo: echoOf(body) };
    if (body["stream"] === true) {
      response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
      for (const frame of streamed(answer, context)) response.write(frame);
      response.end();
      return;
    }
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify(encodeReply(answer, context)));
  });
});

let url = "";
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
after(() => server.close());

const names = Object.keys(replies) as (keyof typeof replies)[];

describe("openai", () => {
  const client = () => new OpenAI({ baseURL: url, apiKey: "k", maxRetries: 0 });
  const body = { model: "asked-for", input: "hello" };

  for (const name of names) {
    test(`a streamed response is the same as a whole one: ${name}`, async () => {
      answer = replies[name];
      const whole = await client().responses.create(body);
      const stream = client().responses.stream(body);
      const types: string[] = [];
      stream.on("event", (event) => void types.push(event.type));
      const final = await stream.finalResponse();
      const plain = (value: unknown): unknown =>
        JSON.parse(JSON.stringify(value, (key, member: unknown) => (key.startsWith("parsed") ? undefined : member)));
      assert.deepEqual(plain(final.output), plain(whole.output));
      assert.deepEqual([final.id, final.status, final.model], [whole.id, whole.status, "asked-for"]);
      assert.deepEqual(final.incomplete_details, whole.incomplete_details);
      assert.equal(final.output_text, whole.output_text);
      assert.deepEqual(final.usage, whole.usage);
      assert.equal(types[0], "response.created");
    });
  }

  test("it finds the text, the calls, the counts, and a state to send back", async () => {
    answer = replies.calls;
    const { output, output_text: text, usage: counted } = await client().responses.stream(body).finalResponse();
    assert.equal(text, "I look");
    const calls = output.filter((item) => item.type === "function_call");
    assert.deepEqual(
      calls.map((item) => [item.call_id, item.name, item.arguments]),
      [
        ["call_1", "weather", '{"city":"Åre"}'],
        ["call_2", "weather", '{"city":"Rom"}'],
        ["call_3", "weather", "{}"],
      ],
    );
    const thoughts = output.filter((item) => item.type === "reasoning");
    assert.deepEqual(
      thoughts.map((item) => testSeal.open(item.encrypted_content ?? "")),
      [state, state],
    );
    assert.deepEqual([counted?.input_tokens, counted?.input_tokens_details.cached_tokens], [16, 4]);
  });

  test("a schema that it asked for is parsed", async () => {
    answer = { parts: [{ type: "text", text: '{"city":"Åre"}' }], finish: { reason: "end" }, usage };
    const schema = { type: "object", properties: { city: { type: "string" } } } as const;
    const format = { type: "json_schema" as const, name: "place", schema };
    const response = await client().responses.parse({ ...body, text: { format } });
    assert.equal(response.output_text, '{"city":"Åre"}');
  });

  test("a stream that fails is failed, with what was whole", async () => {
    answer = replies.calls;
    for (const after of [0, 1, 3, 5, 6, 9]) {
      breaksAfter = after;
      const stream = client().responses.stream(body);
      const final = await stream.finalResponse().catch((error: unknown) => error);
      breaksAfter = Number.POSITIVE_INFINITY;
      assert.ok(!(final instanceof Error), String(final));
      const { status, error } = final as OpenAI.Responses.Response;
      assert.deepEqual([status, error?.code], ["failed", "server_error"], `after ${after}`);
    }
  });
});

describe("@ai-sdk/openai", () => {
  const ask = (name: keyof typeof replies) => {
    answer = replies[name];
    const city = jsonSchema({ type: "object", properties: { city: { type: "string" } } });
    return streamText({
      model: createOpenAI({ baseURL: url, apiKey: "k" }).responses("asked-for"),
      prompt: "hello",
      maxRetries: 0,
      onError: () => undefined,
      tools: { weather: tool({ description: "Weather", inputSchema: city }) },
    });
  };

  test("texts of one message are one text, with their source and the counts", async () => {
    const result = ask("text");
    assert.equal(await result.text, "Grüße aus Åre");
    assert.deepEqual(
      (await result.sources).map((source) => source.sourceType === "url" && source.url),
      ["https://are.example"],
    );
    const counted = await result.usage;
    assert.deepEqual([counted.inputTokens, counted.outputTokens], [16, 50]);
    assert.equal(await result.finishReason, "stop");
  });

  test("a thought comes with its state", async () => {
    const result = ask("thoughts");
    const [thought] = await result.reasoning;
    assert.ok(thought?.type === "reasoning");
    assert.equal(thought.text, "Hm, hm.");
    const sealed = thought.providerMetadata?.["openai"]?.["reasoningEncryptedContent"];
    assert.deepEqual(testSeal.open(String(sealed)), state);
    assert.equal(await result.text, "Yes");
  });

  test("every call is whole", async () => {
    const result = ask("calls");
    assert.deepEqual(
      (await result.toolCalls).map((each) => [each.toolCallId, each.input]),
      [
        ["call_1", { city: "Åre" }],
        ["call_2", { city: "Rom" }],
        ["call_3", {}],
      ],
    );
    assert.equal(await result.finishReason, "tool-calls");
  });

  test("a cut is told as one", async () => {
    assert.equal(await ask("length").finishReason, "length");
  });

  test("a failure in the middle is an error", async () => {
    breaksAfter = 4;
    const result = ask("text");
    const parts: string[] = [];
    for await (const part of result.fullStream) parts.push(part.type);
    breaksAfter = Number.POSITIVE_INFINITY;
    assert.ok(parts.includes("error"), parts.join());
  });
});

describe("@langchain/openai", () => {
  const model = (streaming: boolean) =>
    new ChatOpenAI({
      model: "asked-for",
      apiKey: "k",
      maxRetries: 0,
      streaming,
      useResponsesApi: true,
      configuration: { baseURL: url },
    });

  test("text and calls, whole and streamed", async () => {
    for (const streaming of [false, true]) {
      answer = replies.text;
      assert.equal((await model(streaming).invoke("hello")).text, "Grüße aus Åre");
      answer = replies.calls;
      const { tool_calls: calls } = await model(streaming).invoke("hello");
      assert.deepEqual(
        calls?.map((each) => each.args),
        [{ city: "Åre" }, { city: "Rom" }, {}],
      );
    }
  });
});
