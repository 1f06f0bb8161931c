import { googleFailure } from "./failure.ts";
import { contentFailure, readContent, signs } from "./gemini-request.ts";
import { type Answer, sealThought, tokensOf, wordsOf } from "./reply.ts";
import type { ToolCall } from "./tools.ts";
import type { Rendering, Stream, Vendor } from "./vendor.ts";
import { type JsonObject, objectOf, stringOf } from "./wire.ts";

/** Which model is asked, and how its reply is to come: the path and the query say it. */
export interface Asked {
  readonly model: string;
  readonly framing: "whole" | "sse" | "array";
}

/** https://ai.google.dev/api/generate-content */
export function createGemini({ model, framing }: Asked): Vendor {
  return {
    house: "google",
    check: (call) => contentFailure(call, model),
    read: (call) => readContent(call, model, framing !== "whole"),
    reply: (rendering) => pretty(replyOf(rendering)),
    events: (rendering) => (framing === "array" ? arrayOf(chunksOf(rendering)) : eventsOf(chunksOf(rendering))),
  };
}

/** Google writes whole replies, and the elements of an array, for people to read. */
export function pretty(document: JsonObject): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

function eventsOf(chunks: readonly JsonObject[]): Stream {
  const event = (data: JsonObject): string => `data: ${JSON.stringify(data)}\n\n`;
  return { events: chunks.map(event), failure: (failure) => event(googleFailure(failure)) };
}

function arrayOf(chunks: readonly JsonObject[]): Stream {
  const element = (chunk: JsonObject, index: number): string => (index === 0 ? "[" : ",\n") + pretty(chunk);
  return {
    events: [...chunks.map(element), "]"],
    contentType: "application/json; charset=UTF-8",
    failure: (failure, eventCount) => `${element(googleFailure(failure), eventCount)}]`,
  };
}

function replyOf(rendering: Rendering): JsonObject {
  const { answer, withUsage } = rendering;
  const parts = [
    ...(answer.thought === undefined ? [] : [{ text: answer.thought, thought: true }]),
    ...(answer.pieces.length === 0 ? [] : [{ text: answer.pieces.join("") }]),
    ...imagesOf(rendering),
    ...callsOf(answer),
  ];
  return {
    candidates: [{ content: { parts, role: "model" }, finishReason: finishOf(answer), index: 0 }],
    ...(withUsage && { usageMetadata: usageOf(rendering, answer.usage.output) }),
    ...endOf(rendering),
  };
}

/** Every chunk tells what was used so far; the last one, why the answer ended. */
function chunksOf(rendering: Rendering): readonly JsonObject[] {
  const { answer, withUsage } = rendering;
  const end = endOf(rendering);
  const calls = callsOf(answer);
  const lots: readonly (readonly JsonObject[])[] = [
    ...wordsOf(answer.thought ?? "").map((text) => [{ text, thought: true }]),
    ...answer.pieces.map((text) => [{ text }]),
    ...imagesOf(rendering).map((image) => [image]),
    ...(calls.length > 0 ? [calls] : []),
  ];
  let written = answer.usage.reasoning;
  const chunk = (parts: readonly JsonObject[], output: number, finishReason?: string): JsonObject => ({
    candidates: [{ content: { parts, role: "model" }, ...(finishReason !== undefined && { finishReason }), index: 0 }],
    ...(withUsage && { usageMetadata: usageOf(rendering, output) }),
    ...end,
  });
  const chunks = lots.map((parts) => {
    written += parts.reduce(
      (sum, { text, thought }) => sum + (thought === true ? 0 : tokensOf(stringOf(text).length)),
      0,
    );
    return chunk(parts, Math.min(written, answer.usage.output));
  });
  return [...chunks, chunk([{ text: "" }], answer.usage.output, finishOf(answer))];
}

function endOf({ answer, nextId }: Rendering): JsonObject {
  return { modelVersion: answer.model, responseId: nextId("", 23) };
}

function finishOf(answer: Answer): string {
  return answer.cut ? "MAX_TOKENS" : "STOP";
}

/** The first call of a turn is signed. */
function callsOf({ model, thought, calls }: Answer): readonly JsonObject[] {
  return calls.map((call, index) => ({
    functionCall: { name: call.name, args: argumentsOf(call) },
    ...(index === 0 && (signs(model) || thought !== undefined) && { thoughtSignature: sealThought(thought ?? "") }),
  }));
}

/** An object; a script's text that is none cannot be said here. */
function argumentsOf(call: ToolCall): JsonObject {
  try {
    return objectOf(JSON.parse(call.input));
  } catch {
    return {};
  }
}

/** What an image of the usual size counts for. */
const imageTokens = 1290;

/** One pixel. */
const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

function imagesOf({ body }: Rendering): readonly JsonObject[] {
  const modalities = objectOf(body["generationConfig"])["responseModalities"];
  const wanted = Array.isArray(modalities) && modalities.includes("IMAGE");
  return wanted ? [{ inlineData: { mimeType: "image/png", data: png } }] : [];
}

/** Thoughts are counted beside the output; counters of zero are left out. */
function usageOf(rendering: Rendering, output: number): JsonObject {
  const { usage } = rendering.answer;
  const images = imagesOf(rendering).length * imageTokens;
  const prompt = usage.input + usage.cacheRead + usage.cacheWrite + usage.cacheWrite1h;
  const candidates = output - usage.reasoning + images;
  return {
    promptTokenCount: prompt,
    ...(candidates > 0 && { candidatesTokenCount: candidates }),
    totalTokenCount: prompt + output + images,
    ...(usage.cacheRead > 0 && { cachedContentTokenCount: usage.cacheRead }),
    promptTokensDetails: [{ modality: "TEXT", tokenCount: prompt }],
    ...(images > 0 && { candidatesTokensDetails: [{ modality: "IMAGE", tokenCount: images }] }),
    ...(usage.reasoning > 0 && { thoughtsTokenCount: usage.reasoning }),
  };
}
