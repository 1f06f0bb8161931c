import { bearer } from "./auth.ts";
import { defineProvider } from "./provider.ts";

/** Hugging Face's engine for embeddings and rerankers: one model a server, which has no list of them and takes any name. */
export const tei = defineProvider({
  id: "tei",
  name: "Text Embeddings Inference",
  baseUrl: "http://127.0.0.1:3000",
  dialects: { "openai-chat": "/v1" },
  auth: bearer(),
  env: [],
  probe: { modelsPath: null, keyPath: "/info" },
  rerank: { shape: "tei", path: "" },
  local: true,
});
