/** A secret whose name says what it is for, and the variables it is commonly kept in, the first one first. */
export interface RecognisedSecret {
  readonly name: string;
  readonly environment: readonly string[];
}

/** Sorted by name. Two names may stand for the same: each is found in the other's variable too. */
export const recognisedSecrets: readonly RecognisedSecret[] = [
  { name: "anthropic_api_key", environment: ["ANTHROPIC_API_KEY"] },
  { name: "azure_openai_api_key", environment: ["AZURE_OPENAI_API_KEY"] },
  { name: "cerebras_api_key", environment: ["CEREBRAS_API_KEY"] },
  { name: "cohere_api_key", environment: ["COHERE_API_KEY", "CO_API_KEY"] },
  { name: "dashscope_api_key", environment: ["DASHSCOPE_API_KEY"] },
  { name: "deepinfra_api_key", environment: ["DEEPINFRA_API_KEY"] },
  { name: "deepseek_api_key", environment: ["DEEPSEEK_API_KEY"] },
  { name: "fireworks_api_key", environment: ["FIREWORKS_API_KEY"] },
  { name: "gemini_api_key", environment: ["GEMINI_API_KEY", "GOOGLE_API_KEY"] },
  { name: "github_token", environment: ["GITHUB_TOKEN", "GH_TOKEN"] },
  { name: "google_api_key", environment: ["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"] },
  { name: "grok_api_key", environment: ["GROK_API_KEY", "XAI_API_KEY"] },
  { name: "groq_api_key", environment: ["GROQ_API_KEY"] },
  { name: "hf_token", environment: ["HF_TOKEN", "HUGGINGFACE_TOKEN"] },
  { name: "huggingface_token", environment: ["HUGGINGFACE_TOKEN", "HF_TOKEN"] },
  { name: "minimax_api_key", environment: ["MINIMAX_API_KEY"] },
  { name: "mistral_api_key", environment: ["MISTRAL_API_KEY"] },
  { name: "moonshot_api_key", environment: ["MOONSHOT_API_KEY"] },
  { name: "nvidia_api_key", environment: ["NVIDIA_API_KEY"] },
  { name: "ollama_api_key", environment: ["OLLAMA_API_KEY"] },
  { name: "openai_api_key", environment: ["OPENAI_API_KEY"] },
  { name: "openrouter_api_key", environment: ["OPENROUTER_API_KEY"] },
  { name: "perplexity_api_key", environment: ["PERPLEXITY_API_KEY"] },
  { name: "together_api_key", environment: ["TOGETHER_API_KEY"] },
  { name: "vastai_api_key", environment: ["VASTAI_API_KEY", "VAST_API_KEY"] },
  { name: "xai_api_key", environment: ["XAI_API_KEY", "GROK_API_KEY"] },
  { name: "zai_api_key", environment: ["ZAI_API_KEY", "ZHIPU_API_KEY", "GLM_API_KEY"] },
];

/** What the name of a secret looks like. */
export const secretName = /^[a-z0-9][a-z0-9_.-]{0,127}$/;

/** How large a secret may be, in bytes of UTF-8. */
export const secretMaxBytes = 65_536;

/** `openai-api-key`, `openai.api.key` and `openai_api_key` are kept in the same variable: OPENAI_API_KEY. */
export function variableOf(name: string): string {
  return name.toUpperCase().replaceAll(/[.-]/g, "_");
}

const knownVariables = new Map(recognisedSecrets.map(({ name, environment }) => [variableOf(name), environment]));

/** The variables in which a secret of this name is looked for, in this order. */
export function variablesOf(name: string): readonly string[] {
  const variable = variableOf(name);
  return knownVariables.get(variable) ?? [variable];
}
