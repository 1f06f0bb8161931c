import { anthropicMessages } from "./anthropic-messages/index.ts";
import type { Dialect, DialectId } from "./dialect.ts";
import { gemini } from "./gemini/index.ts";
import { ollama } from "./ollama/index.ts";
import { openaiChat } from "./openai-chat/index.ts";
import { openaiResponses } from "./openai-responses/index.ts";

export type {
  Dialect,
  DialectId,
  DialectRoute,
  Failure,
  Framing,
  StreamFilter,
  UsageReader,
  UsageReading,
} from "./dialect.ts";
export type { ReasoningState } from "./canonical/conversation.ts";
export type { Loss } from "./canonical/loss.ts";
export type { FailureKind, UpstreamFailure } from "./canonical/reply.ts";
export { createStateSeal } from "./canonical/state-seal.ts";
export type { ReplyContext } from "./codec.ts";
export { canCount, countReply } from "./codecs.ts";
export { asksForThinking } from "./thinking.ts";
export { lossyRefusal } from "./translation/lossy-refusal.ts";
export { ReplyTranslation } from "./translation/reply.ts";
export { translateRequest, type TranslatedRequest, type TranslationJob } from "./translation/request.ts";
export { hasSealedMark, withoutSealed } from "./translation/sealed-marks.ts";
export { bodyKeys } from "./body-keys.ts";
export { estimateInputTokens } from "./estimate.ts";

const all: Readonly<Record<DialectId, Dialect>> = {
  "anthropic-messages": anthropicMessages,
  gemini,
  ollama,
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
};

/** Every dialect, sorted by id. */
export const dialects: readonly Dialect[] = Object.values(all);

export function dialectById(id: DialectId): Dialect {
  return all[id];
}
