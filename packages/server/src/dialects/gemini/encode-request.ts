import type { Conversation, JsonObject, TextPart, Turn } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { present } from "../canonical/wire.ts";
import type { CountCodec, EncodedRequest, TargetModel } from "../codec.ts";
import { counter } from "../counter.ts";
import { nameInAddress } from "../name-in-address.ts";
import { encodeContents } from "./encode-contents.ts";
import { encodeConfig } from "./encode-options.ts";
import { encodeTools } from "./encode-tools.ts";

export function encodeRequest(conversation: Conversation, target: TargetModel): EncodedRequest {
  const losses = new Losses();
  const action = conversation.stream ? "streamGenerateContent?alt=sse" : "generateContent";
  const body = bodyOf(conversation, target, losses);
  return { body, path: pathOf(target.model, action), headers: {}, losses: losses.list };
}

function bodyOf(conversation: Conversation, target: TargetModel, losses: Losses): JsonObject {
  noteUnsaid(conversation, losses);
  const { tools, toolConfig } = encodeTools(conversation, target.traits, losses);
  const { config, instruction } = encodeConfig(conversation, target.traits, tools.length > 0, losses);
  const { system, turns } = leading(conversation);
  const contents = encodeContents(turns, target, losses);
  const parts = [...system.map(({ text }) => text), ...instruction].map((text) => ({ text }));
  const hasTurns = contents.length > 0;
  if (!hasTurns) losses.changed("system", "the model is not asked without a turn of the user's; it is told as one");
  return present({
    contents: hasTurns ? contents : [{ role: "user", parts: parts.length > 0 ? parts : [{ text: "Begin." }] }],
    systemInstruction: hasTurns && parts.length > 0 ? { parts } : undefined,
    tools: tools.length > 0 ? [{ functionDeclarations: tools }] : undefined,
    toolConfig,
    generationConfig: Object.keys(config).length > 0 ? config : undefined,
  });
}

/** Instructions before the first turn belong to those of the whole conversation. */
function leading({ system, turns }: Conversation): {
  readonly system: readonly TextPart[];
  readonly turns: readonly Turn[];
} {
  const found = turns.findIndex((turn) => turn.role !== "system");
  const first = found < 0 ? turns.length : found;
  const more = turns.slice(0, first).flatMap((turn) => (turn.role === "system" ? turn.parts : []));
  return { system: [...system, ...more].filter(({ text }) => text !== ""), turns: turns.slice(first) };
}

function noteUnsaid({ verbosity, user, cacheKey, speed, system, turns, tools }: Conversation, losses: Losses): void {
  if (verbosity !== undefined) losses.dropped("verbosity", "Gemini has none");
  if (user !== undefined) losses.hint("user", "Gemini is not told who asks");
  if (cacheKey !== undefined) losses.hint("prompt_cache_key", "Gemini keeps what it can by itself");
  if (speed !== undefined) losses.hint("speed", "Gemini has one speed");
  const isMarked = (part: object): boolean => "cache" in part;
  if ([...system, ...tools].some(isMarked) || turns.some((turn) => turn.parts.some(isMarked)))
    losses.hint("cache_control", "Gemini keeps what it can by itself");
}

function pathOf(model: string, action: string): string {
  return `/models/${nameInAddress(model)}:${action}`;
}

export const count: CountCodec = {
  /** With tools and instructions a request can only be counted as a whole, which wants the model's name then. */
  encode(conversation, target) {
    const losses = new Losses();
    const request = bodyOf(conversation, target, losses);
    const body = { generateContentRequest: { model: `models/${target.model}`, ...request } };
    return { body, path: pathOf(target.model, "countTokens"), headers: {}, losses: losses.list };
  },
  decode: (body) => counter(body, "totalTokens"),
  encodeReply: (tokens) => ({ totalTokens: tokens }),
};
