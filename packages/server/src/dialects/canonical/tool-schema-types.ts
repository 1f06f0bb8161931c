import type { JsonObject } from "./conversation.ts";
import { isObject } from "./wire.ts";

export const jsonTypes = ["string", "number", "integer", "boolean", "array", "object", "null"] as const;
export type JsonType = (typeof jsonTypes)[number];

function isJsonType(value: unknown): value is JsonType {
  return jsonTypes.some((type) => type === value);
}

/** What the keyword `type` names, in JSON Schema's spelling or in OpenAPI's capitals. */
export function typesOf(type: unknown): readonly JsonType[] {
  const named: readonly unknown[] = Array.isArray(type) ? type : [type];
  return named
    .map((name) => (typeof name === "string" ? name.toLowerCase() : name))
    .filter(isJsonType)
    .filter((name, index, all) => all.indexOf(name) === index);
}

/** The only values that a schema allows; undefined where it names none. */
export function valuesOf(schema: JsonObject): readonly unknown[] | undefined {
  if (schema["const"] !== undefined) return [schema["const"]];
  const values: unknown = schema["enum"];
  return Array.isArray(values) ? (values as readonly unknown[]) : undefined;
}

/** Keywords that only schemas of one type have. */
const typeByKeyword: Readonly<Record<string, JsonType>> = {
  properties: "object",
  required: "object",
  additionalProperties: "object",
  patternProperties: "object",
  items: "array",
  prefixItems: "array",
  pattern: "string",
  minLength: "string",
  maxLength: "string",
  minimum: "number",
  maximum: "number",
};

/** The types that a value of the schema may have, `null` included; empty where it may be anything. */
export function allowedTypes(schema: JsonObject): readonly JsonType[] {
  const named = typesOf(schema["type"]);
  const values = valuesOf(schema);
  const stated = named.length > 0 || values === undefined ? named : [...new Set(values.map(typeOfValue))];
  const found = stated.length > 0 ? stated : impliedType(schema);
  return schema["nullable"] === true && found.length > 0 && !found.includes("null") ? [...found, "null"] : found;
}

function impliedType(schema: JsonObject): readonly JsonType[] {
  const keyword = Object.keys(typeByKeyword).find((each) => schema[each] !== undefined);
  const type = keyword === undefined ? undefined : typeByKeyword[keyword];
  return type === undefined ? [] : [type];
}

function typeOfValue(value: unknown): JsonType {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (isObject(value)) return "object";
  if (typeof value === "number") return "number";
  return typeof value === "boolean" ? "boolean" : "string";
}

/** The schemas of which a value must follow one; undefined where there is no such choice. */
export function branchesOf(schema: JsonObject): readonly unknown[] | undefined {
  for (const keyword of ["anyOf", "oneOf"]) {
    const branches: unknown = schema[keyword];
    if (Array.isArray(branches) && branches.length > 0) return branches as readonly unknown[];
  }
  return undefined;
}

/** What an object must have, as far as the properties are there to have. */
export function requiredOf(schema: JsonObject, properties: JsonObject): readonly string[] {
  const required: unknown = schema["required"];
  if (!Array.isArray(required)) return [];
  const names = (required as readonly unknown[]).filter((name) => typeof name === "string");
  return [...new Set(names)].filter((name) => Object.hasOwn(properties, name));
}

/** What the items of an array are, be they named one by one or all at once; undefined where nothing is said of them. */
export function itemsOf(schema: JsonObject): unknown {
  const { items, prefixItems } = schema;
  const tuple: unknown = Array.isArray(prefixItems) ? prefixItems : items;
  if (!Array.isArray(tuple)) return isObject(items) ? items : undefined;
  const rest = Array.isArray(prefixItems) ? items : schema["additionalItems"];
  const members = isObject(rest) ? [...(tuple as readonly unknown[]), rest] : (tuple as readonly unknown[]);
  return members.length === 0 ? undefined : { anyOf: members };
}
