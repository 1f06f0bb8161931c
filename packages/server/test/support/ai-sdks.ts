/** The AI SDK with its own provider for each dialect. It checks every chunk against a schema, and is the strictest client there is. */
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogle } from "@ai-sdk/google";
import { createGroq } from "@ai-sdk/groq";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, isStepCount, jsonSchema, streamText, tool, type LanguageModel, type ToolSet } from "ai";
import { createOllama } from "ollama-ai-provider-v2";
import type { DialectId } from "../behaviour/ask.ts";
import { mostRounds, schema, toolDescription, toolName, type Question, type Sdk, type Way } from "./sdks.ts";

globalThis.AI_SDK_LOG_WARNINGS = false;

type ProviderOptions = NonNullable<Parameters<typeof generateText>[0]["providerOptions"]>;

interface Provider {
  readonly name: string;
  readonly dialect: DialectId;
  readonly create: (model: string) => LanguageModel;
  /** What makes a model think and show it. */
  readonly thinking: ProviderOptions;
  /** What is said to it always. */
  readonly settings?: (question: Question) => ProviderOptions;
  readonly reads?: Partial<Sdk["reads"]>;
  readonly words?: Partial<Sdk["words"]>;
}

/** Each as its users set it up, with another address and another key. */
export function aiSdks({ url, key: apiKey }: Way): readonly Sdk[] {
  const v1 = { baseURL: `${url}/v1`, apiKey };
  const openai = createOpenAI(v1);
  const responses = { reasoningEffort: "medium", reasoningSummary: "auto", forceReasoning: true, store: false };
  const providers: readonly Provider[] = [
    {
      name: "@ai-sdk/anthropic",
      dialect: "anthropic-messages",
      create: createAnthropic(v1),
      thinking: { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } },
    },
    {
      name: "@ai-sdk/openai, chat",
      dialect: "openai-chat",
      create: (model) => openai.chat(model),
      thinking: { openai: { reasoningEffort: "medium", forceReasoning: true } },
      reads: { thoughts: "never", refusals: false },
    },
    {
      name: "@ai-sdk/openai, responses",
      dialect: "openai-responses",
      create: (model) => openai.responses(model),
      thinking: { openai: responses },
      // Unless it is told so, it refers to items by the ids under which OpenAI would have kept them.
      settings: () => ({ openai: { store: false } }),
      reads: { refusals: false },
      words: { refusal: /^(content-filter|stop)$/ },
    },
    {
      name: "@ai-sdk/openai-compatible",
      dialect: "openai-chat",
      create: (model) => createOpenAICompatible({ ...v1, name: "gateway", includeUsage: true }).chatModel(model),
      thinking: { gateway: { reasoningEffort: "medium" } },
      reads: { refusals: false },
    },
    {
      name: "@ai-sdk/groq",
      dialect: "openai-chat",
      create: createGroq({ baseURL: `${url}/groq/openai/v1`, apiKey }),
      thinking: { groq: { reasoningEffort: "medium" } },
      // It looks for `reasoning` and `x_groq`, which no other vendor has.
      reads: { thoughts: "never", refusals: false, streamedUsage: false },
    },
    {
      name: "@ai-sdk/google",
      dialect: "gemini",
      create: createGoogle({ baseURL: `${url}/v1beta`, apiKey }),
      thinking: { google: { thinkingConfig: { includeThoughts: true } } },
    },
    {
      name: "ollama-ai-provider-v2",
      dialect: "ollama",
      create: createOllama({ baseURL: `${url}/api`, headers: { authorization: `Bearer ${apiKey}` } }),
      thinking: { ollama: { think: true } },
      // What the AI SDK calls the limit, it sends under a name that Ollama does not know.
      settings: ({ maxTokens }) => ({ ollama: { options: { num_predict: maxTokens } } }),
      reads: { cached: false, reasoning: false },
      // Calls are an end to it, even of an answer that was cut behind them.
      words: { length: /^(length|tool-calls)$/, refusal: /^stop$/ },
    },
  ];
  return providers.map(sdkOf);
}

function sdkOf({ name, dialect, create, thinking, settings, reads, words }: Provider): Sdk {
  const base = (question: Question) => ({
    model: create(question.model),
    prompt: question.prompt,
    maxOutputTokens: question.maxTokens,
    maxRetries: 0,
    providerOptions: merged(settings?.(question) ?? {}, question.thinks ? thinking : {}),
  });
  const definition = {
    description: toolDescription,
    inputSchema: jsonSchema<{ city: string }>({ ...schema, required: ["city"] }),
  };
  return {
    name,
    dialect,
    words: {
      end: /^stop$/,
      length: /^length$/,
      calls: /^tool-calls$/,
      refusal: /^content-filter$/,
      ...words,
    },
    reads: { thoughts: "always", cached: true, reasoning: true, refusals: true, ...reads },
    async ask(question, streamed) {
      const tools: ToolSet = Object.fromEntries(question.tools.map((offered) => [offered, tool(definition)]));
      const asked = { ...base(question), tools };
      const result = streamed ? await read(asked) : await generateText(asked);
      const { text, reasoningText, toolCalls, finishReason, usage } = result;
      const invalid = toolCalls.find((call) => call.invalid === true);
      if (invalid !== undefined) throw new Error(`a call is invalid: ${String(invalid.error)}`);
      return {
        text,
        thought: reasoningText ?? "",
        calls: toolCalls.map(({ toolName: called, input }) => ({ name: called, input: input as unknown })),
        finish: finishReason,
        usage: {
          input: usage.inputTokens,
          output: usage.outputTokens,
          cached: usage.inputTokenDetails.cacheReadTokens,
          reasoning: usage.outputTokenDetails.reasoningTokens,
        },
      };
    },
    async loop(question, streamed, run) {
      const runnable = tool({ ...definition, execute: (input) => run(input) });
      const asked = { ...base(question), tools: { [toolName]: runnable }, stopWhen: isStepCount(mostRounds) };
      return (streamed ? await read(asked) : await generateText(asked)).text;
    },
  };
}

function merged(one: ProviderOptions, other: ProviderOptions): ProviderOptions {
  const names = [...Object.keys(one), ...Object.keys(other)];
  return Object.fromEntries(names.map((name) => [name, { ...one[name], ...other[name] }]));
}

/** A stream to its end; what it calls an error is thrown. */
async function read(asked: Parameters<typeof streamText>[0]) {
  const errors: unknown[] = [];
  const result = streamText({ ...asked, onError: ({ error }) => void errors.push(error) });
  for await (const part of result.fullStream) if (part.type === "error") errors.push(part.error);
  if (errors.length > 0) throw errors[0];
  return {
    text: await result.text,
    reasoningText: await result.reasoningText,
    toolCalls: await result.toolCalls,
    finishReason: await result.finishReason,
    usage: await result.usage,
  };
}
