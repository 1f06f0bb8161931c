import { alibaba } from "./alibaba.ts";
import { anthropic } from "./anthropic.ts";
import { automatic1111 } from "./automatic1111.ts";
import { cerebras } from "./cerebras.ts";
import { cohere } from "./cohere.ts";
import { deepinfra } from "./deepinfra.ts";
import { deepseek } from "./deepseek.ts";
import { fireworksAi } from "./fireworks-ai.ts";
import { google } from "./google.ts";
import { groq } from "./groq.ts";
import { huggingface } from "./huggingface.ts";
import { llamaCpp } from "./llama-cpp.ts";
import { lmStudio } from "./lm-studio.ts";
import { minimax } from "./minimax.ts";
import { mistral } from "./mistral.ts";
import { moonshotai } from "./moonshotai.ts";
import { nvidia } from "./nvidia.ts";
import { ollama } from "./ollama.ts";
import { ollamaCloud } from "./ollama-cloud.ts";
import { openai } from "./openai.ts";
import { openaiEdgeTts } from "./openai-edge-tts.ts";
import { openrouter } from "./openrouter.ts";
import { perplexity } from "./perplexity.ts";
import { speaches } from "./speaches.ts";
import { tei } from "./tei.ts";
import { together } from "./together.ts";
import { vllm } from "./vllm.ts";
import { whisperCpp } from "./whisper-cpp.ts";
import { xai } from "./xai.ts";
import { zai } from "./zai.ts";
import type { ProviderDefinition } from "./provider.ts";

/** Every provider that comes with the product, sorted by id. */
export const predefinedProviders = [
  alibaba,
  anthropic,
  automatic1111,
  cerebras,
  cohere,
  deepinfra,
  deepseek,
  fireworksAi,
  google,
  groq,
  huggingface,
  llamaCpp,
  lmStudio,
  minimax,
  mistral,
  moonshotai,
  nvidia,
  ollama,
  ollamaCloud,
  openai,
  openaiEdgeTts,
  openrouter,
  perplexity,
  speaches,
  tei,
  together,
  vllm,
  whisperCpp,
  xai,
  zai,
] as const satisfies readonly ProviderDefinition[];

export { authHeaders, type AuthScheme } from "./auth.ts";
export { createCredentialCare, type CredentialCare, type CredentialCareParts } from "./credential-care.ts";
export type { CredentialRecord } from "./credential-records.ts";
export type { CredentialState } from "./credential-state.ts";
export { parseKeyReference } from "./key-reference.ts";
export { authFor, dialectsOf, parseBaseUrl, type Provider } from "./live-provider.ts";
export { parseDialects, type Declared, type DeclaredProvider } from "./live-set.ts";
export { fetchModels, testProvider, type ProbeResult } from "./probe.ts";
export type { ProviderModel } from "./provider-model.ts";
export { createProviders, type Providers } from "./providers.ts";
