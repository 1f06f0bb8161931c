import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** Chat completions have no version segment. */
export const perplexity = defineProvider({
  id: "perplexity",
  name: "Perplexity",
  baseUrl: "https://api.perplexity.ai",
  dialects: { "openai-chat": "", "openai-responses": "/v1" },
  auth: bearer(),
  env: ["PERPLEXITY_API_KEY"],
  quirks: { streamUsage: "always" },
  probe: { modelsPath: null, keyPath: "/async/chat/completions" },
});
