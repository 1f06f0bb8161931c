import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const groq = defineProvider({
  id: "groq",
  name: "Groq",
  baseUrl: "https://api.groq.com/openai",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1" },
  auth: bearer(),
  env: ["GROQ_API_KEY"],
});
