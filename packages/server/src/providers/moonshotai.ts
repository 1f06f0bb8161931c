import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const moonshotai = defineProvider({
  id: "moonshotai",
  name: "Moonshot AI",
  baseUrl: "https://api.moonshot.ai",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/anthropic/v1" },
  auth: bearer(),
  env: ["MOONSHOT_API_KEY"],
  // https://platform.kimi.ai/docs/api/chat, 2026: unknown fields are passed over.
  quirks: {
    chat: {
      takes: ["user", "prompt_cache_key"],
      lacks: ["seed"],
      renamed: { user: "safety_identifier" },
      thinkingSwitch: "thinking",
    },
  },
});
