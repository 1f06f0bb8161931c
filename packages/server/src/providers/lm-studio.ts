import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const lmStudio = defineProvider({
  id: "lm-studio",
  name: "LM Studio",
  baseUrl: "http://127.0.0.1:1234",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  auth: bearer(),
  env: [],
  local: true,
  // https://lmstudio.ai/docs/developer/openai-compat/chat-completions, 2026.
  quirks: { chat: { takes: ["top_k"] } },
});
