import { kindOfWords } from "../canonical/failure-words.ts";
import type { JsonObject } from "../canonical/conversation.ts";
import type { Failure } from "../dialect.ts";
import { failureText } from "../failure-text.ts";

/**
 * The error of a response that failed. Its codes are few, and clients decide by them: whether to make the conversation shorter, to
 * wait, to tell the user, or to try again.
 */
export function failedError(failure: Failure): JsonObject {
  const { status, message, retryAfterSeconds } = failure;
  const words = failureText(failure);
  if (status < 500 && kindOfWords(message) === "context_too_long") {
    return { code: "context_length_exceeded", message: words };
  }
  if (status === 402) return { code: "insufficient_quota", message: words };
  if (status === 429) return { code: "rate_limit_exceeded", message: withDelay(words, retryAfterSeconds) };
  if (status === 503 || status === 529) return { code: "server_is_overloaded", message: words };
  return { code: status >= 500 ? "server_error" : "invalid_prompt", message: words };
}

/** Codex reads how long to wait from these very words. */
function withDelay(words: string, seconds: number | undefined): string {
  return seconds === undefined ? words : `${words.replace(/\.?$/, ".")} Please try again in ${seconds}s.`;
}
