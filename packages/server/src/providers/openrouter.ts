import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const openrouter = defineProvider({
  id: "openrouter",
  name: "OpenRouter",
  baseUrl: "https://openrouter.ai/api",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  auth: bearer(),
  env: ["OPENROUTER_API_KEY"],
  // How OpenRouter names the sender in the account's activity; https://openrouter.ai/docs/app-attribution, 2026.
  headers: { "x-title": "Portcullis" },
  quirks: { streamUsage: "always" },
  probe: { keyPath: "/v1/key" },
});
