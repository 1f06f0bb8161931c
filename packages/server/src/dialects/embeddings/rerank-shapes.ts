import type { JsonObject } from "../canonical/conversation.ts";
import { Losses } from "../canonical/loss.ts";
import { present } from "../canonical/wire.ts";
import { field } from "../counter.ts";
import type { RerankContext, RerankResult, RerankShape, RerankShapeId } from "./rerank.ts";
import { readRequest, readResults, replyWith } from "./rerank-reading.ts";

/** https://docs.cohere.com/reference/rerank; older clients ask for the documents, as version 1 gave them. */
const cohere: RerankShape = {
  id: "cohere",
  decodeRequest(body) {
    const { max_tokens_per_doc, priority: _priority, ...asked } = body;
    const { request, losses } = readRequest(asked, {
      documents: "documents",
      topN: "top_n",
      withDocuments: "return_documents",
      usuallyWithDocuments: false,
    });
    const all = new Losses();
    all.addAll(losses);
    if (typeof max_tokens_per_doc === "number") all.dropped("max_tokens_per_doc", "only Cohere cuts documents so");
    return { request, losses: all.list };
  },
  encodeRequest: ({ query, documents, topN }, model) => ({
    body: present({ model, query, documents, top_n: topN }),
    path: "/rerank",
    losses: [],
  }),
  decodeReply: (body, request) => replyWith(readResults(field(body, "results"), request), body),
  encodeReply({ results, id, tokens, searches }, context) {
    // A search unit is a query with up to a hundred documents.
    const search_units = searches ?? Math.ceil(context.request.documents.length / 100);
    const billed_units = present({ search_units, input_tokens: tokens });
    return {
      id: id ?? context.requestId,
      results: results.map((result) => withText(result, context, (text) => ({ document: { text } }))),
      meta: { api_version: { version: "2" }, billed_units },
    };
  },
};

/** https://jina.ai/reranker */
const jina: RerankShape = {
  id: "jina",
  decodeRequest: (body) =>
    readRequest(
      { ...body, top_n: body["top_n"] ?? body["top_k"], top_k: null },
      { documents: "documents", topN: "top_n", withDocuments: "return_documents", usuallyWithDocuments: true },
    ),
  encodeRequest: ({ query, documents, topN }, model) => ({
    body: present({ model, query, documents, top_n: topN, return_documents: false }),
    path: "/rerank",
    losses: [],
  }),
  decodeReply: (body, request) => replyWith(readResults(field(body, "results") ?? field(body, "data"), request), body),
  encodeReply({ results, tokens }, context) {
    return {
      model: context.model,
      object: "list",
      usage: { total_tokens: tokens ?? context.estimatedInput },
      results: results.map((result) => withText(result, context, (text) => ({ document: { text } }))),
    };
  },
};

/** https://docs.voyageai.com/reference/reranker-api */
const voyage: RerankShape = {
  id: "voyage",
  decodeRequest: (body) =>
    readRequest(body, {
      documents: "documents",
      topN: "top_k",
      withDocuments: "return_documents",
      usuallyWithDocuments: false,
    }),
  encodeRequest: ({ query, documents, topN }, model) => ({
    body: present({ model, query, documents, top_k: topN }),
    path: "/rerank",
    losses: [],
  }),
  decodeReply: (body, request) => replyWith(readResults(field(body, "data"), request), body),
  encodeReply({ results, tokens }, context) {
    return {
      object: "list",
      data: results.map((result) => withText(result, context, (document) => ({ document }))),
      model: context.model,
      usage: { total_tokens: tokens ?? context.estimatedInput },
    };
  },
};

/** https://huggingface.co/docs/text-embeddings-inference: one model, which is not named, and no usage. */
const tei: RerankShape = {
  id: "tei",
  decodeRequest: (body) =>
    readRequest(body, { documents: "texts", withDocuments: "return_text", usuallyWithDocuments: false }),
  encodeRequest: ({ query, documents }) => ({ body: { query, texts: documents }, path: "/rerank", losses: [] }),
  decodeReply: (body, request) => replyWith(readResults(body, request), undefined),
  encodeReply: ({ results }, { request }) =>
    results.map(({ index, score }) => {
      return request.withDocuments ? { index, text: request.documents[index], score } : { index, score };
    }),
};

function withText(
  { index, score }: RerankResult,
  { request }: RerankContext,
  shown: (text: string) => JsonObject,
): JsonObject {
  const text = request.withDocuments ? request.documents[index] : undefined;
  return { index, relevance_score: score, ...(text !== undefined && shown(text)) };
}

const shapes: Readonly<Record<RerankShapeId, RerankShape>> = { cohere, jina, voyage, tei };

export function rerankShape(id: RerankShapeId): RerankShape {
  return shapes[id];
}
