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
export type { ReasoningState, ThinkingPart } from "./canonical/conversation.ts";
export type { Loss } from "./canonical/loss.ts";
export type { FailureKind, UpstreamFailure } from "./canonical/reply.ts";
export { createStateSeal } from "./canonical/state-seal.ts";
export type { ReplyContext } from "./codec.ts";
export { canCount, countReply } from "./codecs.ts";
export { asksForThinking } from "./thinking.ts";
export { lossyRefusal } from "./translation/lossy-refusal.ts";
export { embeddingCodecOf } from "./embeddings/embeddings.ts";
export type { RerankShapeId } from "./embeddings/rerank.ts";
export type { ImageShapeId, TranscriptionShapeId } from "./media/media.ts";
export { encodeWhisper, readFields, whisperPath, type FormEntry } from "./media/whisper-cpp.ts";
export { conversationUsage } from "./translation/conversation-reply.ts";
export { createDocumentTranslation } from "./translation/document-translation.ts";
export { embeddingUsage } from "./translation/embedding-reply.ts";
export { createEngineReply } from "./translation/engine-reply.ts";
export { imageUsage } from "./translation/image.ts";
export { rerankUsage } from "./translation/rerank.ts";
export { transcriptionUsage, transcriptType } from "./translation/transcription.ts";
export { refusalOf, ReplyTranslation } from "./translation/reply.ts";
export type { Gathered, ReplyTranslator, StreamTranslator } from "./translation/reply-translator.ts";
export { translateRequest, type TranslatedRequest, type TranslationJob } from "./translation/request.ts";
export {
  openaiRules,
  usualRules,
  type ChatRules,
  type RequestRules,
  type ResponsesRules,
} from "./request-rules.ts";
export { translations, type JobOf, type Topic, type TranslatedOf } from "./translation/topics.ts";
export { hasSealedMark } from "./translation/sealed-marks.ts";
export { bodyKeys } from "./body-keys.ts";
export { nameInAddress } from "./name-in-address.ts";
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
