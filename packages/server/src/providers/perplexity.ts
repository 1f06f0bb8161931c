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
  // https://docs.perplexity.ai/api-reference/chat-completions-post and /responses-post, 2026.
  quirks: {
    streamUsage: "always",
    chat: { takes: ["top_k"], lacks: ["seed"] },
    responses: { takes: [], store: false },
  },
  probe: { modelsPath: null, keyPath: "/async/chat/completions" },
});
