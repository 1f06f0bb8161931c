import type { TokenUsage } from "../../kernel/tokens.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Finish } from "../canonical/reply.ts";
import type { ReplyContext } from "../codec.ts";

/** What of a response is known before it is made; clients want all of it. */
export function beginning({ requestId, createdAt, model, echo }: ReplyContext): JsonObject {
  return {
    id: `resp_${requestId}`,
    object: "response",
    created_at: createdAt,
    model,
    background: false,
    instructions: null,
    max_output_tokens: null,
    max_tool_calls: null,
    metadata: {},
    parallel_tool_calls: true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null },
    service_tier: "default",
    store: false,
    temperature: null,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: null,
    truncation: "disabled",
    ...echo,
  };
}

export interface Ending {
  readonly status: "completed" | "incomplete";
  readonly incomplete_details: { readonly reason: string } | null;
}

/** A refusal in the model's own words is an answer like any other; one without is a cut. */
export function endingOf({ reason }: Finish, hasRefusal: boolean): Ending {
  const isCut = reason === "length" || reason === "window_full";
  const why = isCut ? "max_output_tokens" : reason === "refusal" && !hasRefusal ? "content_filter" : undefined;
  if (why === undefined) return { status: "completed", incomplete_details: null };
  return { status: "incomplete", incomplete_details: { reason: why } };
}

/** The input counts include what was read from and written to caches, and the output what was thought. */
export function usageObject(usage: TokenUsage | undefined): JsonObject | null {
  if (usage === undefined) return null;
  const written = usage.cacheWrite + usage.cacheWrite1h;
  const input = usage.input + usage.cacheRead + written;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead, cache_write_tokens: written },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + usage.output,
  };
}
