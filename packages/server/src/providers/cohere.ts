import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** Its compatibility API, which speaks OpenAI's dialect; reranking stands beside it. */
export const cohere = defineProvider({
  id: "cohere",
  name: "Cohere",
  baseUrl: "https://api.cohere.ai",
  dialects: { "openai-chat": "/compatibility/v1" },
  auth: bearer(),
  env: ["COHERE_API_KEY"],
  // A request with `stream_options` is refused; Cohere's compatibility API, 2026.
  quirks: { streamUsage: "unsupported" },
  rerank: { shape: "cohere", path: "/v2" },
  probe: { modelsPath: "/v1/models" },
});
