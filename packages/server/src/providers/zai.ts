import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const zai = defineProvider({
  id: "zai",
  name: "Z.AI",
  baseUrl: "https://api.z.ai",
  dialects: { "openai-chat": "/api/paas/v4", "anthropic-messages": "/api/anthropic/v1" },
  auth: bearer(),
  env: ["ZAI_API_KEY", "ZHIPU_API_KEY", "GLM_API_KEY"],
  // https://docs.z.ai/api-reference/llm/chat-completion, 2026: one stop word, and no choice of tools but `auto`.
  quirks: {
    chat: {
      lacks: ["seed", "presence_penalty", "frequency_penalty", "parallel_tool_calls", "tool_choice"],
      mostStops: 1,
      thinkingSwitch: "thinking",
    },
  },
});
