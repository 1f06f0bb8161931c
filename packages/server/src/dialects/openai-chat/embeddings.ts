import { noMedia, noTokens, type TokenUsage } from "../../kernel/tokens.ts";
import { counter } from "../counter.ts";
import type { UsageReader } from "../dialect.ts";
import { createStatedReader } from "./stated.ts";

/** Voyage and Jina state the total only, where there is nothing but input. */
function inputTokens(usage: unknown): TokenUsage | undefined {
  const input = counter(usage, "prompt_tokens") ?? counter(usage, "total_tokens");
  return input === undefined ? undefined : { ...noTokens, input };
}

/** https://platform.openai.com/docs/api-reference/embeddings/object */
export function createEmbeddingsReader(): UsageReader {
  return createStatedReader(["usage"], (member) => inputTokens(member("usage")));
}

/**
 * Rerankers: Jina states tokens in `usage`, Cohere search units (and tokens, where those are charged) in
 * `meta.billed_units`. https://docs.cohere.com/reference/rerank, https://jina.ai/reranker
 */
export function createRerankReader(): UsageReader {
  return createStatedReader(["usage", "meta"], (member) => {
    const meta = member("meta");
    const searches = counter(meta, "billed_units", "search_units");
    const input = inputTokens(member("usage"))?.input ?? counter(meta, "billed_units", "input_tokens");
    if (searches === undefined && input === undefined) return undefined;
    const media = searches === undefined ? {} : { media: { ...noMedia, searches } };
    return { ...noTokens, input: input ?? 0, ...media };
  });
}

/** Moderation states no usage where it is free; Mistral charges it by the token. */
export function createModerationReader(): UsageReader {
  return createStatedReader(["usage"], (member) => inputTokens(member("usage")) ?? noTokens);
}
