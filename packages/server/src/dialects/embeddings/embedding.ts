import type { JsonObject } from "../canonical/conversation.ts";
import type { Loss } from "../canonical/loss.ts";
import type { UpstreamFailure } from "../canonical/reply.ts";
import type { DialectId, UsageReaders } from "../dialect.ts";

/*
 * Embeddings, said in no dialect: texts go in, and for each a vector comes out, in the same order. What a codec does here is as pure
 * as what one of a conversation does.
 */

export interface EmbeddingRequest {
  /** One or more, none of them empty. */
  readonly inputs: readonly string[];
  readonly dimensions?: number;
  /** How the caller wants the numbers; `base64` is that of little-endian 32-bit floats. */
  readonly format: VectorFormat;
  /** What the vectors are for, as some models want to be told. */
  readonly task?: EmbeddingTask;
}

export type VectorFormat = "float" | "base64";

export type EmbeddingTask =
  | "query"
  | "document"
  | "similarity"
  | "classification"
  | "clustering"
  | "question"
  | "fact"
  | "code_query";

export interface EmbeddingReply {
  readonly vectors: readonly (readonly number[])[];
  /** Of the input; undefined where the provider stated none. */
  readonly tokens: number | undefined;
}

export interface EmbeddingCodec {
  readonly id: DialectId;
  /** `path` is that of the route, as the dialect's table has it. @throws AppError `invalid_request`, `missing_field` */
  decodeRequest(body: JsonObject, path: string): DecodedEmbeddingRequest;
  encodeRequest(request: EmbeddingRequest, model: string): EncodedEmbeddingRequest;
  /** Lenient. What has not one vector for each of `inputs` texts is a failure. */
  decodeReply(body: JsonObject, inputs: number): EmbeddingReply | UpstreamFailure;
  encodeReply(reply: EmbeddingReply, context: EmbeddingContext): JsonObject;
  /** Where the counts stand in a provider's reply. */
  readonly usage: UsageReaders;
}

export interface DecodedEmbeddingRequest {
  readonly request: EmbeddingRequest;
  readonly losses: readonly Loss[];
  /** What the reply depends on; small. */
  readonly echo: JsonObject;
}

export interface EncodedEmbeddingRequest {
  readonly body: JsonObject;
  /** Behind the provider's endpoint for the dialect. */
  readonly path: string;
  readonly losses: readonly Loss[];
}

/** What a reply to the caller is written with. */
export interface EmbeddingContext {
  /** The name that the caller asked for. */
  readonly model: string;
  readonly format: VectorFormat;
  readonly echo: JsonObject;
  /** Tokens of the request, for clients that want a count where the provider stated none. */
  readonly estimatedInput: number;
}

/** What the codecs say of a reply that has not what was asked for. */
export function brokenVectors(problem: string): UpstreamFailure {
  return { kind: "broken", status: 200, message: `the reply about embeddings ${problem}` };
}
