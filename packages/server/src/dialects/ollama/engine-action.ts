import { AppError } from "../../kernel/errors.ts";
import { readValue, type ScannedObject, type Span } from "../../kernel/json-scan.ts";
import { ascii, skipSpace } from "../../kernel/json-token.ts";
import { bodyKeys } from "../body-keys.ts";

/** The keys of a question, or of what looks like one. */
export const questionKeys = bodyKeys("keep_alive", "messages", "prompt", "think");

/**
 * A request without a prompt asks nothing of the model: it only loads it, or with `keep_alive: 0` throws it out of the
 * engine's memory, for everybody. Loading is what any first question does, so it passes. Unloading is up to whoever runs the
 * engine. With a prompt, `keep_alive` is that question's own business and goes through as it is.
 *
 * Throws `engine_action_refused`.
 */
export function refuseUnloading(body: Buffer, fields: ScannedObject): void {
  if (!isZeroDuration(body, fields.get("keep_alive"))) return;
  const asks = ["messages", "prompt"].some((key) => saysSomething(body, fields.get(key)));
  if (!asks) throw new AppError("engine_action_refused", { action: "unloading a model" });
}

/** No duration is longer, unless it is zeros that somebody hides. */
const mostDurationBytes = 100;

/** Seconds, or a text such as `0`, `0s` and `0h0m`. */
function isZeroDuration(body: Buffer, span: Span | undefined): boolean {
  if (span === undefined) return false;
  if (span.end - span.start > mostDurationBytes) return true;
  const value = readValue(body, span);
  return value === 0 || (typeof value === "string" && /^[^1-9]*0[^1-9]*$/.test(value));
}

/** Whether the value is a text or an array, and not empty. */
function saysSomething(body: Buffer, span: Span | undefined): boolean {
  if (span === undefined) return false;
  if (body[span.start] === ascii.quote) return span.end - span.start > 2;
  return body[span.start] === ascii.openBracket && body[skipSpace(body, span.start + 1)] !== ascii.closeBracket;
}
