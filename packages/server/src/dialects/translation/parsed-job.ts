import { bytesOf } from "../../kernel/memory.ts";
import type { JsonObject } from "../canonical/conversation.ts";

/** A caller's body that was found to be a JSON object, wherever its bytes were cloned to. */
export function parsedJob(body: Uint8Array): JsonObject {
  return JSON.parse(bytesOf(body).toString("utf8")) as JsonObject;
}
