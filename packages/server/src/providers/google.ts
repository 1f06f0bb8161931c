import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** The OpenAI-compatible side of the Gemini API. */
export const google = defineProvider({
  id: "google",
  name: "Google Gemini",
  baseUrl: "https://generativelanguage.googleapis.com",
  dialects: { "openai-chat": "/v1beta/openai" },
  auth: bearer(),
  env: ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"],
});
