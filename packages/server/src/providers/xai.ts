import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const xai = defineProvider({
  id: "xai",
  name: "xAI",
  baseUrl: "https://api.x.ai",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1" },
  auth: bearer(),
  env: ["XAI_API_KEY", "GROK_API_KEY"],
  // https://docs.x.ai/developers/model-capabilities/text/reasoning and the REST reference, 2026: models that reason refuse
  // penalties and stop words. The tier of a response is passed over, and what is not told so is kept for 30 days.
  quirks: {
    chat: { takes: ["user"], lacks: ["presence_penalty", "frequency_penalty"], mostStops: 0 },
    responses: { takes: ["encrypted_reasoning"] },
  },
});
