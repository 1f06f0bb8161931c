import type { Listed } from "./listed.ts";
import type { ModelShape } from "./shape.ts";

/** https://ai.google.dev/api/models. All models are on one page. Its clients put `models/` before every name. */
export const geminiModels: ModelShape = {
  dialect: "gemini",
  prefersBare: (model) => model.startsWith("gemini"),
  one,
  list: (listed) => ({ models: listed.map(one) }),
};

function one({ id, entry }: Listed): object {
  return {
    name: `models/${id}`,
    version: "",
    displayName: entry.name,
    ...(entry.contextTokens !== undefined && { inputTokenLimit: entry.contextTokens }),
    ...(entry.maxOutputTokens !== undefined && { outputTokenLimit: entry.maxOutputTokens }),
    supportedGenerationMethods: ["generateContent", "countTokens"],
  };
}
