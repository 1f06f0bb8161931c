import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const nvidia = defineProvider({
  id: "nvidia",
  name: "NVIDIA",
  baseUrl: "https://integrate.api.nvidia.com",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: ["NVIDIA_API_KEY"],
  probe: { modelsArePublic: true },
  // As the model cards at https://build.nvidia.com show it (`z-ai/glm5`, 2026); vLLM and its like run behind it.
  quirks: { chat: { thinkingSwitch: "chat_template" } },
});
