import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const groq = defineProvider({
  id: "groq",
  name: "Groq",
  baseUrl: "https://api.groq.com/openai",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1" },
  auth: bearer(),
  env: ["GROQ_API_KEY"],
  // https://console.groq.com/docs/openai, /reasoning, /responses-api and the reference of its SDK, 2026: no model has
  // penalties, `none` turns reasoning off; of the Responses API `store`, `include`, names of users and of caches are missing.
  quirks: {
    chat: { takes: ["user"], lacks: ["presence_penalty", "frequency_penalty"], thinkingSwitch: "effort" },
    responses: { takes: [], store: false },
  },
});
