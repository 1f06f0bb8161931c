import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type ModelTraits, unknownTraits } from "../../kernel/model-traits.ts";
import type { Conversation, JsonObject } from "../canonical/conversation.ts";
import type { Loss } from "../canonical/loss.ts";
import { plainConversation, testSeal } from "../canonical/test-parts.ts";
import type { DecodedRequest, EncodedRequest, ReplyContext, TargetModel } from "../codec.ts";
import { geminiCodec } from "./codec.ts";

export const origin = { provider: "google", requestId: "req_1" } as const;

export function context(change: Partial<ReplyContext> = {}): ReplyContext {
  return {
    requestId: "req_1",
    createdAt: 1_763_740_800,
    model: "house/model",
    framing: "sse",
    echo: { includeThoughts: true },
    tools: [],
    estimatedInput: 40,
    seal: testSeal,
    ...change,
  };
}

export function target(traits: Partial<ModelTraits> = {}, model = "gemini-3-pro"): TargetModel {
  return { provider: "google", model, traits: { ...unknownTraits, ...traits }, asksForUsage: false };
}

/** Of the generation that signs its calls. */
export const signing = { thinking: "level", efforts: ["low", "medium", "high"], canStopThinking: false } as const;

export function decoded(body: JsonObject): DecodedRequest {
  return geminiCodec.decodeRequest(body, {
    stream: false,
    path: "/v1beta/models/{model}:generateContent",
    seal: testSeal,
  });
}

export function encoded(change: Partial<Conversation>, to: TargetModel = target()): EncodedRequest {
  return geminiCodec.encodeRequest({ ...plainConversation, ...change }, to);
}

/** `kind path`, for one line of a test each. */
export function told(losses: readonly Loss[]): readonly string[] {
  return losses.map(({ kind, path }) => `${kind} ${path}`);
}

const folder = join(import.meta.dirname, "../../../test/fixtures/gemini/requests");

/** Requests as clients send them, by the name of their file. */
export const requests: Readonly<Record<string, JsonObject>> = Object.fromEntries(
  readdirSync(folder).map((file) => [
    file.replace(".json", ""),
    JSON.parse(readFileSync(join(folder, file), "utf8")) as JsonObject,
  ]),
);
