import type { JsonObject } from "../canonical/conversation.ts";

/** A caller's body that was found to be a JSON object, wherever its bytes were cloned to. */
export function parsedJob({ buffer, byteOffset, length }: Uint8Array): JsonObject {
  return JSON.parse(Buffer.from(buffer, byteOffset, length).toString("utf8")) as JsonObject;
}
