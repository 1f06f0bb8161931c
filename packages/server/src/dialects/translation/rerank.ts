import type { Loss } from "../canonical/loss.ts";
import { Losses } from "../canonical/loss.ts";
import type { UsageReaders } from "../dialect.ts";
import type { RerankContext, RerankRequest, RerankShapeId } from "../embeddings/rerank.ts";
import { rerankShape } from "../embeddings/rerank-shapes.ts";
import { createRerankReader } from "../openai-chat/embeddings.ts";
import { createStreamReader } from "../openai-chat/usage.ts";
import { translateDocument, type TranslatedDocument } from "./document-translation.ts";
import { parsedJob } from "./parsed-job.ts";

/** All that the translation of a request to a reranker needs; it can be cloned to another thread. */
export interface RerankJob {
  /** The caller's body, which was found to be a JSON object. */
  readonly body: Uint8Array;
  readonly from: RerankShapeId;
  readonly to: RerankShapeId;
  /** Its name at the provider. */
  readonly model: string;
}

export interface TranslatedRerank {
  readonly body: Uint8Array;
  /** Behind the place where the provider has its reranker. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly losses: readonly Loss[];
  readonly request: RerankRequest;
}

/** Throws AppError `invalid_request`, `missing_field`. */
export function translateRerank({ body, from, to, model }: RerankJob): TranslatedRerank {
  const { request, losses } = rerankShape(from).decodeRequest(parsedJob(body));
  const sent = rerankShape(to).encodeRequest(request, model);
  const all = new Losses();
  all.addAll(losses);
  all.addAll(sent.losses);
  return { body: Buffer.from(JSON.stringify(sent.body)), path: sent.path, headers: {}, losses: all.list, request };
}

/** The same for the reply. */
export interface RerankReplyJob {
  readonly body: Uint8Array;
  /** As the provider has it. */
  readonly from: RerankShapeId;
  /** As the caller wants it. */
  readonly to: RerankShapeId;
  readonly context: RerankContext;
}

export const rerankUsage: UsageReaders = { body: createRerankReader, stream: createStreamReader };

export function translateRerankReply({ body, from, to, context }: RerankReplyJob): TranslatedDocument {
  return translateDocument(body, "openai-chat", (document) => {
    const reply = rerankShape(from).decodeReply(document, context.request);
    return "kind" in reply ? reply : { written: rerankShape(to).encodeReply(reply, context) };
  });
}
