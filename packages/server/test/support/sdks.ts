/** What tests ask of every SDK, and what they want to hear from it, whatever the SDK calls it. */
import type { DialectId } from "../behaviour/ask.ts";

/** Where the gateway is, and a key for it. */
export interface Way {
  readonly url: string;
  readonly key: string;
}

export interface Question {
  readonly model: string;
  readonly prompt: string;
  readonly maxTokens: number;
  /** The names of the tools that are offered, all with the same schema. */
  readonly tools: readonly string[];
  /** Whether the model is to think, and to show it. */
  readonly thinks: boolean;
}

export interface Heard {
  /** All of the answer's text, or of its refusal. */
  readonly text: string;
  readonly thought: string;
  /** With their arguments parsed. */
  readonly calls: readonly { readonly name: string; readonly input: unknown }[];
  /** As the SDK names it. */
  readonly finish: string;
  readonly usage: Counts;
}

/** All of the input and all of the output, and what of them was read from a cache and thought. */
export interface Counts {
  readonly input: number | undefined;
  readonly output: number | undefined;
  readonly cached?: number | undefined;
  readonly reasoning?: number | undefined;
}

export interface Sdk {
  readonly name: string;
  readonly dialect: DialectId;
  /** What it calls the ends of an answer. */
  readonly words: Readonly<Record<"end" | "length" | "calls" | "refusal", RegExp>>;
  /** What it takes notice of at all. */
  readonly reads: {
    readonly thoughts: "always" | "whole" | "never";
    readonly cached: boolean;
    readonly reasoning: boolean;
    /** The text of a refusal. */
    readonly refusals: boolean;
    /** The counts of streams; it does unless it is said. */
    readonly streamedUsage?: false;
  };
  /** One question and its answer. Rejects if the SDK says in any way that it failed. */
  ask(question: Question, streamed: boolean): Promise<Heard>;
  /** Runs the tool as often as the model wants, with what the SDK has for it; gives the last answer's text. */
  loop(question: Question, streamed: boolean, run: (input: unknown) => string): Promise<string>;
}

export function readsThoughts({ reads }: Sdk, streamed: boolean): boolean {
  return reads.thoughts === "always" || (reads.thoughts === "whole" && !streamed);
}

export const toolName = "get_weather";
export const toolDescription = "The weather of a city";
export const schema = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city"],
} as const;

/** After as many answers a loop is given up. */
export const mostRounds = 4;
