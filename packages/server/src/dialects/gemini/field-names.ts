import type { JsonObject } from "../canonical/conversation.ts";
import { isObject } from "../canonical/wire.ts";

/**
 * A message's fields under their names in camel case; Google takes them in snake case as well. Only for messages whose fields
 * the dialect names: not for arguments, schemas, or maps of names that are the caller's.
 */
export function camelNames(message: JsonObject): JsonObject {
  if (!Object.keys(message).some((name) => name.includes("_"))) return message;
  const entries = Object.entries(message).map(([name, value]) => [camelCase(name), value] as const);
  return { ...Object.fromEntries(entries), ...message };
}

function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

/** The same for a value that may be no message, which then has no fields. */
export function fieldsOf(value: unknown): JsonObject {
  return isObject(value) ? camelNames(value) : {};
}

/** Fields of a message that are not known here. */
export function unknownFields(message: JsonObject, known: ReadonlySet<string>): readonly string[] {
  return Object.keys(message).filter((name) => {
    const value = message[name];
    return !known.has(camelCase(name)) && value !== null && value !== undefined && value !== false;
  });
}
