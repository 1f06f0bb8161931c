import { AppError } from "../../kernel/errors.ts";
import type { TokenUsage } from "../../kernel/tokens.ts";
import type { AssistantPart, Citation, JsonObject, ThinkingPart } from "../canonical/conversation.ts";
import { withoutCutCall } from "../canonical/cut-call.ts";
import type { Reply } from "../canonical/reply.ts";
import { argumentsObject } from "../canonical/wire.ts";
import type { ReplyContext } from "../codec.ts";
import { groundingOf } from "./citations.ts";
import { endingOf } from "./finish-reasons.ts";
import { signatureOf } from "./hidden-thought.ts";

/**
 * Thoughts are told if the caller asked for them; their state is the signature of the part that follows, or of an empty text.
 *
 * @throws AppError `upstream_broke` if the arguments of a call are none: as an empty object they would be run
 */
export function encodeReply(reply: Reply, context: ReplyContext): JsonObject {
  const parts = partsOf(withoutCutCall(reply), context);
  const citations = reply.parts.flatMap((part): readonly Citation[] =>
    part.type === "text" ? (part.citations ?? []) : [],
  );
  const groundingMetadata = groundingOf(citations);
  const candidate = {
    content: { parts: parts.length > 0 ? parts : [{ text: "" }], role: "model" },
    ...endingOf(reply.finish),
    index: 0,
    ...(groundingMetadata !== undefined && { groundingMetadata }),
  };
  const usage = reply.usage ?? estimatedUsage(context.estimatedInput, charactersOf(reply.parts));
  return { candidates: [candidate], usageMetadata: usageOf(usage), ...headOf(context) };
}

export function headOf({ model, requestId }: ReplyContext): JsonObject {
  return { modelVersion: model, responseId: requestId };
}

export function showsThoughts({ echo }: ReplyContext): boolean {
  return echo["includeThoughts"] === true;
}

function partsOf(parts: readonly AssistantPart[], context: ReplyContext): readonly JsonObject[] {
  const out: JsonObject[] = [];
  let thought: ThinkingPart | undefined;
  const signed = (part: JsonObject, isCall: boolean): void => {
    const thoughtSignature = thought === undefined ? undefined : signatureFor(thought, isCall, context);
    out.push(thoughtSignature === undefined ? part : { ...part, thoughtSignature });
    thought = undefined;
  };
  for (const part of parts) {
    if (part.type === "thinking") {
      if (thought?.state !== undefined) signed({ text: "" }, false);
      if (part.text !== "" && showsThoughts(context)) out.push({ text: part.text, thought: true });
      thought = part;
    } else if (part.type === "tool_call") signed(callOf(part), true);
    else signed({ text: part.text }, false);
  }
  if (thought?.state !== undefined) signed({ text: "" }, false);
  return out;
}

/** Before a call, all that was thought may be wanted back; else only what has a state. */
export function signatureFor(thought: ThinkingPart, isCall: boolean, { seal }: ReplyContext): string | undefined {
  return isCall || thought.state !== undefined ? signatureOf(thought, seal) : undefined;
}

function callOf({ id, name, arguments: text }: AssistantPart & { readonly type: "tool_call" }): JsonObject {
  const args = argumentsObject(text);
  if (args === undefined) throw new AppError("upstream_broke", { provider: "the provider" });
  return { functionCall: { id, name, args } };
}

/** Thoughts are counted beside the output. */
export function usageOf({ input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning }: TokenUsage): JsonObject {
  const promptTokenCount = input + cacheRead + cacheWrite + cacheWrite1h;
  return {
    promptTokenCount,
    candidatesTokenCount: Math.max(0, output - reasoning),
    totalTokenCount: promptTokenCount + output,
    ...(cacheRead > 0 && { cachedContentTokenCount: cacheRead }),
    ...(reasoning > 0 && { thoughtsTokenCount: reasoning }),
  };
}

/** Characters of a token, in text of the usual mix. */
const charactersPerToken = 4;

export function estimatedUsage(inputTokens: number, outputCharacters: number): TokenUsage {
  const output = Math.ceil(outputCharacters / charactersPerToken);
  return { input: inputTokens, output, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, reasoning: 0 };
}

function charactersOf(parts: readonly AssistantPart[]): number {
  return parts.reduce((sum, part) => sum + (part.type === "tool_call" ? part.arguments : part.text).length, 0);
}
