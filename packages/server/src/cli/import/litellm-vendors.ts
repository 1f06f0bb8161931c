import type { ImportItem } from "@portcullis/contract";

type Dialect = NonNullable<Extract<ImportItem, { readonly kind: "provider" }>["dialect"]>;

interface Vendor {
  /** What the provider is called here; `undefined` for one that is known by its address alone. */
  readonly id: string | undefined;
  /** What is spoken at an address of one's own. */
  readonly dialect: Dialect;
}

/** LiteLLM's prefixes that are providers here. */
const vendors: Readonly<Record<string, Vendor>> = {
  openai: openai("openai"),
  "text-completion-openai": openai("openai"),
  anthropic: { id: "anthropic", dialect: "anthropic-messages" },
  gemini: { id: "google", dialect: "gemini" },
  ollama: { id: "ollama", dialect: "ollama" },
  ollama_chat: { id: "ollama", dialect: "ollama" },
  cerebras: openai("cerebras"),
  cohere: openai("cohere"),
  cohere_chat: openai("cohere"),
  dashscope: openai("alibaba"),
  deepinfra: openai("deepinfra"),
  deepseek: openai("deepseek"),
  fireworks_ai: openai("fireworks-ai"),
  groq: openai("groq"),
  hosted_vllm: openai("vllm"),
  huggingface: openai("huggingface"),
  lm_studio: openai("lm-studio"),
  minimax: openai("minimax"),
  mistral: openai("mistral"),
  moonshot: openai("moonshotai"),
  nvidia_nim: openai("nvidia"),
  openrouter: openai("openrouter"),
  perplexity: openai("perplexity"),
  together_ai: openai("together"),
  xai: openai("xai"),
  zai: openai("zai"),
  custom_openai: openai(undefined),
  litellm_proxy: openai(undefined),
  llamafile: openai(undefined),
  openai_like: openai(undefined),
  xinference: openai(undefined),
};

function openai(id: string | undefined): Vendor {
  return { id, dialect: "openai-chat" };
}

/** Models that LiteLLM knows the provider of without a prefix, by how their names begin. */
const bareNames: readonly (readonly [start: RegExp, prefix: string])[] = [
  [/^(?:gpt-|chatgpt-|o[134](?:-|$)|text-embedding-|dall-e-|tts-|whisper-)/, "openai"],
  [/^claude-/, "anthropic"],
  [/^command-/, "cohere"],
];

export interface Target extends Vendor {
  readonly prefix: string;
  readonly model: string;
}

/** `openai/gpt-4o` → the provider and the model there. */
export function splitModel(text: string, provider: string | undefined): Target | { readonly problem: string } {
  const slash = text.indexOf("/");
  const bare = bareNames.find(([start]) => start.test(text))?.[1];
  const prefix = provider ?? (slash > 0 ? text.slice(0, slash) : bare);
  if (prefix === undefined) return { problem: "it does not say which provider serves it" };
  const vendor = Object.hasOwn(vendors, prefix) ? vendors[prefix] : undefined;
  if (vendor === undefined) return { problem: `LiteLLM's provider \`${prefix.slice(0, 50)}\` has no counterpart here` };
  const model = text.startsWith(`${prefix}/`) ? text.slice(prefix.length + 1) : text;
  return { ...vendor, prefix, model };
}
