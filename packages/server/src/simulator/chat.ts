import { chatFailure, readChat } from "./chat-request.ts";
import { obfuscation } from "./openai.ts";
import { openaiFailure } from "./failure.ts";
import { type Answer, piecesOf } from "./reply.ts";
import type { ToolCall } from "./tools.ts";
import type { Rendering, Stream, Vendor } from "./vendor.ts";
import { type JsonObject, objectOf } from "./wire.ts";

/** OpenAI's Chat Completions: https://platform.openai.com/docs/api-reference/chat-streaming */
export const openaiChat: Vendor = {
  house: "openai",
  check: chatFailure,
  read: readChat,
  reply: (rendering) => JSON.stringify(completionOf(rendering)),
  events: chunksOf,
};

function completionOf(rendering: Rendering): JsonObject {
  const { answer, withUsage, nextId } = rendering;
  const calls = answer.calls.map((call) => ({ id: nextId("call_", 24), ...called(call, call.input) }));
  const message = {
    role: "assistant",
    content: answer.pieces.length === 0 ? null : answer.pieces.join(""),
    refusal: null,
    annotations: [],
    ...(calls.length > 0 && { tool_calls: calls }),
  };
  return {
    ...headOf(rendering, "chat.completion"),
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishOf(answer) }],
    ...(withUsage && { usage: usageOf(answer) }),
    service_tier: "default",
    system_fingerprint: "fp_5131a7ed00",
  };
}

function headOf({ answer, nextId, createdSeconds }: Rendering, object: string): JsonObject {
  return { id: nextId("chatcmpl-", 29), object, created: createdSeconds, model: answer.model };
}

/** A call of a function or a custom tool, without its id. */
function called(call: ToolCall, input: string): JsonObject {
  return call.kind === "custom"
    ? { type: "custom", custom: { name: call.name, input } }
    : { type: "function", function: { name: call.name, arguments: input } };
}

function finishOf(answer: Answer): string {
  if (answer.cut) return "length";
  return answer.calls.length > 0 ? "tool_calls" : "stop";
}

function usageOf({ usage }: Answer): JsonObject {
  const written = usage.cacheWrite + usage.cacheWrite1h;
  const prompt = usage.input + usage.cacheRead + written;
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: written, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function chunksOf(rendering: Rendering): Stream {
  const { answer, body, nextId, withUsage } = rendering;
  const asksUsage = objectOf(body["stream_options"])["include_usage"] === true;
  const head = JSON.stringify({
    ...headOf(rendering, "chat.completion.chunk"),
    service_tier: "default",
    system_fingerprint: "fp_5131a7ed00",
  });
  const before = `data: ${head.slice(0, -1)},"choices":[{"index":0,"delta":`;
  const noUsage = asksUsage ? ',"usage":null' : "";
  const pad = obfuscation(body["stream_options"]);
  const after = `,"logprobs":null,"finish_reason":null}]${noUsage}`;
  const chunk = (delta: string, size: number): string => `${before}${delta}${after}${pad(size)}}\n\n`;

  const content = answer.pieces.length === 0 ? null : "";
  const events = [chunk(JSON.stringify({ role: "assistant", content, refusal: null }), 0)];
  for (const piece of answer.pieces) events.push(chunk(`{"content":${JSON.stringify(piece)}}`, piece.length));
  for (const [index, call] of answer.calls.entries()) {
    const start = { index, id: nextId("call_", 24), ...called(call, "") };
    events.push(chunk(JSON.stringify({ tool_calls: [start] }), 0));
    for (const piece of piecesOf(call.input))
      events.push(chunk(JSON.stringify({ tool_calls: [{ index, ...inputDelta(call, piece) }] }), piece.length));
  }
  events.push(`${before}{},"logprobs":null,"finish_reason":"${finishOf(answer)}"}]${noUsage}${pad(0)}}\n\n`);
  if (asksUsage && withUsage)
    events.push(`data: ${head.slice(0, -1)},"choices":[],"usage":${JSON.stringify(usageOf(answer))}${pad(0)}}\n\n`);
  events.push("data: [DONE]\n\n");
  return { events, failure: (failure) => `data: ${JSON.stringify(openaiFailure(failure))}\n\n` };
}

function inputDelta(call: ToolCall, piece: string): JsonObject {
  return call.kind === "custom" ? { custom: { input: piece } } : { function: { arguments: piece } };
}
