import type { Failure, UsageReading } from "../dialect.ts";
import { openaiError } from "../openai-error.ts";

/**
 * A failed response, whole: clients take an `error` event for a lost connection, and a response under another id
 * than the one they were told for a fault of their own. `output` stays out, so that they keep the items they have.
 */
export function encodeFailureEvent(failure: Failure, reading: UsageReading | undefined): Buffer {
  const { message, type, code } = openaiError(failure);
  const reply = reading?.announced;
  const event = {
    type: "response.failed",
    sequence_number: reply?.nextSequence ?? 0,
    response: {
      id: reply?.id ?? `resp_${failure.requestId}`,
      object: "response",
      created_at: reply?.createdAt ?? 0,
      status: "failed",
      // The codes of this dialect are few, and clients decide by them whether to try again.
      error: { code: failure.status >= 500 ? type : code, message },
      incomplete_details: null,
      model: reply?.model ?? "",
      usage: null,
      metadata: {},
    },
  };
  return Buffer.from(`event: response.failed\ndata: ${JSON.stringify(event)}\n\n`);
}
