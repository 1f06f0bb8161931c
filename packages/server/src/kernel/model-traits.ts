/**
 * How a model wants to be asked, as far as models differ within one dialect. The catalog says it, as data; a dialect's
 * encoder follows it. What is not known is left to the provider: it is sent, and the provider may refuse it.
 */
export interface ModelTraits {
  /**
   * How reasoning is asked for. `budget`: so many tokens. `adaptive`: the model decides, within an effort. `effort`, `level`:
   * one word of `efforts`. `switch`: on or off. `none`: the model does not reason, or says nothing of it.
   */
  readonly thinking: ThinkingForm;
  /** The efforts it takes, lowest first; empty where `thinking` has none. */
  readonly efforts: readonly Effort[];
  /** Whether it answers without reasoning if it is asked to. */
  readonly canStopThinking: boolean;
  /** Whether `temperature`, `top_p` and `top_k` are accepted. */
  readonly sampling: boolean;
  readonly tools: boolean;
  /** Whether a tool may be forced while it reasons. */
  readonly forcedToolWhileThinking: boolean;
  /** Whether it takes a schema for its answer. */
  readonly schemaOutput: boolean;
  readonly images: boolean;
  readonly documents: boolean;
  readonly audio: boolean;
  /** Whether the answer may be begun by a last turn of the assistant's. */
  readonly prefill: boolean;
  /** Whether instructions may stand between turns as such. */
  readonly systemTurns: boolean;
  /** Which JSON schema its tools may have: any, OpenAPI's subset, or the little that Ollama's parser keeps. */
  readonly toolSchema: "json-schema" | "openapi" | "ollama";
  /** Where a chat message carries earlier reasoning of its own; `none` where it is refused or ignored. */
  readonly reasoningField: "reasoning_content" | "reasoning" | "none";
  /** What a chat request calls the limit of its answer. */
  readonly maxTokensField: "max_tokens" | "max_completion_tokens";
  /** How an id of a tool call must look, where a provider is stricter than its dialect: nine letters or digits. */
  readonly callIds: "any" | "nine";
  /** Whether it can be asked for fewer or more words. */
  readonly verbosity: boolean;
  /** What a part is marked with up to which a prompt is worth keeping; `none` where the provider decides that by itself. */
  readonly cacheField: "none" | "cache_control" | "prompt_cache_breakpoint";
  readonly maxOutputTokens: number | undefined;
  readonly contextTokens: number | undefined;
}

export type ThinkingForm = "none" | "budget" | "adaptive" | "effort" | "level" | "switch";

/** From least to most. `none` is no reasoning at all. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof efforts)[number];

/** What is assumed of a model that nobody knows: that it can do everything its dialect can say. */
export const unknownTraits: ModelTraits = {
  thinking: "none",
  efforts: [],
  canStopThinking: true,
  sampling: true,
  tools: true,
  forcedToolWhileThinking: true,
  schemaOutput: true,
  images: true,
  documents: true,
  audio: true,
  prefill: true,
  systemTurns: true,
  toolSchema: "json-schema",
  reasoningField: "none",
  maxTokensField: "max_tokens",
  callIds: "any",
  verbosity: true,
  cacheField: "none",
  maxOutputTokens: undefined,
  contextTokens: undefined,
};
