import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { unknownTraits, type ModelTraits } from "../../kernel/model-traits.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { ReplyEvent } from "../canonical/reply.ts";
import { testSeal } from "../canonical/test-parts.ts";
import type { DecodedRequest, ReplyContext, ReplyOrigin, TargetModel } from "../codec.ts";
import { fixtures } from "../test-parts.ts";
import { decodeRequest } from "./decode-request.ts";
import { createStreamDecoder } from "./decode-stream.ts";
import { createStreamEncoder } from "./encode-stream.ts";

const folder = join(fixtures, "openai-responses/requests");

export const requestNames: readonly string[] = readdirSync(folder).map((name) => name.replace(/\.json$/, ""));

export function request(name: string): JsonObject {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as JsonObject;
}

export function decode(body: JsonObject): DecodedRequest {
  return decodeRequest(body, { stream: body["stream"] === true, path: "/v1/responses", seal: testSeal });
}

export const replyOrigin: ReplyOrigin = { provider: "openai", requestId: "01jd" };

export const replyContext: ReplyContext = {
  requestId: "01jd",
  createdAt: 1_795_000_000,
  model: "asked-for",
  framing: "sse",
  echo: {},
  tools: [],
  estimatedInput: 10,
  seal: testSeal,
};

/** A model that takes everything of the dialect. */
export function target(traits: Partial<ModelTraits> = {}): TargetModel {
  const able: ModelTraits = {
    ...unknownTraits,
    thinking: "effort",
    efforts: ["none", "minimal", "low", "medium", "high", "xhigh"],
    maxTokensField: "max_completion_tokens",
    ...traits,
  };
  return { provider: "openai", model: "real", traits: able, asksForUsage: false };
}

/** The events of a stream, given as their JSON. */
export function read(wire: readonly (JsonObject | string)[], isWhole = true): readonly ReplyEvent[] {
  const decoder = createStreamDecoder(replyOrigin);
  const events = wire.flatMap((each) =>
    decoder.push({ name: "message", data: typeof each === "string" ? each : JSON.stringify(each) }),
  );
  return isWhole ? [...events, ...decoder.end()] : events;
}

export function write(events: readonly ReplyEvent[], context: ReplyContext = replyContext): string {
  const encoder = createStreamEncoder(context);
  return events.map((event) => encoder.push(event)).join("");
}

/** What was written, frame by frame; each must be named as its data is. */
export function framesOf(text: string): readonly JsonObject[] {
  return text
    .split("\n\n")
    .filter((frame) => frame !== "" && !frame.startsWith(":"))
    .map((frame) => {
      const [, name = "", data = ""] = /^event: (.+)\ndata: ([^\n]+)$/.exec(frame) ?? [];
      const event = JSON.parse(data) as JsonObject;
      if (event["type"] !== name) throw new Error(`the event ${name} says that it is ${String(event["type"])}`);
      return event;
    });
}
