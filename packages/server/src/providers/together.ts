import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const together = defineProvider({
  id: "together",
  name: "Together AI",
  baseUrl: "https://api.together.ai",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: ["TOGETHER_API_KEY"],
  // https://docs.together.ai/docs/inference/chat/reasoning and the reference of chat completions, 2026.
  quirks: { chat: { takes: ["top_k"], thinkingSwitch: "reasoning" } },
});
