import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const fireworksAi = defineProvider({
  id: "fireworks-ai",
  name: "Fireworks AI",
  baseUrl: "https://api.fireworks.ai/inference",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  auth: bearer(),
  env: ["FIREWORKS_API_KEY"],
});
