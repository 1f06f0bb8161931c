import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** Speech and transcription on one's own machine, in OpenAI's shapes. */
export const speaches = defineProvider({
  id: "speaches",
  name: "Speaches",
  baseUrl: "http://127.0.0.1:8000",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: [],
  local: true,
});
