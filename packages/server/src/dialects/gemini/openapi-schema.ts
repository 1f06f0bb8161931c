import type { JsonObject } from "../canonical/conversation.ts";
import { isObject } from "../canonical/wire.ts";

/** Deeper than any schema is meant to be. */
const mostDepth = 64;

type Entry = readonly [keyword: string, value: unknown];
/** What a keyword's value becomes; undefined where it is left out. `inner` does the same for a schema within. */
type Rule = (value: unknown, schema: JsonObject, inner: (part: unknown) => unknown) => unknown;

const rules: Readonly<Record<string, Rule>> = {
  type: (value, { nullable }) => (typeof value === "string" ? typeOf(value.toLowerCase(), nullable) : value),
  nullable: () => undefined,
  propertyOrdering: () => undefined,
  example: () => undefined,
  enum: (values, { nullable }) => {
    if (!Array.isArray(values) || nullable !== true || values.includes(null)) return values;
    return [...(values as readonly unknown[]), null];
  },
  format: (value) => (value === "enum" ? undefined : value),
  items: (value, _schema, inner) => inner(value),
  additionalProperties: (value, _schema, inner) => inner(value),
  prefixItems: (value, _schema, inner) => (Array.isArray(value) ? value.map(inner) : value),
  anyOf: (value, { nullable, type }, inner) => {
    if (!Array.isArray(value)) return value;
    const branches = value.map(inner);
    return nullable === true && type === undefined ? [...branches, { type: "null" }] : branches;
  },
  properties: (value, _schema, inner) => {
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]): Entry => [name, inner(part)]));
  },
  minItems: numberOf,
  maxItems: numberOf,
  minLength: numberOf,
  maxLength: numberOf,
  minProperties: numberOf,
  maxProperties: numberOf,
};

/** A schema of Google's subset of OpenAPI, with types in capitals and `nullable`, as the JSON schema that says the same. */
export function jsonSchemaOf(schema: JsonObject, depth = 0): JsonObject {
  if (depth > mostDepth) return {};
  const inner = (part: unknown): unknown => (isObject(part) ? jsonSchemaOf(part, depth + 1) : part);
  const entries = Object.entries(schema).map(([written, value]): Entry => {
    const keyword = (Object.hasOwn(camelKeywords, written) ? camelKeywords[written] : undefined) ?? written;
    const rule = Object.hasOwn(rules, keyword) ? rules[keyword] : undefined;
    return [keyword, rule === undefined ? value : rule(value, schema, inner)];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

const camelKeywords: Readonly<Record<string, string>> = {
  any_of: "anyOf",
  min_items: "minItems",
  max_items: "maxItems",
  min_length: "minLength",
  max_length: "maxLength",
  min_properties: "minProperties",
  max_properties: "maxProperties",
  property_ordering: "propertyOrdering",
};

function typeOf(type: string, nullable: unknown): unknown {
  if (type === "type_unspecified") return undefined;
  return nullable === true && type !== "null" ? [type, "null"] : type;
}

/** Google writes large whole numbers as texts. */
function numberOf(value: unknown): unknown {
  return typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
}
