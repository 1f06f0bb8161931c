import type { JsonObject } from "./conversation.ts";
import { typesOf } from "./tool-schema-types.ts";
import { isObject } from "./wire.ts";

type Merge = (one: unknown, other: unknown) => unknown;

/** How what two schemas say under one keyword is said in one. What is not here is merged by keeping the first. */
const merges: Readonly<Record<string, Merge>> = {
  type: mergeTypes,
  properties: mergeProperties,
  required: (one, other) => [...new Set([...listOf(one), ...listOf(other)])],
  enum: mergeValues,
  items: both,
  additionalProperties: (one, other) => (one === false || other === false ? false : both(one, other)),
  minimum: greater,
  exclusiveMinimum: greater,
  minLength: greater,
  minItems: greater,
  maximum: lesser,
  exclusiveMaximum: lesser,
  maxLength: lesser,
  maxItems: lesser,
};

/** What says nothing of the values, and of which the first is kept without a word. */
const annotations = new Set(["description", "title", "default", "examples", "$id", "$schema", "$comment", "$defs"]);

/** A schema for what both allow. `onLost` hears of keywords of the second that could not be kept beside those of the first. */
export function mergeSchemas(one: JsonObject, other: JsonObject, onLost: (keyword: string) => void): JsonObject {
  const merged = new Map(Object.entries(one));
  for (const [keyword, value] of Object.entries(other)) {
    const first = merged.get(keyword);
    const merge = Object.hasOwn(merges, keyword) ? merges[keyword] : undefined;
    if (first === undefined) merged.set(keyword, value);
    else if (merge !== undefined) merged.set(keyword, merge(first, value));
    else if (!annotations.has(keyword) && JSON.stringify(first) !== JSON.stringify(value)) onLost(keyword);
  }
  return Object.fromEntries(merged);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Nothing satisfies two types that exclude each other; the first is as good as any then. */
function mergeTypes(one: unknown, other: unknown): unknown {
  const [first, second] = [typesOf(one), typesOf(other)];
  const common = first.flatMap((type) => {
    if (second.includes(type)) return [type];
    if (type === "number" && second.includes("integer")) return ["integer"];
    return type === "integer" && second.includes("number") ? ["integer"] : [];
  });
  const [only, ...more] = common;
  if (only === undefined) return one;
  return more.length === 0 ? only : common;
}

function mergeProperties(one: unknown, other: unknown): unknown {
  if (!isObject(one) || !isObject(other)) return one;
  const merged = new Map(Object.entries(one));
  for (const [name, value] of Object.entries(other)) {
    merged.set(name, merged.has(name) ? both(merged.get(name), value) : value);
  }
  return Object.fromEntries(merged);
}

/** Opened when it is looked into. */
function both(one: unknown, other: unknown): unknown {
  if (one === other) return one;
  if (!isObject(one)) return other;
  if (!isObject(other)) return one;
  const parts = Object.keys(one).join() === "allOf" ? listOf(one["allOf"]) : [one];
  return { allOf: [...parts, other] };
}

function mergeValues(one: unknown, other: unknown): unknown {
  const allowed = new Set(listOf(other).map((value) => JSON.stringify(value)));
  const common = listOf(one).filter((value) => allowed.has(JSON.stringify(value)));
  return common.length === 0 ? one : common;
}

function greater(one: unknown, other: unknown): unknown {
  return typeof one === "number" && typeof other === "number" ? Math.max(one, other) : one;
}

function lesser(one: unknown, other: unknown): unknown {
  return typeof one === "number" && typeof other === "number" ? Math.min(one, other) : one;
}
