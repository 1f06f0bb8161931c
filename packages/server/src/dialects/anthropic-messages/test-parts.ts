import { readFileSync } from "node:fs";
import { join } from "node:path";
import { efforts, type ModelTraits, unknownTraits } from "../../kernel/model-traits.ts";
import type { ServerEvent } from "../../kernel/sse.ts";
import { createSseReader } from "../../kernel/sse.ts";
import { eventsOf } from "../canonical/collect.ts";
import type { AssistantPart, Conversation, JsonObject, Turn } from "../canonical/conversation.ts";
import type { Loss } from "../canonical/loss.ts";
import type { Finish, Reply, ReplyEvent } from "../canonical/reply.ts";
import { plainConversation, testSeal } from "../canonical/test-parts.ts";
import type { DecodedRequest, EncodedRequest, ReplyContext, TargetModel } from "../codec.ts";
import { anthropicCodec } from "./codec.ts";

/** A model that takes everything, and decides itself how much to reason. */
export const able: ModelTraits = { ...unknownTraits, thinking: "adaptive", efforts: efforts.slice(2) };

export function target(traits: Partial<ModelTraits> = {}): TargetModel {
  return { provider: "prov_1", model: "model-1", traits: { ...able, ...traits }, asksForUsage: true };
}

export function decoded(body: JsonObject): DecodedRequest {
  return anthropicCodec.decodeRequest(body, { stream: body["stream"] === true, path: "/v1/messages", seal: testSeal });
}

export function encoded(parts: Partial<Conversation>, traits: Partial<ModelTraits> = {}): EncodedRequest {
  return anthropicCodec.encodeRequest({ ...plainConversation, ...parts }, target(traits));
}

/** Losses as one line each: `dropped seed`. */
export function kindsOf({ losses }: { readonly losses: readonly Loss[] }): readonly string[] {
  return losses.map(({ kind, path }) => `${kind} ${path}`);
}

export function requestFixture(name: string): JsonObject {
  const path = join(import.meta.dirname, "../../../test/fixtures/anthropic-messages/requests", `${name}.json`);
  return JSON.parse(readFileSync(path, "utf8")) as JsonObject;
}

export const ask: Turn = { role: "user", parts: [{ type: "text", text: "Hello" }] };

export const context: ReplyContext = {
  requestId: "req_01abc",
  createdAt: 1_790_000_000,
  model: "alias",
  framing: "sse",
  echo: { thinking: "shown" },
  tools: [],
  estimatedInput: 12,
  seal: testSeal,
};

export const origin = { provider: "prov_1", requestId: "req_01abc" };

export function replyOf(parts: readonly AssistantPart[], finish: Finish, usage?: Reply["usage"]): Reply {
  return { parts, finish, usage };
}

/** What a stream of the reply looks like to the caller. */
export function streamOf(reply: Reply, given: Partial<ReplyContext> = {}): string {
  const encoder = anthropicCodec.createStreamEncoder({ ...context, ...given });
  return eventsOf(reply)
    .map((event) => encoder.push(event))
    .join("");
}

export function framesOf(stream: string): readonly ServerEvent[] {
  const reader = createSseReader(1_000_000);
  return [...reader.push(Buffer.from(stream)), ...reader.end()];
}

export function decodeFrames(frames: readonly ServerEvent[]): readonly ReplyEvent[] {
  const decoder = anthropicCodec.createStreamDecoder(origin);
  return [...frames.flatMap((frame) => decoder.push(frame)), ...decoder.end()];
}

/** Wire events, given as their data. */
export function decodeData(...events: readonly JsonObject[]): readonly ReplyEvent[] {
  return decodeFrames(events.map((event) => ({ name: "message", data: JSON.stringify(event) })));
}
