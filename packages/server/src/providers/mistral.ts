import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const mistral = defineProvider({
  id: "mistral",
  name: "Mistral AI",
  baseUrl: "https://api.mistral.ai",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: ["MISTRAL_API_KEY"],
  // `stream_options.include_usage` is refused with 422; the last chunk has the counts without it. 2026.
  // What it does not know is refused, too; https://docs.mistral.ai/api/endpoint/chat, 2026.
  quirks: { streamUsage: "always", chat: { takes: ["prompt_cache_key"], renamed: { seed: "random_seed" } } },
});
