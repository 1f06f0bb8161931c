import { openaiFailure } from "./failure.ts";
import type { Failure } from "./failure.ts";
import { fieldFailure, invalid, invalidType, limitFailure, missing, promptTokens } from "./openai.ts";
import type { Answer, Ask } from "./reply.ts";
import type { Call, Rendering, Stream, Vendor } from "./vendor.ts";
import { isInteger, type JsonObject, objectOf, stringOf } from "./wire.ts";

/** OpenAI's completions, before there were chats: https://platform.openai.com/docs/api-reference/completions */
export const completions: Vendor = {
  house: "openai",
  check: ({ body }) => fieldFailure(body, fields) ?? completionFailure(body),
  read: readCompletion,
  reply: (rendering) =>
    JSON.stringify({
      ...headOf(rendering),
      choices: [choice(rendering.answer.pieces.join(""), finishOf(rendering.answer))],
      ...(rendering.withUsage && { usage: usageOf(rendering.answer) }),
    }),
  events: chunksOf,
};

const fields = new Set(
  (
    "model prompt best_of echo frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream " +
    "stream_options suffix temperature top_p user"
  ).split(" "),
);

function completionFailure(body: JsonObject): Failure | undefined {
  const { prompt } = body;
  if (prompt === undefined) return missing("prompt");
  if (typeof prompt !== "string" && !Array.isArray(prompt)) return invalidType("prompt", "a string or an array");
  if (body["n"] !== undefined && body["n"] !== 1) return invalid("Only 'n' of 1 is served here.", "n");
  return limitFailure(body, "max_tokens", 1);
}

function readCompletion({ body, bytes }: Call): Ask {
  const prompt = Array.isArray(body["prompt"]) ? body["prompt"].map(String).join(" ") : stringOf(body["prompt"]);
  return {
    model: stringOf(body["model"]),
    stream: body["stream"] === true,
    text: prompt,
    toolOutputs: [],
    tools: [],
    toolChoice: "none",
    thinks: false,
    maxTokens: isInteger(body["max_tokens"]) ? body["max_tokens"] : undefined,
    prompt: promptTokens(bytes, false),
  };
}

function headOf({ answer, nextId, createdSeconds }: Rendering): JsonObject {
  return { id: nextId("cmpl-", 29), object: "text_completion", created: createdSeconds, model: answer.model };
}

function choice(text: string, reason: string | null): JsonObject {
  return { text, index: 0, logprobs: null, finish_reason: reason };
}

function finishOf({ cut }: Answer): string {
  return cut ? "length" : "stop";
}

function usageOf({ usage }: Answer): JsonObject {
  const prompt = usage.input + usage.cacheRead;
  return { prompt_tokens: prompt, completion_tokens: usage.output, total_tokens: prompt + usage.output };
}

function chunksOf(rendering: Rendering): Stream {
  const { answer, body, withUsage } = rendering;
  const asksUsage = objectOf(body["stream_options"])["include_usage"] === true;
  const head = headOf(rendering);
  const event = (data: JsonObject): string => `data: ${JSON.stringify({ ...head, ...data })}\n\n`;
  const none = asksUsage ? { usage: null } : {};
  const events = answer.pieces.map((piece) => event({ choices: [choice(piece, null)], ...none }));
  events.push(event({ choices: [choice("", finishOf(answer))], ...none }));
  if (asksUsage && withUsage) events.push(event({ choices: [], usage: usageOf(answer) }));
  events.push("data: [DONE]\n\n");
  return { events, failure: (failure) => `data: ${JSON.stringify(openaiFailure(failure))}\n\n` };
}
