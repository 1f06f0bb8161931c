import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** Inference Providers, which pass a request on to the vendor that serves the model. */
export const huggingface = defineProvider({
  id: "huggingface",
  name: "Hugging Face",
  baseUrl: "https://router.huggingface.co",
  dialects: { "openai-chat": "/v1", "openai-responses": "/v1", "anthropic-messages": "/v1" },
  auth: bearer(),
  env: ["HF_TOKEN", "HUGGINGFACE_TOKEN"],
  probe: { modelsArePublic: true },
});
