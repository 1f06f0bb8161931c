import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** Speech with the voices of Microsoft Edge, in OpenAI's shape. */
export const openaiEdgeTts = defineProvider({
  id: "openai-edge-tts",
  name: "OpenAI Edge TTS",
  baseUrl: "http://127.0.0.1:5050",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: [],
  local: true,
});
