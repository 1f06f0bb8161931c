import type { JsonObject } from "../canonical/conversation.ts";
import { isObject } from "../canonical/wire.ts";

/*
 * The schema of an answer, as the API takes it (2026): objects are closed, a choice is `anyOf`, and bounds on numbers, lengths
 * and patterns are not known. Those are told in the description instead, where the model reads them.
 */

export interface OutputSchema {
  readonly schema: JsonObject;
  /** What is only told, sorted. */
  readonly told: readonly string[];
}

export function outputSchema(schema: JsonObject): OutputSchema {
  const told = new Set<string>();
  return { schema: lowered(schema, told), told: [...told].toSorted() };
}

const kept = new Set("$ref type enum const title description required".split(" "));
const formats = new Set("date-time time date duration email hostname uri ipv4 ipv6 uuid".split(" "));
/** Says nothing of what is allowed. */
const silent = new Set("$schema $id $comment examples default deprecated readOnly writeOnly".split(" "));

function lowered(schema: JsonObject, told: Set<string>): JsonObject {
  const out: Record<string, unknown> = {};
  const left: string[] = [];
  for (const [key, value] of Object.entries(schema)) {
    const own = loweredKey(key, value, told);
    if (own !== undefined) out[own[0]] = own[1];
    else if (!silent.has(key) && !isOpenness(key, value)) left.push(`${key}: ${JSON.stringify(value)}`);
  }
  for (const line of left) told.add(line.slice(0, line.indexOf(":")));
  if (isObjectSchema(schema)) out["additionalProperties"] = false;
  if (left.length === 0) return out;
  const description = typeof out["description"] === "string" ? `${out["description"]}\n\n` : "";
  return { ...out, description: `${description}{${left.join(", ")}}` };
}

/** An answer that has no other properties fits, whether others are allowed or not. */
function isOpenness(key: string, value: unknown): boolean {
  return key === "additionalProperties" && !isObject(value);
}

function isObjectSchema({ type, properties }: JsonObject): boolean {
  return type === "object" || isObject(properties) || (Array.isArray(type) && type.includes("object"));
}

const maps = new Set(["properties", "$defs", "definitions"]);
const choices = new Set(["anyOf", "oneOf", "allOf"]);

function loweredKey(key: string, value: unknown, told: Set<string>): readonly [string, unknown] | undefined {
  if (kept.has(key) || isKnownBound(key, value)) return [key, value];
  if (key === "items" && isObject(value)) return [key, lowered(value, told)];
  if (maps.has(key) && isObject(value)) return [key, loweredMap(value, told)];
  if (!choices.has(key) || !Array.isArray(value)) return undefined;
  const schemas = value.map((each: unknown) => (isObject(each) ? lowered(each, told) : each));
  return [key === "allOf" ? key : "anyOf", schemas];
}

function isKnownBound(key: string, value: unknown): boolean {
  if (key === "minItems") return value === 0 || value === 1;
  return key === "format" && typeof value === "string" && formats.has(value);
}

function loweredMap(map: JsonObject, told: Set<string>): JsonObject {
  return Object.fromEntries(
    Object.entries(map).map(([name, each]) => [name, isObject(each) ? lowered(each, told) : each]),
  );
}
