import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const xai = defineProvider({
  id: "xai",
  name: "xAI",
  baseUrl: "https://api.x.ai",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1" },
  auth: bearer(),
  env: ["XAI_API_KEY", "GROK_API_KEY"],
});
