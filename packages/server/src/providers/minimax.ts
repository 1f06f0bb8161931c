import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const minimax = defineProvider({
  id: "minimax",
  name: "MiniMax",
  baseUrl: "https://api.minimax.io",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/anthropic/v1" },
  auth: bearer(),
  env: ["MINIMAX_API_KEY"],
});
