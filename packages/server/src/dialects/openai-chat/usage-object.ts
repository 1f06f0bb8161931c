import type { TokenUsage } from "../../kernel/tokens.ts";
import type { JsonObject } from "../canonical/conversation.ts";

/** What `chatTokens` reads, written: the prompt includes what caches held or took, the completion the reasoning. */
export function usageObject({
  input,
  output,
  cacheRead,
  cacheWrite,
  cacheWrite1h,
  reasoning,
  media,
}: TokenUsage): JsonObject {
  const written = cacheWrite + cacheWrite1h;
  const prompt = input + cacheRead + written;
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: {
      cached_tokens: cacheRead,
      cache_write_tokens: written,
      audio_tokens: media?.inputAudio ?? 0,
    },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: media?.outputAudio ?? 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
