import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const together = defineProvider({
  id: "together",
  name: "Together AI",
  baseUrl: "https://api.together.ai",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: ["TOGETHER_API_KEY"],
});
