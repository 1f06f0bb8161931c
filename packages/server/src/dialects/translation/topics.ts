import { translateConversationReply } from "./conversation-reply.ts";
import { translateCountReply } from "./count-reply.ts";
import { translateEmbeddingReply } from "./embedding-reply.ts";
import { translateEmbedding } from "./embedding-request.ts";
import { translateImage, translateImageReply } from "./image.ts";
import { translateRerank, translateRerankReply } from "./rerank.ts";
import { translateRequest } from "./request.ts";
import { withoutSealed } from "./sealed-marks.ts";
import { translateTranscriptionReply } from "./transcription.ts";

/** How requests and gathered replies are translated, by what they are about. Each takes a job that can be cloned to another thread, and gives what can be too. */
export const translations = {
  conversation: translateRequest,
  conversation_reply: translateConversationReply,
  count_reply: translateCountReply,
  embedding: translateEmbedding,
  embedding_reply: translateEmbeddingReply,
  image: translateImage,
  image_reply: translateImageReply,
  rerank: translateRerank,
  rerank_reply: translateRerankReply,
  transcription_reply: translateTranscriptionReply,
  unsealed: withoutSealed,
} as const;

export type Topic = keyof typeof translations;
export type JobOf<About extends Topic> = Parameters<(typeof translations)[About]>[0];
export type TranslatedOf<About extends Topic> = ReturnType<(typeof translations)[About]>;
