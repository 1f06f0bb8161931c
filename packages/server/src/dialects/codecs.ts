import { anthropicCodec } from "./anthropic-messages/codec.ts";
import type { Codec } from "./codec.ts";
import type { DialectId } from "./dialect.ts";
import { geminiCodec } from "./gemini/codec.ts";
import { ollamaCodec } from "./ollama/codec.ts";
import { openaiChatCodec } from "./openai-chat/codec.ts";
import { openaiResponsesCodec } from "./openai-responses/codec.ts";

const all: Readonly<Record<DialectId, Codec>> = {
  "anthropic-messages": anthropicCodec,
  gemini: geminiCodec,
  ollama: ollamaCodec,
  "openai-chat": openaiChatCodec,
  "openai-responses": openaiResponsesCodec,
};

export function codecById(id: DialectId): Codec {
  return all[id];
}

/** Whether providers of a dialect have a place to count the tokens of a request at. */
export function canCount(id: DialectId): boolean {
  return codecById(id).count !== undefined;
}

/** A count of tokens, as a caller of the dialect is told. */
export function countReply(id: DialectId, tokens: number): string {
  const { count } = codecById(id);
  if (count === undefined) throw new TypeError(`${id} has no count of tokens`);
  return JSON.stringify(count.encodeReply(tokens));
}
