import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const llamaCpp = defineProvider({
  id: "llama-cpp",
  name: "llama.cpp server",
  baseUrl: "http://127.0.0.1:8080",
  dialects: { "openai-chat": "/v1", "anthropic-messages": "/v1" },
  auth: bearer(),
  env: [],
  local: true,
  // tools/server/README.md of llama.cpp, 2026. The effort `none` does the same since July 2026 only.
  quirks: { chat: { takes: ["top_k"], thinkingSwitch: "chat_template" } },
});
