import type { Failure } from "../dialect.ts";
import { openaiError } from "../openai-error.ts";

/** No `[DONE]` follows it: a client that sees the mark takes the reply for a whole one. */
export function encodeFailureEvent(failure: Failure): Buffer {
  return Buffer.from(`data: ${JSON.stringify({ error: openaiError(failure) })}\n\n`);
}
