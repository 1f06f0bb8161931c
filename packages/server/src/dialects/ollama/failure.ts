import type { Failure } from "../dialect.ts";
import { plainStatus } from "../failure-status.ts";
import { failureText } from "../failure-text.ts";

/** https://docs.ollama.com/api/errors: a text, and the status says the rest. */
function errorObject(failure: Failure): string {
  return JSON.stringify({ error: failureText(failure) });
}

export function encodeFailure(failure: Failure): { readonly status: number; readonly body: Buffer } {
  return { status: plainStatus(failure), body: Buffer.from(errorObject(failure)) };
}

/** A line of its own, which clients throw as an error wherever in a stream it comes. */
export function encodeFailureEvent(failure: Failure): Buffer {
  return Buffer.from(`${errorObject(failure)}\n`);
}
