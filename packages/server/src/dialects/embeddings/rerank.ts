import type { JsonObject } from "../canonical/conversation.ts";
import type { Loss } from "../canonical/loss.ts";
import type { UpstreamFailure } from "../canonical/reply.ts";

/*
 * Reranking, said in no shape: documents are put in the order in which they answer a query. All shapes belong to one dialect, and a
 * caller's is told by its address; which a provider has is known of the provider.
 */

export interface RerankRequest {
  readonly query: string;
  /** One or more. */
  readonly documents: readonly string[];
  /** How many are wanted; absent for all. */
  readonly topN?: number;
  /** Whether each result is to have its document's text. */
  readonly withDocuments: boolean;
}

export interface RerankReply {
  /** The best first; `index` is the document's place in the request. */
  readonly results: readonly RerankResult[];
  readonly id?: string;
  /** Undefined where the provider stated none. */
  readonly tokens: number | undefined;
  readonly searches: number | undefined;
}

export interface RerankResult {
  readonly index: number;
  readonly score: number;
}

/** Cohere's version 2; Jina's, which vLLM, llama.cpp and others have after it; Voyage's; that of Hugging Face's engine. */
export type RerankShapeId = "cohere" | "jina" | "voyage" | "tei";

export interface RerankShape {
  readonly id: RerankShapeId;
  /** @throws AppError `invalid_request`, `missing_field` */
  decodeRequest(body: JsonObject): { readonly request: RerankRequest; readonly losses: readonly Loss[] };
  encodeRequest(
    request: RerankRequest,
    model: string,
  ): { readonly body: JsonObject; readonly path: string; readonly losses: readonly Loss[] };
  /** Any JSON: one shape's is a list. Lenient; what has no results is a failure. */
  decodeReply(body: unknown, request: RerankRequest): RerankReply | UpstreamFailure;
  encodeReply(reply: RerankReply, context: RerankContext): unknown;
}

/** What a reply to the caller is written with. */
export interface RerankContext {
  /** The name that the caller asked for. */
  readonly model: string;
  readonly requestId: string;
  readonly request: RerankRequest;
  /** Tokens of the request, for clients that want a count where the provider stated none. */
  readonly estimatedInput: number;
}
