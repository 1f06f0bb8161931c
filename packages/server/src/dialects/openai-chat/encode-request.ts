import type { EncodedRequest, TargetModel } from "../codec.ts";
import type { Conversation, JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import type { ModelTraits } from "../../kernel/model-traits.ts";
import { hasMark, lostMark } from "../openai-cache-mark.ts";
import { openaiRules } from "../request-rules.ts";
import { encodeMessages } from "./encode-messages.ts";
import { encodeExtras, encodeLimit, encodeOutput, encodeSampling, encodeStop } from "./encode-options.ts";
import { encodeReasoning } from "./encode-reasoning.ts";
import { textPart } from "./encode-parts.ts";
import { encodeTools } from "./encode-tools.ts";
import { followRules } from "./follow-rules.ts";

export function encodeRequest(conversation: Conversation, target: TargetModel): EncodedRequest {
  const { traits, asksForUsage } = target;
  const rules = (target.rules ?? openaiRules).chat;
  const losses = new Losses();
  const output = encodeOutput(conversation, traits, losses);
  const messages = encodeMessages(conversation, target, losses);
  loseMarks(conversation, traits, losses);
  const body: JsonObject = {
    model: target.model,
    messages: instructed(messages, output.instruction),
    ...followRules(
      {
        ...encodeTools(conversation, traits, rules, losses),
        ...encodeLimit(conversation, traits, losses),
        ...encodeSampling(conversation, traits, losses),
        ...encodeStop(conversation, rules, losses),
        ...encodeReasoning(conversation, traits, rules.thinkingSwitch, losses),
        ...output.fields,
        ...encodeExtras(conversation, traits, losses),
      },
      rules,
      losses,
    ),
    ...(conversation.stream && { stream: true, ...(asksForUsage && { stream_options: { include_usage: true } }) }),
  };
  return { body, path: "/chat/completions", headers: {}, losses: losses.list };
}

/** What the model said, and what it is told in between, bear none. */
function loseMarks({ system, turns }: Conversation, { cacheField }: ModelTraits, losses: Losses): void {
  const unmarkable = cacheField === "none" ? turns : turns.filter(({ role }) => role !== "user");
  const isLost = unmarkable.some(({ parts }) => hasMark(parts)) || (cacheField === "none" && hasMark(system));
  if (isLost) losses.hint("cache_control", lostMark(cacheField));
}

/** Puts an instruction behind those that lead. */
function instructed(messages: readonly JsonObject[], instruction: string | undefined): readonly JsonObject[] {
  if (instruction === undefined) return messages;
  const [first, ...rest] = messages;
  if (first?.["role"] !== "system") return [{ role: "system", content: instruction }, ...messages];
  const { content } = first;
  const both = Array.isArray(content) ? [...content, textPart(instruction)] : `${String(content)}\n\n${instruction}`;
  return [{ ...first, content: both }, ...rest];
}
