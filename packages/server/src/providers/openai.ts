import { openaiRules } from "../dialects/index.ts";
import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const openai = defineProvider({
  id: "openai",
  name: "OpenAI",
  baseUrl: "https://api.openai.com",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1" },
  translateTo: "openai-responses",
  auth: bearer(),
  env: ["OPENAI_API_KEY"],
  quirks: openaiRules,
});
