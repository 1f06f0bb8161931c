import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const cerebras = defineProvider({
  id: "cerebras",
  name: "Cerebras",
  baseUrl: "https://api.cerebras.ai",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: ["CEREBRAS_API_KEY"],
});
