import { isObject } from "../canonical/wire.ts";
import type { DialectId, UsageReaders } from "../dialect.ts";
import { brokenVectors, type EmbeddingContext } from "../embeddings/embedding.ts";
import { translateDocument, type TranslatedDocument } from "./document-translation.ts";
import { requireEmbeddingCodec } from "./embedding-request.ts";

/** All that the translation of a reply with vectors needs; it can be cloned to another thread. */
export interface EmbeddingReplyJob {
  readonly body: Uint8Array;
  /** The dialect of the provider. */
  readonly from: DialectId;
  /** The caller's. */
  readonly to: DialectId;
  /** How many texts were sent. */
  readonly inputs: number;
  readonly context: EmbeddingContext;
}

export function translateEmbeddingReply({ body, from, to, inputs, context }: EmbeddingReplyJob): TranslatedDocument {
  return translateDocument(body, from, (document) => {
    if (!isObject(document)) return brokenVectors("is no JSON object");
    const reply = requireEmbeddingCodec(from).decodeReply(document, inputs);
    return "kind" in reply ? reply : { written: requireEmbeddingCodec(to).encodeReply(reply, context) };
  });
}

/** Where the counts stand in a reply with vectors. */
export function embeddingUsage(from: DialectId): UsageReaders {
  return requireEmbeddingCodec(from).usage;
}
