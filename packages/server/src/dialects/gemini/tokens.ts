import { type MediaUsage, noMedia, type TokenUsage } from "../../kernel/tokens.ts";
import { counter, field } from "../counter.ts";

/**
 * What a `usageMetadata` states. Google counts the thoughts beside the output and what tools put into the prompt beside
 * the prompt, and what was read from a cache within it. A counter that is zero is left out.
 * https://ai.google.dev/api/generate-content#UsageMetadata
 */
export function geminiTokens(usage: unknown): TokenUsage | undefined {
  const prompt = counter(usage, "promptTokenCount");
  const candidates = counter(usage, "candidatesTokenCount");
  const thoughts = counter(usage, "thoughtsTokenCount");
  if (prompt === undefined && candidates === undefined && thoughts === undefined) return undefined;
  const cacheRead = counter(usage, "cachedContentTokenCount") ?? 0;
  const toolUse = counter(usage, "toolUsePromptTokenCount") ?? 0;
  const media = mediaOf(usage);
  return {
    input: Math.max(0, (prompt ?? 0) + toolUse - cacheRead),
    output: (candidates ?? 0) + (thoughts ?? 0),
    cacheRead,
    cacheWrite: 0,
    cacheWrite1h: 0,
    reasoning: thoughts ?? 0,
    ...(media !== undefined && { media }),
  };
}

function mediaOf(usage: unknown): MediaUsage | undefined {
  const [inputAudio, inputImage] = ["AUDIO", "IMAGE"].map((modality) => inputOf(usage, modality));
  const [outputAudio, outputImage] = ["AUDIO", "IMAGE"].map((modality) =>
    detail(usage, "candidatesTokensDetails", modality),
  );
  const found = { inputAudio: inputAudio ?? 0, inputImage: inputImage ?? 0 };
  const media = { ...noMedia, ...found, outputAudio: outputAudio ?? 0, outputImage: outputImage ?? 0 };
  return Object.values(media).some((count) => count > 0) ? media : undefined;
}

/** Of the input that was not read from a cache. */
function inputOf(usage: unknown, modality: string): number {
  const sent = detail(usage, "promptTokensDetails", modality) + detail(usage, "toolUsePromptTokensDetails", modality);
  return Math.max(0, sent - detail(usage, "cacheTokensDetails", modality));
}

/** How many tokens of a kind are listed: `[{modality: "TEXT", tokenCount: 9}]`. */
function detail(usage: unknown, list: string, modality: string): number {
  const entries = field(usage, list);
  if (!Array.isArray(entries)) return 0;
  const own = entries.filter((entry: unknown) => field(entry, "modality") === modality);
  return own.reduce((sum: number, entry: unknown) => sum + (counter(entry, "tokenCount") ?? 0), 0);
}
