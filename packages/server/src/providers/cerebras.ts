import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const cerebras = defineProvider({
  id: "cerebras",
  name: "Cerebras",
  baseUrl: "https://api.cerebras.ai",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: ["CEREBRAS_API_KEY"],
  // https://inference-docs.cerebras.ai/api-reference/chat-completions and /capabilities/reasoning, 2026.
  quirks: { chat: { takes: ["user", "prompt_cache_key"], thinkingSwitch: "effort" } },
});
