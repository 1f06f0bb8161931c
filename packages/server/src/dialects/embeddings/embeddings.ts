import type { DialectId } from "../dialect.ts";
import type { EmbeddingCodec } from "./embedding.ts";
import { geminiEmbeddings } from "./gemini.ts";
import { ollamaEmbeddings } from "./ollama.ts";
import { openaiEmbeddings } from "./openai.ts";

/** What speaks of embeddings, by dialect; Anthropic and Responses have none. */
const codecs: Readonly<Partial<Record<DialectId, EmbeddingCodec>>> = {
  gemini: geminiEmbeddings,
  ollama: ollamaEmbeddings,
  "openai-chat": openaiEmbeddings,
};

export function embeddingCodecOf(id: DialectId): EmbeddingCodec | undefined {
  return codecs[id];
}
