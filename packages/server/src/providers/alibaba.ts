import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** The international edition (Singapore); other regions have the same paths under another base URL. */
export const alibaba = defineProvider({
  id: "alibaba",
  name: "Alibaba Cloud Model Studio",
  baseUrl: "https://dashscope-intl.aliyuncs.com",
  dialects: {
    "openai-chat": "/compatible-mode/v1",
    "openai-responses": "/api/v2/apps/protocols/compatible-mode/v1",
    "anthropic-messages": "/apps/anthropic/v1",
  },
  auth: bearer(),
  env: ["DASHSCOPE_API_KEY"],
  // https://www.alibabacloud.com/help/en/model-studio/qwen-api-via-openai-chat-completions and /deep-thinking, 2026.
  quirks: { chat: { takes: ["top_k"], lacks: ["frequency_penalty"], thinkingSwitch: "enable_thinking" } },
});
