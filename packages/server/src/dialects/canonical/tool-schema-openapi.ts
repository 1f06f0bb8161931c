import type { JsonObject } from "./conversation.ts";
import type { OpenSchema, SchemaReader } from "./tool-schema-reader.ts";
import { allowedTypes, branchesOf, itemsOf, type JsonType, requiredOf, valuesOf } from "./tool-schema-types.ts";
import { withoutUnion } from "./tool-schema-union.ts";
import { isObject, present } from "./wire.ts";

/*
 * Google's subset of OpenAPI's schemas, as strict as any of its parsers was: every schema has a type or a choice, and a choice
 * stands alone; arrays say what their items are; the values of an `enum` are texts that are not empty; nothing is required that is
 * not a property. What values are allowed beside texts is told in the description.
 * https://ai.google.dev/api/caching#Schema
 */

/** Undefined for a function without arguments. */
export function openapiParameters(reader: SchemaReader): JsonObject | undefined {
  const opened = withoutUnion(reader, reader.open(reader.root));
  const { properties } = opened.schema;
  if (!isObject(properties) || Object.keys(properties).length === 0) return undefined;
  return typed(reader, opened, "object");
}

/** A schema for an answer, which may be of any type. */
export function openapiSchema(reader: SchemaReader): JsonObject {
  return written(reader, reader.open(reader.root));
}

function written(reader: SchemaReader, opened: OpenSchema): JsonObject {
  const branches = branchesOf(opened.schema);
  if (branches !== undefined) return choice(reader, opened, branches);
  const allowed = allowedTypes(opened.schema);
  if (allowed.length === 0) return described(anything, opened.schema["description"]);
  const types = allowed.filter((type) => type !== "null");
  const members = types.map((type) => typed(reader, opened, type, types.length === 1));
  return oneOf(members, allowed.includes("null"), types.length > 1 ? opened.schema["description"] : undefined);
}

const scalars = [{ type: "STRING", nullable: true }, { type: "NUMBER" }, { type: "BOOLEAN" }, { type: "OBJECT" }];

/** There is no schema for all there is, but for nearly all. */
const anything = { anyOf: [...scalars, { type: "ARRAY", items: { anyOf: scalars } }] };

/** One of several; a choice has no place for anything else, so the first of them says it. */
function oneOf(members: readonly JsonObject[], isNullable: boolean, description?: unknown): JsonObject {
  const flat = members.flatMap(({ anyOf, ...member }) => (isMembers(anyOf) ? anyOf : [member]));
  const [first = { type: "STRING" }, ...others] = joinedTexts([
    ...new Map(flat.map((member) => [JSON.stringify(member), member])).values(),
  ]);
  const leading = described({ ...first, ...(isNullable && { nullable: true }) }, description);
  return others.length === 0 ? leading : { anyOf: [leading, ...others] };
}

function isMembers(value: unknown): value is readonly JsonObject[] {
  return Array.isArray(value);
}

/** A choice between single texts is a list of them. */
function joinedTexts(members: readonly JsonObject[]): readonly JsonObject[] {
  const isList = ({ type, enum: values, description }: JsonObject): boolean =>
    type === "STRING" && Array.isArray(values) && description === undefined;
  if (members.length < 2 || !members.every(isList)) return members;
  const values = new Set(members.flatMap((member) => member["enum"] as readonly string[]));
  const isNullable = members.some(({ nullable }) => nullable === true);
  return [{ type: "STRING", enum: [...values], ...(isNullable && { nullable: true }) }];
}

/** What says something of a value where it stands beside a choice. */
const constraining = ["type", "properties", "required", "items", "prefixItems", "enum", "const", "pattern", "minimum"];

function choice(reader: SchemaReader, opened: OpenSchema, branches: readonly unknown[]): JsonObject {
  const { anyOf, oneOf: ones, description, ...base } = opened.schema;
  if (anyOf !== undefined && ones !== undefined) reader.lose("two choices at once");
  const hasBase = constraining.some((keyword) => base[keyword] !== undefined);
  if (hasBase && branches.every(onlyRequires)) {
    reader.lose("a choice of what is required");
    return written(reader, { schema: present({ ...base, description }), place: opened.place });
  }
  const members = branches.map((branch) => reader.open(hasBase ? { allOf: [base, branch] } : branch, opened.place));
  const isNull = ({ schema }: OpenSchema): boolean => allowedTypes(schema).join() === "null";
  const rest = members.filter((member) => !isNull(member)).map((member) => written(reader, member));
  return oneOf(rest, rest.length < members.length || base["nullable"] === true, description);
}

function onlyRequires(branch: unknown): boolean {
  const told = new Set(["required", "title", "description", "not"]);
  return isObject(branch) && Object.keys(branch).every((keyword) => told.has(keyword));
}

function typed(reader: SchemaReader, opened: OpenSchema, type: JsonType, isOnly = true): JsonObject {
  const { schema } = opened;
  const own = { type: type.toUpperCase() };
  const description = isOnly ? textOf(schema["description"]) : undefined;
  if (type === "object")
    return present({ ...own, description: objectNote(schema, description), ...object(reader, opened) });
  if (type === "array") return present({ ...own, description, ...array(reader, opened) });
  if (type === "string") return string(reader, schema, description);
  return present({ ...own, description: valuesNote(valuesOf(schema), description), ...number(reader, schema, type) });
}

function object(reader: SchemaReader, { schema, place }: OpenSchema): JsonObject {
  reader.loseAll(schema, lostOfObjects);
  const { properties } = schema;
  if (!isObject(properties)) return {};
  const named = Object.entries(properties).filter(([, property]) => property !== false);
  if (named.length === 0) return {};
  const kept = Object.fromEntries(
    named.map(([name, property]) => [name, written(reader, reader.open(property, place))]),
  );
  const required = requiredOf(schema, kept);
  return { properties: kept, ...(required.length > 0 && { required }) };
}

export const lostOfObjects = [
  "patternProperties",
  "propertyNames",
  "minProperties",
  "maxProperties",
  "dependentRequired",
  "dependentSchemas",
  "dependencies",
  "not",
  "if",
];

function array(reader: SchemaReader, { schema, place }: OpenSchema): JsonObject {
  reader.loseAll(schema, ["uniqueItems", "contains"]);
  const items = written(reader, reader.open(itemsOf(schema), place));
  const { minItems, maxItems } = schema;
  return present({ items, minItems: count(minItems), maxItems: count(maxItems) });
}

function string(reader: SchemaReader, schema: JsonObject, description: string | undefined): JsonObject {
  const values = valuesOf(schema);
  const texts = values?.filter((value) => typeof value === "string") ?? [];
  const canList = texts.length > 0 && texts.every((value) => value !== "");
  const { minLength, maxLength, pattern, format } = schema;
  const plain = typeof pattern === "string" && isPlainPattern(pattern) ? pattern : undefined;
  if (pattern !== undefined && plain === undefined) reader.lose("such a `pattern`");
  return present({
    type: "STRING",
    description: canList ? description : valuesNote(values, description),
    enum: canList ? [...new Set(texts)] : undefined,
    format: format === "date-time" ? format : undefined,
    minLength: count(minLength),
    maxLength: count(maxLength),
    pattern: plain,
  });
}

/** What every engine of regular expressions understands: no looking around, nothing that refers back. */
function isPlainPattern(pattern: string): boolean {
  return pattern.length <= 256 && !/\(\?(?!:)|\\[^dDwWsSbBnrt\W]/.test(pattern);
}

function number(reader: SchemaReader, schema: JsonObject, type: JsonType): JsonObject {
  if (type === "boolean") return {};
  reader.loseAll(schema, ["multipleOf"]);
  const { format } = schema;
  const formats = type === "integer" ? ["int32", "int64"] : ["float", "double"];
  return present({
    format: formats.find((known) => known === format),
    minimum: least(schema, type),
    maximum: most(schema, type),
  });
}

/** Between whole numbers a bound that is not reached itself can be said exactly, else nearly. */
function least({ minimum, exclusiveMinimum: above }: JsonObject, type: JsonType): number | undefined {
  const bounds = [minimum, type === "integer" && typeof above === "number" ? Math.floor(above) + 1 : above];
  const numbers = bounds.filter((bound) => typeof bound === "number");
  return numbers.length === 0 ? undefined : Math.max(...numbers);
}

function most({ maximum, exclusiveMaximum: below }: JsonObject, type: JsonType): number | undefined {
  const bounds = [maximum, type === "integer" && typeof below === "number" ? Math.ceil(below) - 1 : below];
  const numbers = bounds.filter((bound) => typeof bound === "number");
  return numbers.length === 0 ? undefined : Math.min(...numbers);
}

function count(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function described(schema: JsonObject, description: unknown): JsonObject {
  const text = textOf(description);
  if (text === undefined) return schema;
  const { anyOf } = schema;
  if (isMembers(anyOf))
    return { anyOf: anyOf.map((member, index) => (index === 0 ? described(member, text) : member)) };
  const own = textOf(schema["description"]);
  return { ...schema, description: own === undefined || own === text ? text : `${text}\n${own}` };
}

/** The values that are allowed, for the model to read, where a schema cannot list them. */
function valuesNote(values: readonly unknown[] | undefined, description: string | undefined): string | undefined {
  if (values === undefined || values.length === 0 || values.length > 50) return description;
  const list = values.map((value) => JSON.stringify(value)).join(", ");
  return list.length > 500 ? description : joined(description, `One of: ${list}`);
}

/** Of a map, what its values are. */
function objectNote({ additionalProperties }: JsonObject, description: string | undefined): string | undefined {
  const types = isObject(additionalProperties) ? allowedTypes(additionalProperties) : [];
  return types.length === 0 ? description : joined(description, `Each value of a further name: ${types.join(" or ")}`);
}

function joined(description: string | undefined, note: string): string {
  return description === undefined ? note : `${description}\n${note}`;
}
