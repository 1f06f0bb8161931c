import type { Finish, FinishReason, UpstreamFailure } from "../canonical/reply.ts";

/** Why an answer ended, in the words of OpenAI and of those who have more of them (state of November 2026). */
const reasons: Readonly<Record<string, FinishReason>> = {
  stop: "end",
  eos: "end",
  end_turn: "end",
  stop_sequence: "stop_sequence",
  length: "length",
  max_tokens: "length",
  model_length: "window_full", // Mistral: no room left for prompt and answer
  tool_calls: "tool_calls",
  function_call: "tool_calls",
  tool_use: "tool_calls",
  content_filter: "refusal",
  refusal: "refusal",
  safety: "refusal",
  sensitive: "refusal", // Z.AI
  recitation: "refusal",
  malformed_function_call: "malformed_call",
};

/** What is written where a reason belongs, although the answer did not end but broke off. */
const failures: Readonly<Record<string, UpstreamFailure>> = {
  error: { kind: "server", status: 200, message: "the answer ended in an error" },
  network_error: { kind: "server", status: 200, message: "the answer ended in a network error" }, // Z.AI
  insufficient_system_resource: { kind: "overloaded", status: 200, message: "the system ran out of resources" }, // DeepSeek
  abort: { kind: "broken", status: 200, message: "the answer was aborted" }, // engines that are shut down
};

/** An unknown word ends an answer, too. */
export function decodeFinish(word: string, refused: boolean): Finish | UpstreamFailure {
  const known = word.toLowerCase();
  const failure = Object.hasOwn(failures, known) ? failures[known] : undefined;
  if (failure !== undefined) return failure;
  const reason = (Object.hasOwn(reasons, known) ? reasons[known] : undefined) ?? "end";
  return { reason: refused && reason === "end" ? "refusal" : reason };
}

const words: Readonly<Record<FinishReason, string>> = {
  end: "stop",
  stop_sequence: "stop",
  length: "length",
  window_full: "length",
  tool_calls: "tool_calls",
  refusal: "content_filter",
  pause: "stop",
  malformed_call: "stop",
};

export function encodeFinish({ reason }: Finish, callsFunction: boolean): string {
  return callsFunction && reason === "tool_calls" ? "function_call" : words[reason];
}
