import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const openrouter = defineProvider({
  id: "openrouter",
  name: "OpenRouter",
  baseUrl: "https://openrouter.ai/api",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  auth: bearer(),
  env: ["OPENROUTER_API_KEY"],
  // How OpenRouter names the sender in the account's activity; https://openrouter.ai/docs/app-attribution, 2026.
  headers: { "x-title": "Portcullis" },
  // https://openrouter.ai/docs/api/reference/parameters, /guides/best-practices/prompt-caching and the reference of
  // /responses, 2026. Its models are asked for reasoning with `reasoning_effort`, `none` included.
  quirks: {
    streamUsage: "always",
    chat: { takes: ["user", "prompt_cache_key", "verbosity", "top_k"] },
    responses: {
      takes: ["custom_tools", "encrypted_reasoning", "prompt_cache_key", "safety_identifier", "verbosity"],
    },
  },
  probe: { keyPath: "/v1/key" },
});
