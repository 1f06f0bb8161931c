import type { JsonObject } from "./conversation.ts";
import type { OpenSchema, SchemaReader } from "./tool-schema-reader.ts";
import { allowedTypes, branchesOf } from "./tool-schema-types.ts";
import { isObject } from "./wire.ts";

/**
 * An object without a choice between several: it has the properties of all of them, and must have what it must have in
 * each. For the top of a schema, where a choice is refused.
 */
export function withoutUnion(reader: SchemaReader, opened: OpenSchema): OpenSchema {
  const branches = branchesOf(opened.schema);
  if (branches === undefined) return opened;
  const { anyOf: _any, oneOf: _one, ...base } = opened.schema;
  reader.lose("a choice between several at the top");
  const objects = branches
    .map((branch) => withoutUnion(reader, reader.open(branch, opened.place)).schema)
    .filter((branch) => allowedTypes(branch).length === 0 || allowedTypes(branch).includes("object"));
  const lists = [base, ...objects].map((schema) => schema["properties"]).filter(isObject);
  const properties = unitedProperties(lists.filter((list) => reader.spend(list)));
  const required = [...new Set([...namesIn(base), ...commonNames(objects.map(namesIn))])];
  const schema = { ...base, type: "object", properties, ...(required.length > 0 && { required }) };
  return { schema, place: opened.place };
}

function namesIn({ required }: JsonObject): readonly string[] {
  return Array.isArray(required) ? (required as readonly unknown[]).filter((name) => typeof name === "string") : [];
}

function commonNames(lists: readonly (readonly string[])[]): readonly string[] {
  const [first = [], ...others] = lists;
  return others.reduce<readonly string[]>((common, list) => {
    const names = new Set(list);
    return common.filter((name) => names.has(name));
  }, first);
}

/** A property that is not the same everywhere may be what it is anywhere. */
function unitedProperties(all: readonly JsonObject[]): JsonObject {
  const schemas = new Map<string, Map<string, unknown>>();
  for (const properties of all) {
    for (const [name, schema] of Object.entries(properties)) {
      const known = schemas.get(name) ?? new Map<string, unknown>();
      schemas.set(name, known.set(JSON.stringify(schema), schema));
    }
  }
  const united = [...schemas].map(([name, known]): readonly [string, unknown] => {
    const [first, ...others] = known.values();
    return [name, others.length === 0 ? first : { anyOf: [first, ...others] }];
  });
  return Object.fromEntries(united);
}
