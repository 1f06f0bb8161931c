import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const ollamaCloud = defineProvider({
  id: "ollama-cloud",
  name: "Ollama Cloud",
  baseUrl: "https://ollama.com",
  dialects: { ollama: "/api", "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  translateTo: "ollama",
  auth: bearer(),
  env: ["OLLAMA_API_KEY"],
  probe: { modelsArePublic: true },
});
