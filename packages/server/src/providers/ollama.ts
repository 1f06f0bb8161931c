import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const ollama = defineProvider({
  id: "ollama",
  name: "Ollama",
  baseUrl: "http://127.0.0.1:11434",
  dialects: { ollama: "/api", "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  translateTo: "ollama",
  auth: bearer(),
  env: [],
  local: true,
});
