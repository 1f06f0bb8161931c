import type { Finish, FinishReason } from "../canonical/reply.ts";

/** https://ai.google.dev/api/generate-content#FinishReason; a call that is made ends with `STOP`. */
const reasons: Readonly<Record<string, FinishReason>> = {
  STOP: "end",
  MAX_TOKENS: "length",
  SAFETY: "refusal",
  RECITATION: "refusal",
  LANGUAGE: "refusal",
  BLOCKLIST: "refusal",
  PROHIBITED_CONTENT: "refusal",
  SPII: "refusal",
  IMAGE_SAFETY: "refusal",
  IMAGE_PROHIBITED_CONTENT: "refusal",
  IMAGE_RECITATION: "refusal",
  MALFORMED_FUNCTION_CALL: "malformed_call",
  UNEXPECTED_TOOL_CALL: "malformed_call",
  TOO_MANY_TOOL_CALLS: "malformed_call",
  MALFORMED_RESPONSE: "malformed_call",
  MISSING_THOUGHT_SIGNATURE: "malformed_call",
  CONTINUATION: "pause",
};

/** What a candidate ended for, in Google's word; `message` is its own explanation, if it has one. */
export function finishOf(word: string, message: string | undefined): Finish {
  const reason = (Object.hasOwn(reasons, word) ? reasons[word] : undefined) ?? "end";
  return reason === "refusal" ? { reason, detail: message ?? `The answer was stopped: ${word}.` } : { reason };
}

/** Why there is no candidate at all. */
export function blockOf(word: string, message: string | undefined): Finish {
  return { reason: "refusal", detail: message ?? `The prompt was blocked: ${word}.` };
}

const words: Readonly<Record<FinishReason, string>> = {
  end: "STOP",
  stop_sequence: "STOP",
  tool_calls: "STOP",
  length: "MAX_TOKENS",
  window_full: "MAX_TOKENS",
  refusal: "SAFETY",
  pause: "CONTINUATION",
  malformed_call: "MALFORMED_FUNCTION_CALL",
};

/** The end of a candidate, as Google says it. */
export function endingOf({ reason, detail }: Finish): {
  readonly finishReason: string;
  readonly finishMessage?: string;
} {
  return { finishReason: words[reason], ...(detail !== undefined && { finishMessage: detail }) };
}

/** Of a call whose arguments are none: without them, or with an empty object in their place, it would be run. */
export const malformedCall = {
  finishReason: "MALFORMED_FUNCTION_CALL",
  finishMessage: "The model called a function with arguments that are not JSON.",
} as const;
