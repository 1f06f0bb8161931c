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
});
