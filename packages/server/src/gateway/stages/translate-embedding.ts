import { createDocumentTranslation, embeddingCodecOf, embeddingUsage } from "../../dialects/index.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Target } from "../../routing/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import type { AskedJson } from "./decode.ts";
import type { Translated } from "./translate.ts";

/** A request for embeddings as the provider takes them. Throws AppError `not_offered`, and what the translation throws. */
export async function translateEmbedding(
  exchange: Exchange,
  asked: AskedJson,
  target: Target,
  { translation, providers }: PipelineParts,
): Promise<Translated> {
  const { provider, model, dialect } = target;
  if (embeddingCodecOf(dialect) === undefined) {
    throw new AppError("not_offered", { model, provider: provider.name, what: "embeddings" });
  }
  const from = exchange.dialect.id;
  const job = { body: asked.body, from, to: dialect, path: exchange.route.path, model };
  exchange.contextTokens = providers.models.traitsOf(provider.id, dialect, model).contextTokens;
  const sent = await translation.translator.request("embedding", job);
  const { inputs, format, echo } = sent;
  const context = { model: asked.model, format, echo, estimatedInput: exchange.estimatedInput };
  const reply = createDocumentTranslation({
    from: dialect,
    usage: embeddingUsage(dialect),
    translate: (body) =>
      translation.translator.request("embedding_reply", { body, from: dialect, to: from, inputs, context }),
  });
  return { sent, reply };
}
