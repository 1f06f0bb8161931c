import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const zai = defineProvider({
  id: "zai",
  name: "Z.AI",
  baseUrl: "https://api.z.ai",
  dialects: { "openai-chat": "/api/paas/v4", "anthropic-messages": "/api/anthropic/v1" },
  auth: bearer(),
  env: ["ZAI_API_KEY", "ZHIPU_API_KEY", "GLM_API_KEY"],
});
