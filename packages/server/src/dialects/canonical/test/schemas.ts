import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parametersFailure } from "../../../simulator/gemini-schema.ts";
import { shapeFailure } from "../../../simulator/gemini-shape.ts";
import type { JsonObject } from "../conversation.ts";
import { typesOf } from "../tool-schema-types.ts";
import { isObject } from "../wire.ts";

const folder = join(import.meta.dirname, "../../../../test/fixtures/tool-schemas");

/** Schemas of tools by name, in the shapes that well-known agents and servers of tools have them. */
export const toolSchemas: readonly (readonly [string, JsonObject])[] = readdirSync(folder).flatMap((file) =>
  Object.entries(JSON.parse(readFileSync(join(folder, file), "utf8")) as Record<string, JsonObject>),
);

export const schemaKinds = ["json-schema", "openapi", "ollama"] as const;

/*
 * A small validator of JSON Schema and of OpenAPI's subset, for tests: what lowering claims is checked against values. It
 * understands schemas as `tool-schema.ts` says that people mean them.
 */

/** What is being asked about already. */
interface Asked {
  readonly schema: JsonObject;
  readonly value: unknown;
}

/** A schema that leads back to itself for the same value allows nothing by that: JSON Schema gives such a circle no meaning. */
export function allows(
  schema: unknown,
  value: unknown,
  root: unknown = schema,
  around: readonly Asked[] = [],
): boolean {
  if (typeof schema === "boolean") return schema;
  if (!isObject(schema)) return true;
  if (around.some((asked) => asked.schema === schema && asked.value === value)) return false;
  const asked = [...around, { schema, value }];
  const inner = (part: unknown, of: unknown = value): boolean => allows(part, of, root, asked);
  const rules = [referenceAllows, typeAllows, valueAllows, combinationAllows, textAllows, numberAllows, arrayAllows];
  return [...rules, objectAllows].every((rule) => rule(schema, value, inner, root));
}

type Inner = (part: unknown, of?: unknown) => boolean;

function referenceAllows({ $ref: reference }: JsonObject, _value: unknown, inner: Inner, root: unknown): boolean {
  if (typeof reference !== "string" || !reference.startsWith("#")) return true;
  let at: unknown = root;
  for (const part of reference.split("/").slice(1)) {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    at = isObject(at) || Array.isArray(at) ? (at as JsonObject)[key] : undefined;
  }
  return inner(at);
}

function typeAllows(schema: JsonObject, value: unknown): boolean {
  const named = typesOf(schema["type"]);
  const meant = schema["properties"] !== undefined ? (["object"] as const) : [];
  const types = named.length > 0 ? named : meant;
  if (types.length === 0 || (value === null && schema["nullable"] === true)) return true;
  const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
  return types.some((each) => each === type || (each === "integer" && Number.isInteger(value)));
}

function valueAllows({ enum: values, const: only, nullable }: JsonObject, value: unknown): boolean {
  if (value === null && nullable === true) return true;
  const same = (other: unknown): boolean => JSON.stringify(other) === JSON.stringify(value);
  return (!Array.isArray(values) || values.some(same)) && (only === undefined || same(only));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function combinationAllows(schema: JsonObject, _value: unknown, inner: Inner): boolean {
  const { allOf, anyOf, oneOf, not, if: condition } = schema;
  if (!listOf(allOf).every((part) => inner(part))) return false;
  if (Array.isArray(anyOf) && !anyOf.some((part) => inner(part))) return false;
  if (Array.isArray(oneOf) && oneOf.filter((part) => inner(part)).length !== 1) return false;
  if (not !== undefined && inner(not)) return false;
  return condition === undefined || inner(schema[inner(condition) ? "then" : "else"]);
}

function textAllows({ minLength, maxLength, pattern }: JsonObject, value: unknown): boolean {
  if (typeof value !== "string") return true;
  if (typeof pattern === "string" && !new RegExp(pattern, "u").test(value)) return false;
  return !(value.length < Number(minLength ?? 0)) && !(value.length > Number(maxLength ?? Infinity));
}

function numberAllows(schema: JsonObject, value: unknown): boolean {
  if (typeof value !== "number") return true;
  const { minimum, maximum, exclusiveMinimum: above, exclusiveMaximum: below, multipleOf } = schema;
  if (typeof multipleOf === "number" && value % multipleOf !== 0) return false;
  if (typeof above === "number" && value <= above) return false;
  if (typeof below === "number" && value >= below) return false;
  return !(value < Number(minimum ?? -Infinity)) && !(value > Number(maximum ?? Infinity));
}

function arrayAllows(schema: JsonObject, value: unknown, inner: Inner): boolean {
  if (!Array.isArray(value)) return true;
  const { items, prefixItems, minItems, maxItems, uniqueItems } = schema;
  if (!(value.length >= Number(minItems ?? 0) && value.length <= Number(maxItems ?? Infinity))) return false;
  if (uniqueItems === true && new Set(value.map((one) => JSON.stringify(one))).size < value.length) return false;
  const tuple = Array.isArray(prefixItems) ? listOf(prefixItems) : Array.isArray(items) ? listOf(items) : undefined;
  if (tuple === undefined) return items === undefined || value.every((one) => inner(items, one));
  return value.every((one, index) => index < tuple.length && inner(tuple[index], one));
}

function objectAllows(schema: JsonObject, value: unknown, inner: Inner): boolean {
  if (!isObject(value)) return true;
  const { properties, required, additionalProperties: more, patternProperties } = schema;
  if (!listOf(required).every((name) => Object.hasOwn(value, String(name)))) return false;
  const named = isObject(properties) ? properties : {};
  const patterns = Object.entries(isObject(patternProperties) ? patternProperties : {});
  return Object.entries(value).every(([name, one]) => {
    if (Object.hasOwn(named, name)) return inner(named[name], one);
    const matching = patterns.filter(([pattern]) => new RegExp(pattern, "u").test(name));
    if (matching.length > 0) return matching.every(([, part]) => inner(part, one));
    return more === undefined || inner(more, one);
  });
}

/** As strict as each of them, or stricter. */
export const refusals: Readonly<
  Record<(typeof schemaKinds)[number], (schema: JsonObject | undefined) => string | undefined>
> = {
  openapi: (schema) => {
    if (schema === undefined) return undefined;
    const tool = { functionDeclarations: [{ name: "f", parameters: schema }] };
    const unknown = shapeFailure("GenerateContentRequest", { tools: [tool] });
    return (unknown ?? parametersFailure(schema, "p"))?.message ?? lonelyChoice(schema);
  },
  ollama: (schema) => {
    if (schema?.["type"] !== "object" || !isObject(schema["properties"])) return "no object";
    return ollamaRefusal(schema);
  },
  "json-schema": (schema) => {
    if (schema?.["type"] !== "object" || !isObject(schema["properties"])) return "no object";
    return ["anyOf", "oneOf", "allOf", "$ref", "not"].find((key) => schema[key] !== undefined);
  },
};

/** Google's cloud takes a choice only where nothing stands beside it. */
function lonelyChoice(schema: unknown): string | undefined {
  if (Array.isArray(schema)) return schema.map(lonelyChoice).find((problem) => problem !== undefined);
  if (!isObject(schema)) return undefined;
  if (schema["anyOf"] !== undefined && Object.keys(schema).length > 1) return `beside anyOf: ${JSON.stringify(schema)}`;
  const { enum: _values, required: _names, ...parts } = schema;
  return Object.values(parts)
    .map(lonelyChoice)
    .find((problem) => problem !== undefined);
}

const isText = (value: unknown): boolean => typeof value === "string";
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const areSchemas = (values: unknown): boolean =>
  Array.isArray(values) && values.every((value) => ollamaRefusal(value) === undefined);

/** What Ollama's parser expects of each field; it knows no others. */
const ollamaFields: Readonly<Record<string, (value: unknown) => boolean>> = {
  type: (value) => isText(value) || isTexts(value),
  description: isText,
  required: isTexts,
  enum: Array.isArray,
  properties: (value) => isObject(value) && areSchemas(Object.values(value)),
  items: (value) => areSchemas([value]),
  anyOf: areSchemas,
};

function ollamaRefusal(schema: unknown): string | undefined {
  if (!isObject(schema)) return "no schema";
  return Object.keys(schema).find(
    (key) => !Object.hasOwn(ollamaFields, key) || ollamaFields[key]?.(schema[key]) === false,
  );
}
