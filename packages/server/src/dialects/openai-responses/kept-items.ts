import type { JsonObject } from "../canonical/conversation.ts";
import type { ReplyContext } from "../codec.ts";
import { keepsItems } from "./echo.ts";

/** Lets an item of a reply be referred to, unless the caller wants nothing kept. */
export function keepItem({ id }: JsonObject, json: string, { echo, keepItem: keep }: ReplyContext): void {
  if (keep !== undefined && typeof id === "string" && keepsItems(echo)) keep(id, json);
}
