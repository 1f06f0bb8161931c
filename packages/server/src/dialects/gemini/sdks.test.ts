import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { createGoogle } from "@ai-sdk/google";
import { type GenerateContentResponse, GoogleGenAI } from "@google/genai";
import { generateText, jsonSchema, streamText, tool } from "ai";
import { noTokens } from "../../kernel/tokens.ts";
import { eventsOf } from "../canonical/collect.ts";
import type { AssistantPart } from "../canonical/conversation.ts";
import type { Reply } from "../canonical/reply.ts";
import type { Failure } from "../dialect.ts";
import { geminiCodec } from "./codec.ts";
import { context } from "./test-parts.ts";

/* What this codec writes, read by the vendor's client and by the AI SDK's, which are stricter than any reader of ours. */

const usage = { ...noTokens, input: 9, output: 12, reasoning: 4 };
const foreign = { dialect: "anthropic-messages", provider: "anthropic", data: "sig" } as const;
const call = (id: string, city: string): AssistantPart => ({
  type: "tool_call",
  id,
  name: "weather",
  kind: "function",
  arguments: JSON.stringify({ city }),
});

const replies = {
  text: { parts: [{ type: "text", text: "Hello Åre." }], finish: { reason: "end" }, usage },
  reasoning: {
    parts: [
      { type: "thinking", text: "Hm, so.", state: foreign },
      { type: "text", text: "Yes." },
    ],
    finish: { reason: "end" },
    usage,
  },
  calls: {
    parts: [{ type: "thinking", text: "Two.", state: foreign }, call("call_1", "Oslo"), call("call_2", "Rome")],
    finish: { reason: "tool_calls" },
    usage,
  },
  refusal: { parts: [], finish: { reason: "refusal", detail: "Not that." }, usage },
  length: { parts: [{ type: "text", text: "Once upon" }], finish: { reason: "length" }, usage: undefined },
} as const satisfies Readonly<Record<string, Reply>>;

type Name = keyof typeof replies;
const names = Object.keys(replies) as Name[];

const broke: Failure = { code: "upstream_broke", status: 502, message: "the provider broke off", requestId: "req_1" };

/** The model's name says which reply is asked for. */
function answer(url: string): { readonly type: string; readonly body: string } {
  const [, name = "text", action] = /models\/([\w-]+):(\w+)/.exec(url) ?? [];
  const reply: Reply = replies[(name === "fails" ? "text" : name) as Name];
  if (action === "generateContent")
    return { type: "application/json", body: JSON.stringify(geminiCodec.encodeReply(reply, context())) };
  const encoder = geminiCodec.createStreamEncoder(context());
  const events = eventsOf(reply);
  const sent = name === "fails" ? events.slice(0, -1) : events;
  const body = sent.map((event) => encoder.ping() + encoder.push(event)).join("");
  return { type: "text/event-stream", body: name === "fails" ? body + encoder.fail(broke) : body };
}

let server: Server;
let place = "";

before(async () => {
  server = createServer((request, response) => {
    const { type, body } = answer(request.url ?? "");
    request.resume().on("end", () => response.setHeader("content-type", type).end(body));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  place = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => server.close());

const genai = (): GoogleGenAI => new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: place } });

test("@google/genai reads whole replies", async () => {
  for (const name of names) {
    const reply = await genai().models.generateContent({ model: name, contents: "Hi" });
    assert.equal(reply.usageMetadata?.promptTokenCount, name === "length" ? 40 : 9, name);
    assert.equal(reply.responseId, "req_1");
  }
  const { text, candidates } = await genai().models.generateContent({ model: "reasoning", contents: "Hi" });
  assert.equal(text, "Yes.");
  assert.equal(candidates?.[0]?.content?.parts?.[0]?.thought, true);
  const calls = await genai().models.generateContent({ model: "calls", contents: "Hi" });
  assert.deepEqual(
    calls.functionCalls?.map(({ id, args }) => [id, args]),
    [
      ["call_1", { city: "Oslo" }],
      ["call_2", { city: "Rome" }],
    ],
  );
  const refused = await genai().models.generateContent({ model: "refusal", contents: "Hi" });
  assert.equal(refused.candidates?.[0]?.finishReason, "SAFETY");
});

interface Streamed {
  readonly text: string;
  readonly calls: readonly unknown[];
  readonly ends: readonly unknown[];
}

async function streamed(model: string): Promise<Streamed> {
  const chunks: GenerateContentResponse[] = [];
  for await (const chunk of await genai().models.generateContentStream({ model, contents: "Hi" })) chunks.push(chunk);
  const candidates = chunks.flatMap((chunk) => chunk.candidates ?? []);
  const parts = candidates.flatMap((candidate) => candidate.content?.parts ?? []);
  return {
    text: parts.map((part) => (part.thought === true ? "" : (part.text ?? ""))).join(""),
    calls: parts.flatMap((part) => part.functionCall?.id ?? []),
    ends: candidates.flatMap((candidate) => candidate.finishReason ?? []),
  };
}

test("@google/genai reads streams", async () => {
  for (const name of names) {
    const { text, calls, ends } = await streamed(name);
    const said = replies[name].parts.map((part) => (part.type === "text" ? part.text : "")).join("");
    assert.equal(text, said, name);
    assert.deepEqual(calls, name === "calls" ? ["call_1", "call_2"] : []);
    assert.deepEqual(ends, [{ refusal: "SAFETY", length: "MAX_TOKENS" }[name as string] ?? "STOP"]);
  }
});

test("@google/genai hears of a stream that fails in its midst (B18)", async () => {
  await assert.rejects(streamed("fails"), /broke off/);
});

const weather = tool({
  inputSchema: jsonSchema<{ city: string }>({ type: "object", properties: { city: { type: "string" } } }),
  execute: () => "snow",
});

test("the AI SDK reads whole replies and streams alike", async () => {
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const google = createGoogle({ baseURL: `${place}/v1beta`, apiKey: "k" });
  const ends = { text: "stop", reasoning: "stop", calls: "tool-calls", refusal: "content-filter", length: "length" };
  for (const name of names) {
    const asked = { model: google(name), prompt: "Hi", tools: { weather }, maxRetries: 0 };
    const whole = await generateText(asked);
    const stream = streamText(asked);
    assert.equal(await stream.text, whole.text, name);
    assert.equal(await stream.reasoningText, whole.reasoningText);
    assert.equal(await stream.finishReason, ends[name]);
    assert.equal(whole.finishReason, ends[name]);
    const inputs = (await stream.toolCalls).map(({ toolCallId, input }) => [toolCallId, input]);
    assert.deepEqual(
      inputs,
      whole.toolCalls.map(({ toolCallId, input }) => [toolCallId, input]),
    );
    assert.equal(inputs.length, name === "calls" ? 2 : 0);
    assert.equal((await stream.usage).inputTokens, name === "length" ? 40 : 9);
  }
  assert.equal(await streamText({ model: google("reasoning"), prompt: "Hi" }).reasoningText, "Hm, so.");
});
