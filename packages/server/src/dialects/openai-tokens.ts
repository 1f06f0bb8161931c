import type { TokenUsage } from "../kernel/tokens.ts";
import { counter } from "./counter.ts";

/** What the two OpenAI dialects call the same counters. */
export interface UsageNames {
  readonly input: string;
  readonly inputDetails: string;
  readonly output: string;
  readonly outputDetails: string;
}

/**
 * OpenAI's input count includes what was read from and written to caches, and its output count the reasoning.
 * Others differ, and show it by their totals (state of November 2026): DeepSeek names cache reads
 * `prompt_cache_hit_tokens`, Moonshot `cached_tokens` beside the counters; xAI's `completion_tokens` leaves the
 * reasoning out.
 */
export function openaiTokens(usage: unknown, names: UsageNames): TokenUsage | undefined {
  const input = counter(usage, names.input);
  const stated = counter(usage, names.output);
  if (input === undefined && stated === undefined) return undefined;
  const cacheRead =
    counter(usage, names.inputDetails, "cached_tokens") ??
    counter(usage, "prompt_cache_hit_tokens") ??
    counter(usage, "cached_tokens") ??
    0;
  const cacheWrite = counter(usage, names.inputDetails, "cache_write_tokens") ?? 0;
  const reasoning = counter(usage, names.outputDetails, "reasoning_tokens") ?? 0;
  const output = stated ?? 0;
  const total = counter(usage, "total_tokens");
  const isApart = reasoning > output || total === (input ?? 0) + output + reasoning;
  return {
    input: Math.max(0, (input ?? 0) - cacheRead - cacheWrite),
    output: isApart ? output + reasoning : output,
    cacheRead,
    cacheWrite,
    cacheWrite1h: 0,
    reasoning,
  };
}
