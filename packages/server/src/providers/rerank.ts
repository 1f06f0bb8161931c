import type { RerankShapeId } from "../dialects/index.ts";

/** How a provider puts documents in order, where it does that at all: there are several shapes, all beside OpenAI's dialect. */
export interface RerankRules {
  readonly shape: RerankShapeId;
  /** What the shape's own path follows, under the base URL; absent where that is what the dialect's paths follow. */
  readonly path?: string;
}

/** The same as it is in force. */
export interface Reranker {
  readonly shape: RerankShapeId;
  /** The address that the shape's own path follows; undefined where it is that of the dialect. */
  readonly endpoint: string | undefined;
}

/** Most have Jina's, engines of one's own too. */
export const usualRerank: RerankRules = { shape: "jina" };

export function rerankerOf({ shape, path }: RerankRules, baseUrl: string): Reranker {
  return { shape, endpoint: path === undefined ? undefined : baseUrl + path };
}

/** Of a provider that was not defined by us, the address tells: a second version of this has Cohere only. */
export function rerankerAt(baseUrl: string): Reranker {
  const { hostname, origin, pathname } = new URL(baseUrl);
  if (/(?:^|\.)cohere\.(?:com|ai)$/.test(hostname)) return { shape: "cohere", endpoint: `${origin}/v2` };
  if (pathname.endsWith("/v2")) return { shape: "cohere", endpoint: undefined };
  return { shape: /(?:^|\.)voyageai\.com$/.test(hostname) ? "voyage" : usualRerank.shape, endpoint: undefined };
}
