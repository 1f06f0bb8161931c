/*
 * What providers that speak OpenAI's dialects take otherwise than OpenAI does. It is the same for all models of a provider; what
 * only some models take are their traits. Providers say it as data; the encoders of the two dialects follow it.
 */
export interface RequestRules {
  readonly chat: ChatRules;
  readonly responses: ResponsesRules;
}

/** Fields that not everyone takes who speaks `openai-chat`: OpenAI's own, and `top_k`, which OpenAI has not. */
export const chatExtras = ["user", "prompt_cache_key", "verbosity", "service_tier", "top_k"] as const;
export type ChatExtra = (typeof chatExtras)[number];

/** Fields that nearly everyone takes. */
export const chatFields = [
  "seed",
  "presence_penalty",
  "frequency_penalty",
  "parallel_tool_calls",
  "tool_choice",
] as const;
export type ChatField = (typeof chatFields)[number];

export interface ChatRules {
  readonly takes: readonly ChatExtra[];
  /** What it refuses, or passes over without a word. `tool_choice`: it knows no other choice than the model's own. */
  readonly lacks: readonly ChatField[];
  /** What it calls a field that it takes. */
  readonly renamed: Readonly<Partial<Record<ChatExtra | ChatField, string>>>;
  /** How many texts may end an answer. */
  readonly mostStops: number;
  readonly thinkingSwitch: ThinkingSwitch;
}

/**
 * How a model that reasons or does not is told which. `none`: not at all. `thinking`: `{"type": "enabled"}`. `enable_thinking`: a
 * flag. `reasoning`: `{"enabled": true}`. `chat_template`: words for the template that an engine writes its prompt with.
 * `effort`: the effort `none` turns it off, and it is on by itself.
 */
export const thinkingSwitches = [
  "none",
  "thinking",
  "enable_thinking",
  "reasoning",
  "chat_template",
  "effort",
] as const;
export type ThinkingSwitch = (typeof thinkingSwitches)[number];

/** What not everyone takes who speaks `openai-responses`. `custom_tools`: tools that take any text. */
export const responsesExtras = [
  "custom_tools",
  "encrypted_reasoning",
  "prompt_cache_key",
  "safety_identifier",
  "service_tier",
  "verbosity",
] as const;
export type ResponsesExtra = (typeof responsesExtras)[number];

export interface ResponsesRules {
  readonly takes: readonly ResponsesExtra[];
  /** Whether it may be told not to keep the answer; some that never keep one refuse to be told. */
  readonly store: boolean;
}

/** Everything that OpenAI documents. */
export const openaiRules: RequestRules = {
  chat: {
    takes: ["user", "prompt_cache_key", "verbosity", "service_tier"],
    lacks: [],
    renamed: {},
    mostStops: 4,
    thinkingSwitch: "none",
  },
  responses: { takes: responsesExtras, store: true },
};

/**
 * What can be asked of a provider that nobody knows more of than its dialect. That reasoning is wanted encrypted is passed over
 * where it means nothing, and without it a model of OpenAI's behind a proxy forgets what it thought.
 */
export const usualRules: RequestRules = {
  chat: { ...openaiRules.chat, takes: [] },
  responses: { takes: ["encrypted_reasoning"], store: true },
};
