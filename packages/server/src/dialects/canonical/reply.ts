import type { TokenUsage } from "../../kernel/tokens.ts";
import type { AssistantPart, Citation, ReasoningState, ToolKind } from "./conversation.ts";

/** What a provider answered, whole, said in no dialect. */
export interface Reply {
  /** Of the provider, if it gave one. */
  readonly id?: string;
  readonly parts: readonly AssistantPart[];
  readonly finish: Finish;
  /** Undefined where the provider stated none. */
  readonly usage: TokenUsage | undefined;
}

/**
 * Why it ended. `tool_calls` wherever there are calls, whatever the provider says, unless it was cut at a `length`.
 * `window_full`: no room left for prompt and answer together. `pause`: the provider wants to be asked to go on.
 * `malformed_call`: what should have been a call was none.
 */
export type FinishReason =
  | "end"
  | "stop_sequence"
  | "length"
  | "window_full"
  | "tool_calls"
  | "refusal"
  | "pause"
  | "malformed_call";

export interface Finish {
  readonly reason: FinishReason;
  /** The text of `stop` that was met. */
  readonly stopSequence?: string;
  /** Why it was refused, in the provider's words. */
  readonly detail?: string;
}

/**
 * The same, piece by piece. The order holds always, for every decoder and after every stage:
 *
 *     start (block_start block_delta* block_end)* (finish | failure)
 *
 * One block is open at a time; no delta is empty; nothing comes behind `finish` or `failure`.
 */
export type ReplyEvent =
  | { readonly type: "start"; readonly id?: string }
  | BlockStart
  | { readonly type: "block_delta"; readonly text: string }
  | BlockEnd
  | { readonly type: "finish"; readonly finish: Finish; readonly usage: TokenUsage | undefined }
  | { readonly type: "failure"; readonly failure: UpstreamFailure };

export interface BlockStart {
  readonly type: "block_start";
  readonly block: Block;
}

/** What is known of a part before its text. */
export type Block =
  | { readonly type: "text" }
  | { readonly type: "thinking" }
  | { readonly type: "refusal" }
  | { readonly type: "tool_call"; readonly id: string; readonly name: string; readonly kind: ToolKind };

export interface BlockEnd {
  readonly type: "block_end";
  /** Of a thinking block. */
  readonly state?: ReasoningState;
  /** Of a text block. */
  readonly citations?: readonly Citation[];
}

/** What a provider's error means, whatever its dialect calls it. */
export interface UpstreamFailure {
  readonly kind: FailureKind;
  /** As the provider sent it; 200 for one in a stream that states none. */
  readonly status: number;
  /** The provider's own words; empty if there are none. */
  readonly message: string;
  readonly retryAfterSeconds?: number;
  /** Of `context_too_long`, where the words tell them. */
  readonly tokens?: { readonly asked: number; readonly most: number };
}

/** `broken`: the reply ended before it was over, or is not what the dialect says it is. */
export type FailureKind =
  | "rejected"
  | "context_too_long"
  | "refused_key"
  | "credits"
  | "forbidden"
  | "not_found"
  | "too_large"
  | "rate_limited"
  | "overloaded"
  | "timeout"
  | "broken"
  | "server";
