import { createDocumentTranslation, rerankUsage, type DialectRoute, type RerankShapeId } from "../../dialects/index.ts";
import { AppError } from "../../kernel/errors.ts";
import type { Target } from "../../routing/index.ts";
import type { Exchange } from "../exchange.ts";
import type { PipelineParts } from "../pipeline.ts";
import type { AskedJson } from "./decode.ts";
import type { Translated } from "./translate.ts";

/**
 * The caller's shape. Cohere's clients call the second version. All others call the first, and what tells those of Jina from those
 * of Voyage is how they say how many results they want; where they do not, they are taken for the provider's own.
 */
export function shapeOf({ path }: DialectRoute, { fields }: AskedJson, { provider }: Target): RerankShapeId {
  if (path.startsWith("/v2/")) return "cohere";
  if (fields.get("top_n") !== undefined) return "jina";
  const isVoyage = fields.get("top_k") !== undefined || provider.rerank.shape === "voyage";
  return isVoyage ? "voyage" : "jina";
}

/** A request to a reranker in the provider's shape. Throws AppError `not_offered`, and what the translation throws. */
export async function translateRerank(
  exchange: Exchange,
  asked: AskedJson,
  target: Target,
  { translation }: PipelineParts,
): Promise<Translated> {
  const { provider, model, dialect } = target;
  if (dialect !== exchange.dialect.id) {
    throw new AppError("not_offered", { model, provider: provider.name, what: "reranking" });
  }
  const from = shapeOf(exchange.route, asked, target);
  const to = provider.rerank.shape;
  const sent = await translation.translator.request("rerank", { body: asked.body, from, to, model });
  const { id: requestId, estimatedInput } = exchange;
  const context = { model: asked.model, requestId, request: sent.request, estimatedInput };
  const reply = createDocumentTranslation({
    from: dialect, // all shapes are of one dialect, so what the provider refuses is said in that
    usage: rerankUsage,
    translate: (body) => translation.translator.request("rerank_reply", { body, from: to, to: from, context }),
  });
  return { sent, reply };
}
