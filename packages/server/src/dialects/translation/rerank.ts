import type { Loss } from "../canonical/loss.ts";
import { Losses } from "../canonical/loss.ts";
import type { RerankContext, RerankRequest, RerankShapeId } from "../embeddings/rerank.ts";
import { rerankShape } from "../embeddings/rerank-shapes.ts";
import { createRerankReader } from "../openai-chat/embeddings.ts";
import { createStreamReader } from "../openai-chat/usage.ts";
import { createDocumentTranslation, translateDocument } from "./document-translation.ts";
import { parsedJob } from "./parsed-job.ts";
import type { ReplyTranslator } from "./reply-translator.ts";

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

export interface RerankReplyOptions {
  /** As the provider has it. */
  readonly from: RerankShapeId;
  /** As the caller wants it. */
  readonly to: RerankShapeId;
  readonly context: RerankContext;
}

/** All shapes are of one dialect, so what the provider refuses is said in that. */
export function createRerankReply({ from, to, context }: RerankReplyOptions): ReplyTranslator {
  return createDocumentTranslation({
    from: "openai-chat",
    usage: { body: createRerankReader, stream: createStreamReader },
    translate: (body) =>
      translateDocument(body, "openai-chat", (document) => {
        const reply = rerankShape(from).decodeReply(document, context.request);
        return "kind" in reply ? reply : { written: rerankShape(to).encodeReply(reply, context) };
      }),
  });
}
