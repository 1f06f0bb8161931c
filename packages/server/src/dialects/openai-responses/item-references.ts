import type { JsonObject } from "../canonical/conversation.ts";
import { isObject } from "../canonical/wire.ts";

/**
 * The input with the items that it only refers to: those of earlier replies, as they were. Clients refer to what they believe to
 * be stored at the vendor. What is not known any more stays as it is, and is refused where it is read.
 */
export function withItems(input: unknown, items: ReadonlyMap<string, string> | undefined): unknown {
  if (items === undefined || items.size === 0 || !Array.isArray(input)) return input;
  return input.map((item: unknown) => itemFor(item, items) ?? item);
}

function itemFor(reference: unknown, items: ReadonlyMap<string, string>): unknown {
  if (!isObject(reference) || typeof reference["id"] !== "string" || !isReference(reference)) return undefined;
  const item = items.get(reference["id"]);
  return item === undefined ? undefined : JSON.parse(item);
}

function isReference({ type, role }: JsonObject): boolean {
  return type === "item_reference" || ((type === undefined || type === null) && role === undefined);
}
