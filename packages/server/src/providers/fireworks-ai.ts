import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const fireworksAi = defineProvider({
  id: "fireworks-ai",
  name: "Fireworks AI",
  baseUrl: "https://api.fireworks.ai/inference",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  auth: bearer(),
  env: ["FIREWORKS_API_KEY"],
  // https://docs.fireworks.ai/api-reference/post-chatcompletions, 2026: `thinking` may not stand beside `reasoning_effort`.
  quirks: { chat: { takes: ["user", "prompt_cache_key", "top_k"], thinkingSwitch: "thinking" } },
});
