import type { JsonObject } from "./conversation.ts";
import { lostOfObjects } from "./tool-schema-openapi.ts";
import type { OpenSchema, SchemaReader } from "./tool-schema-reader.ts";
import { branchesOf, itemsOf, requiredOf, typesOf, valuesOf } from "./tool-schema-types.ts";
import { withoutUnion } from "./tool-schema-union.ts";
import { isObject, present } from "./wire.ts";

/*
 * What Ollama's parser keeps of a schema: types (one or a list), descriptions, values, items, properties, what is required, and
 * `anyOf`. It does not follow references, loses all else without a word, and refuses the request where one of these is not what it
 * expects, such as `true` for a schema.
 */

const lostOfAny = ["pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength"];
const lostOfArrays = ["maxLength", "minItems", "maxItems", "uniqueItems", "contains"];

export function ollamaParameters(reader: SchemaReader): JsonObject {
  const { type: _type, ...rest } = written(reader, withoutUnion(reader, reader.open(reader.root)));
  return { ...rest, type: "object", properties: isObject(rest["properties"]) ? rest["properties"] : {} };
}

function written(reader: SchemaReader, { schema, place }: OpenSchema): JsonObject {
  reader.loseAll(schema, [...lostOfObjects, ...lostOfAny, ...lostOfArrays]);
  const inner = (part: unknown): JsonObject => written(reader, reader.open(part, place));
  const items = itemsOf(schema);
  const values = valuesOf(schema);
  const named = Object.entries(isObject(schema["properties"]) ? schema["properties"] : {});
  const properties = Object.fromEntries(
    named.filter(([, part]) => part !== false).map(([name, part]) => [name, inner(part)]),
  );
  const required = requiredOf(schema, properties);
  const { description } = schema;
  return present({
    type: typeField(schema),
    description: typeof description === "string" ? description : undefined,
    enum: values !== undefined && values.length > 0 ? values : undefined,
    items: items === undefined ? undefined : inner(items),
    properties: named.length > 0 ? properties : undefined,
    required: required.length > 0 ? required : undefined,
    anyOf: branchesOf(schema)?.map(inner),
  });
}

function typeField(schema: JsonObject): unknown {
  const types = typesOf(schema["type"]);
  const all = schema["nullable"] === true && types.length > 0 ? [...new Set([...types, "null"])] : types;
  if (all.length === 0) return isObject(schema["properties"]) ? "object" : undefined;
  return all.length === 1 ? all[0] : all;
}
