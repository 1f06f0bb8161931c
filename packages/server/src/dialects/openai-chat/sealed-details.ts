import type { JsonObject } from "../canonical/conversation.ts";
import { counter, field } from "../counter.ts";

/*
 * How a reasoning state lies in `reasoning_details`, which clients of OpenRouter send back as they got it: sealed, in an entry
 * whose `id` says which piece of the reasoning's text it belongs to. Lists of such entries are strict about unknown keys, but
 * keep any id.
 */
const format = "portcullis";

export function sealedDetail(sealed: string, index: number, start: number, end: number): JsonObject {
  return { type: "reasoning.encrypted", data: sealed, format, id: `reasoning_${start}_${end}`, index };
}

export function isOwnDetail(detail: JsonObject): boolean {
  return detail["format"] === format && detail["type"] === "reasoning.encrypted" && typeof detail["data"] === "string";
}

/** In UTF-16 units. */
export function rangeOf(detail: JsonObject): { readonly start: number; readonly end: number } | undefined {
  const id = field(detail, "id");
  const found = typeof id === "string" ? /^reasoning_(\d{1,9})_(\d{1,9})$/.exec(id) : null;
  const start = counter(Number(found?.[1]));
  const end = counter(Number(found?.[2]));
  if (found === null || start === undefined || end === undefined || end < start) return undefined;
  return { start, end };
}
