import fc from "fast-check";
import type { JsonObject } from "../conversation.ts";
import { isObject } from "../wire.ts";

export const anything: fc.Arbitrary<unknown> = fc.jsonValue({ maxDepth: 3 });

type Inner = (part: unknown) => fc.Arbitrary<unknown>;

/** Values, many of which the schema allows. */
export function valuesFor(schema: unknown, root: unknown, depth = 0): fc.Arbitrary<unknown> {
  if (!isObject(schema) || depth > 6) return anything;
  const inner: Inner = (part) => valuesFor(part, root, depth + 1);
  const { $ref: reference, enum: values, const: only } = schema;
  if (typeof reference === "string") return inner(referredTo(reference, root));
  const branches = branchesIn(schema);
  if (branches.length > 0) return fc.oneof(...branches.map(inner));
  if (only !== undefined) return fc.constant(only);
  if (Array.isArray(values) && values.length > 0) return fc.constantFrom(...(values as readonly unknown[]));
  return typed(schema, inner);
}

function referredTo(reference: string, root: unknown): unknown {
  const keys = reference.split("/").slice(1);
  return keys.reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), root);
}

function branchesIn({ anyOf, oneOf, allOf, ...base }: JsonObject): readonly unknown[] {
  const parts = [anyOf, oneOf, allOf].find(Array.isArray) as readonly unknown[] | undefined;
  return (parts ?? []).map((part) => (isObject(part) ? { ...base, ...part } : part));
}

const numbers = fc.oneof(fc.integer({ min: -5, max: 300 }), fc.double({ min: -5, max: 300, noNaN: true }));

const scalars: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: fc.string({ maxLength: 12 }),
  integer: fc.integer({ min: -5, max: 300 }),
  number: numbers,
  boolean: fc.boolean(),
  null: fc.constant(null),
};

function typed(schema: JsonObject, inner: Inner): fc.Arbitrary<unknown> {
  const { properties, items, prefixItems } = schema;
  const type = String([schema["type"]].flat()[0]);
  if (type === "object" || isObject(properties)) return objects(schema, inner);
  if (type !== "array") return scalars[type] ?? fc.oneof(fc.string(), fc.integer(), fc.boolean());
  const tuple = [prefixItems, items].find(Array.isArray) as readonly unknown[] | undefined;
  return tuple === undefined ? fc.array(inner(items), { maxLength: 4 }) : fc.tuple(...tuple.map(inner));
}

function objects({ properties, required }: JsonObject, inner: Inner): fc.Arbitrary<unknown> {
  const named = Object.entries(isObject(properties) ? properties : {});
  const names: readonly unknown[] = Array.isArray(required) ? required : [];
  const requiredKeys = named.map(([name]) => name).filter((name) => names.includes(name));
  return fc.record(Object.fromEntries(named.map(([name, part]) => [name, inner(part)])), { requiredKeys });
}
