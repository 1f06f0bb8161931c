import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

export const deepinfra = defineProvider({
  id: "deepinfra",
  name: "DeepInfra",
  baseUrl: "https://api.deepinfra.com",
  dialects: { "openai-chat": "/v1/openai" },
  auth: bearer(),
  env: ["DEEPINFRA_API_KEY"],
  probe: { modelsArePublic: true },
});
