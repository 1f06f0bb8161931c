import { Losses, type Loss } from "../canonical/loss.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { DialectId } from "../dialect.ts";
import type { EmbeddingCodec, VectorFormat } from "../embeddings/embedding.ts";
import { embeddingCodecOf } from "../embeddings/embeddings.ts";
import { parsedJob } from "./parsed-job.ts";

/** All that the translation of a request for embeddings needs; it can be cloned to another thread. */
export interface EmbeddingJob {
  /** The caller's body, which was found to be a JSON object. */
  readonly body: Uint8Array;
  readonly from: DialectId;
  readonly to: DialectId;
  /** The route that was called, as the dialect's table has it. */
  readonly path: string;
  /** Its name at the provider. */
  readonly model: string;
}

export interface TranslatedEmbedding {
  readonly body: Uint8Array;
  /** Behind the endpoint. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly losses: readonly Loss[];
  /** How many vectors the reply must have. */
  readonly inputs: number;
  readonly format: VectorFormat;
  readonly echo: JsonObject;
}

/** Throws AppError `invalid_request`, `missing_field` for what the caller's dialect would refuse too, or the provider's cannot be asked. */
export function translateEmbedding({ body, from, to, path, model }: EmbeddingJob): TranslatedEmbedding {
  const decoded = requireEmbeddingCodec(from).decodeRequest(parsedJob(body), path);
  const sent = requireEmbeddingCodec(to).encodeRequest(decoded.request, model);
  const losses = new Losses();
  losses.addAll(decoded.losses);
  losses.addAll(sent.losses);
  return {
    body: Buffer.from(JSON.stringify(sent.body)),
    path: sent.path,
    headers: {},
    losses: losses.list,
    inputs: decoded.request.inputs.length,
    format: decoded.request.format,
    echo: decoded.echo,
  };
}

/** For a dialect that has embeddings; who asks has made sure of it. */
export function requireEmbeddingCodec(id: DialectId): EmbeddingCodec {
  const codec = embeddingCodecOf(id);
  if (codec === undefined) throw new TypeError(`${id} has no embeddings`);
  return codec;
}
