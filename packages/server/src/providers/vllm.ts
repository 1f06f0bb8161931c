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
  // https://docs.vllm.ai/en/latest/serving/openai_compatible_server, 2026: fields that it does not know are passed over, but a
  // tier that it does not know is refused.
  quirks: { chat: { takes: ["top_k"], thinkingSwitch: "chat_template" } },
});
