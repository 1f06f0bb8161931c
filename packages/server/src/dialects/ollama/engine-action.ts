import { AppError } from "../../kernel/errors.ts";
import { readValue, requestRules, scanObject, watchKeys } from "../../kernel/json-scan.ts";

const keys = watchKeys("keep_alive", "messages", "prompt");

/**
 * A request without a prompt asks nothing of the model: it only loads it, or with `keep_alive: 0` throws it out of the
 * engine's memory, for everybody. Loading is what any first question does, so it passes. Unloading is up to whoever runs the
 * engine. With a prompt, `keep_alive` is that question's own business and goes through as it is.
 *
 * Throws `engine_action_refused`.
 */
export function refuseUnloading(body: Buffer): void {
  const fields = scanObject(body, keys, requestRules);
  if (!isZeroDuration(readValue(body, fields.get("keep_alive")))) return;
  const asks = ["messages", "prompt"].some((key) => saysSomething(readValue(body, fields.get(key))));
  if (!asks) throw new AppError("engine_action_refused", { action: "unloading a model" });
}

/** Seconds, or a text such as `0`, `0s` and `0h0m`. */
function isZeroDuration(value: unknown): boolean {
  return value === 0 || (typeof value === "string" && /^[^1-9]*0[^1-9]*$/.test(value));
}

function saysSomething(value: unknown): boolean {
  return (typeof value === "string" || Array.isArray(value)) && value.length > 0;
}
