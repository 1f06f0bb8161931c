import type { Finish, FinishReason } from "../canonical/reply.ts";
import { field, text } from "../counter.ts";

const reasonByStop: Readonly<Record<string, FinishReason>> = {
  end_turn: "end",
  max_tokens: "length",
  stop_sequence: "stop_sequence",
  tool_use: "tool_calls",
  pause_turn: "pause",
  compaction: "pause",
  refusal: "refusal",
  model_context_window_exceeded: "window_full",
};

/** What a message says of its end; the object is the message, or the `delta` of a stream. A word that is not known is an end. */
export function finishOf(message: unknown, hasCalls: boolean): Finish {
  const stop = text(message, "stop_reason") ?? "";
  const reason = (Object.hasOwn(reasonByStop, stop) ? reasonByStop[stop] : undefined) ?? "end";
  if (reason === "refusal") {
    const detail = text(message, "stop_details", "explanation");
    return detail === undefined ? { reason } : { reason, detail };
  }
  if (reason === "length" || reason === "window_full") return { reason };
  if (hasCalls) return { reason: "tool_calls" };
  if (reason === "stop_sequence") {
    const met = field(message, "stop_sequence");
    return typeof met === "string" ? { reason, stopSequence: met } : { reason };
  }
  return reason === "tool_calls" ? { reason: "end" } : { reason };
}

const stopByReason: Readonly<Record<FinishReason, string>> = {
  end: "end_turn",
  stop_sequence: "stop_sequence",
  length: "max_tokens",
  window_full: "model_context_window_exceeded",
  tool_calls: "tool_use",
  refusal: "refusal",
  pause: "pause_turn",
  malformed_call: "end_turn",
};

/** The same, as clients of the API read it. A reply that was a refusal in its own words is one, whatever it says. */
export function stopFields(finish: Finish, hasRefusal: boolean): StopFields {
  const isRefusal = finish.reason === "refusal" || (hasRefusal && finish.reason === "end");
  const explanation = finish.detail ?? null;
  return {
    stop_reason: isRefusal ? "refusal" : stopByReason[finish.reason],
    stop_sequence: finish.reason === "stop_sequence" ? (finish.stopSequence ?? null) : null,
    stop_details: isRefusal ? { type: "refusal", category: null, explanation } : null,
  };
}

interface StopFields {
  readonly stop_reason: string;
  readonly stop_sequence: string | null;
  readonly stop_details: {
    readonly type: "refusal";
    readonly category: null;
    readonly explanation: string | null;
  } | null;
}
