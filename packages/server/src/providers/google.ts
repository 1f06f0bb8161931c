import { bearer, header } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** The Gemini API, and the OpenAI-compatible side of it, which wants its key where OpenAI does. */
export const google = defineProvider({
  id: "google",
  name: "Google Gemini",
  baseUrl: "https://generativelanguage.googleapis.com",
  dialects: { gemini: "/v1beta", "openai-chat": "/v1beta/openai" },
  translateTo: "gemini",
  auth: header("x-goog-api-key"),
  authByDialect: { "openai-chat": bearer() },
  env: ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"],
});
