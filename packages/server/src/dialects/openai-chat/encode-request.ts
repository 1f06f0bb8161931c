import type { EncodedRequest, TargetModel } from "../codec.ts";
import type { Conversation, JsonObject, Turn } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { encodeMessages } from "./encode-messages.ts";
import { encodeExtras, encodeLimit, encodeOutput, encodeReasoning, encodeSampling } from "./encode-options.ts";
import { encodeTools, noMarks } from "./encode-tools.ts";

export function encodeRequest(conversation: Conversation, target: TargetModel): EncodedRequest {
  const { traits, asksForUsage } = target;
  const losses = new Losses();
  const output = encodeOutput(conversation, traits, losses);
  const messages = encodeMessages(conversation, target, losses);
  if (conversation.turns.some(hasMark) || conversation.system.some(({ cache }) => cache !== undefined))
    losses.hint("cache_control", noMarks);
  const body: JsonObject = {
    model: target.model,
    messages: instructed(messages, output.instruction),
    ...encodeTools(conversation, traits, losses),
    ...encodeLimit(conversation, traits, losses),
    ...encodeSampling(conversation, traits, losses),
    ...encodeReasoning(conversation, traits, losses),
    ...output.fields,
    ...encodeExtras(conversation, traits, losses),
    ...(conversation.stream && { stream: true, ...(asksForUsage && { stream_options: { include_usage: true } }) }),
  };
  return { body, path: "/chat/completions", headers: {}, losses: losses.list };
}

function hasMark({ parts }: Turn): boolean {
  return parts.some((part) => "cache" in part && part.cache !== undefined);
}

/** Puts an instruction behind those that lead. */
function instructed(messages: readonly JsonObject[], instruction: string | undefined): readonly JsonObject[] {
  if (instruction === undefined) return messages;
  const [first, ...rest] = messages;
  if (first?.["role"] !== "system") return [{ role: "system", content: instruction }, ...messages];
  return [{ ...first, content: `${String(first["content"])}\n\n${instruction}` }, ...rest];
}
