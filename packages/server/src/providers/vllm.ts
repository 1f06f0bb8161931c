import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const vllm = defineProvider({
  id: "vllm",
  name: "vLLM",
  baseUrl: "http://127.0.0.1:8000",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  auth: bearer(),
  env: [],
  local: true,
});
