import { header } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const anthropic = defineProvider({
  id: "anthropic",
  name: "Anthropic",
  baseUrl: "https://api.anthropic.com",
  dialects: { "anthropic-messages": "/v1" },
  auth: header("x-api-key"),
  env: ["ANTHROPIC_API_KEY"],
});
