import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Collector, isFailure } from "../canonical/collect.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Reply, ReplyEvent, UpstreamFailure } from "../canonical/reply.ts";
import { legalOrder, testSeal } from "../canonical/test-parts.ts";
import type { DecodedRequest, ReplyContext, TargetModel } from "../codec.ts";
import { type ModelTraits, unknownTraits } from "../../kernel/model-traits.ts";
import { openaiChatCodec } from "./codec.ts";

export const origin = { provider: "openai", requestId: "req_1" };

const requests = join(import.meta.dirname, "../../../test/fixtures/openai-chat/requests");

export function requestFixture(name: string): JsonObject {
  return JSON.parse(readFileSync(join(requests, `${name}.json`), "utf8")) as JsonObject;
}

export function decoded(body: JsonObject): DecodedRequest {
  return openaiChatCodec.decodeRequest(body, {
    stream: body["stream"] === true,
    path: "/v1/chat/completions",
    seal: testSeal,
  });
}

/** Of one user's message, or of these messages. */
export function asked(fields: JsonObject = {}): DecodedRequest {
  return decoded({ model: "m", messages: [{ role: "user", content: "Hello" }], ...fields });
}

export function targetWith(traits: Partial<ModelTraits> = {}): TargetModel {
  return { provider: "openai", model: "gpt", traits: { ...unknownTraits, ...traits }, asksForUsage: true };
}

export function contextWith(fields: Partial<ReplyContext> = {}): ReplyContext {
  return {
    requestId: "req_1",
    createdAt: 1_795_000_000,
    model: "fast",
    framing: "sse",
    echo: {},
    tools: [],
    estimatedInput: 10,
    seal: testSeal,
    ...fields,
  };
}

/** What a provider's chunks say, the mark of the end included unless it is cut. */
export function streamed(chunks: readonly unknown[], cut = false): readonly ReplyEvent[] {
  const decoder = openaiChatCodec.createStreamDecoder(origin);
  const texts = chunks.map((chunk) => (typeof chunk === "string" ? chunk : JSON.stringify(chunk)));
  const events = [...texts, ...(cut ? [] : ["[DONE]"])].flatMap((data) => decoder.push({ name: "message", data }));
  const all = [...events, ...decoder.end()];
  legalOrder(all);
  return all;
}

export function collected(events: readonly ReplyEvent[]): Reply | UpstreamFailure {
  const collector = new Collector();
  for (const event of events) collector.push(event);
  assert.ok(collector.end);
  return collector.end;
}

export function replyOf(events: readonly ReplyEvent[]): Reply {
  const reply = collected(events);
  assert.ok(!isFailure(reply), JSON.stringify(reply));
  return reply;
}

export function failureOfEvents(events: readonly ReplyEvent[]): UpstreamFailure {
  const failure = collected(events);
  assert.ok(isFailure(failure), JSON.stringify(failure));
  return failure;
}

export function delta(fields: JsonObject, finish: string | null = null): JsonObject {
  return { id: "c1", object: "chat.completion.chunk", choices: [{ index: 0, delta: fields, finish_reason: finish }] };
}

export function callPiece(fields: JsonObject): JsonObject {
  return delta({ tool_calls: [fields] });
}

/** The data of each event that was written. */
export function framesOf(text: string): readonly string[] {
  return text
    .split("\n\n")
    .filter((frame) => frame.startsWith("data: "))
    .map((frame) => frame.slice("data: ".length));
}
