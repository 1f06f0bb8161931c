import { invalid } from "./gemini-shape.ts";
import type { Failure } from "./failure.ts";
import { firstOf, isObject, type JsonObject, objectOf } from "./wire.ts";

/*
 * What Google says of a schema whose fields it all knows: its subset of OpenAPI has rules between them.
 * https://ai.google.dev/api/caching#Schema
 */

const types = ["STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"];

const formats: Readonly<Record<string, readonly string[]>> = {
  STRING: ["enum", "date-time"],
  NUMBER: ["float", "double"],
  INTEGER: ["int32", "int64"],
};

/** A function's parameters are an object that has some. */
export function parametersFailure(schema: unknown, at: string): Failure | undefined {
  const { type, properties } = objectOf(schema);
  if (typeof type !== "string" || type.toUpperCase() !== "OBJECT")
    return invalid(`* ${at}: parameters schema should be of type OBJECT\n`);
  if (Object.keys(objectOf(properties)).length === 0)
    return invalid(`* ${at}.properties: should be non-empty for OBJECT type\n`);
  return schemaFailure(schema, at);
}

/** The first thing in a schema that Google would refuse. */
export function schemaFailure(value: unknown, at: string): Failure | undefined {
  const schema = objectOf(value);
  const { type, anyOf } = schema;
  if (type === undefined && Array.isArray(anyOf)) return firstIn(anyOf, `${at}.any_of`);
  const name = typeof type === "string" ? type.toUpperCase() : "";
  if (!types.includes(name)) return invalid(`* ${at}.type: must be specified\n`);
  return (
    enumFailure(schema, name, at) ??
    formatFailure(schema, name, at) ??
    (name === "ARRAY" ? itemsFailure(schema, at) : undefined) ??
    requiredFailure(schema, at) ??
    firstOf(Object.entries(objectOf(schema["properties"])), ([key, one]) =>
      schemaFailure(one, `${at}.properties[${key}]`),
    ) ??
    firstIn(Array.isArray(anyOf) ? anyOf : [], `${at}.any_of`)
  );
}

function firstIn(schemas: readonly unknown[], at: string): Failure | undefined {
  return firstOf(schemas, (one, index) => schemaFailure(one, `${at}[${index}]`));
}

function enumFailure({ enum: values }: JsonObject, type: string, at: string): Failure | undefined {
  if (!Array.isArray(values)) return undefined;
  if (type !== "STRING") return invalid(`* ${at}.enum: only allowed for STRING type\n`);
  return firstOf(values, (value, index) =>
    value === "" ? invalid(`* ${at}.enum[${index}]: cannot be empty\n`) : undefined,
  );
}

function formatFailure({ format }: JsonObject, type: string, at: string): Failure | undefined {
  const known = formats[type];
  if (typeof format !== "string" || format === "" || known === undefined || known.includes(format)) return undefined;
  const list = known.map((one) => `'${one}'`).join(" and ");
  return invalid(`* ${at}.format: only ${list} are supported for ${type} type\n`);
}

function itemsFailure({ items }: JsonObject, at: string): Failure | undefined {
  return isObject(items) ? schemaFailure(items, `${at}.items`) : invalid(`* ${at}.items: missing field.\n`);
}

function requiredFailure({ required, properties }: JsonObject, at: string): Failure | undefined {
  if (!Array.isArray(required)) return undefined;
  return firstOf(required, (name, index) =>
    Object.hasOwn(objectOf(properties), String(name))
      ? undefined
      : invalid(`* ${at}.required[${index}]: property is not defined\n`),
  );
}
