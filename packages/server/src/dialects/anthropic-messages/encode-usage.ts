import type { TokenUsage } from "../../kernel/tokens.ts";
import type { JsonObject } from "../canonical/conversation.ts";

/** All fields, because strict clients want each of them, and the real API gives them. */
export function messageUsage(usage: TokenUsage): JsonObject {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite, ephemeral_1h_input_tokens: usage.cacheWrite1h },
    output_tokens: usage.output,
    output_tokens_details: { thinking_tokens: usage.reasoning },
    server_tool_use: null,
    service_tier: "standard",
    speed: "standard",
    inference_geo: null,
  };
}

/** What the end of a stream states: everything once more, for what came at its start was an estimate. */
export function deltaUsage(usage: TokenUsage): JsonObject {
  return {
    input_tokens: usage.input,
    cache_creation_input_tokens: usage.cacheWrite + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    output_tokens: usage.output,
    output_tokens_details: { thinking_tokens: usage.reasoning },
    server_tool_use: null,
  };
}

/** Characters of a token, in text of the usual mix. */
const charactersPerToken = 4;

export function estimatedUsage(inputTokens: number, outputCharacters: number): TokenUsage {
  const output = Math.ceil(outputCharacters / charactersPerToken);
  return { input: inputTokens, output, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, reasoning: 0 };
}
