import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const deepseek = defineProvider({
  id: "deepseek",
  name: "DeepSeek",
  baseUrl: "https://api.deepseek.com",
  dialects: { "openai-chat": "/v1", "anthropic-messages": "/anthropic/v1" },
  auth: bearer(),
  env: ["DEEPSEEK_API_KEY"],
  // https://api-docs.deepseek.com/guides/thinking_mode and /api/create-chat-completion, 2026.
  quirks: { chat: { lacks: ["seed", "parallel_tool_calls"], mostStops: 16, thinkingSwitch: "thinking" } },
});
