import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const deepseek = defineProvider({
  id: "deepseek",
  name: "DeepSeek",
  baseUrl: "https://api.deepseek.com",
  dialects: { "openai-chat": "/v1", "anthropic-messages": "/anthropic/v1" },
  auth: bearer(),
  env: ["DEEPSEEK_API_KEY"],
});
