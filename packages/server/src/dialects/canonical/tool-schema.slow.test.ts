import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { schemaFailure } from "../../simulator/gemini-schema.ts";
import type { JsonObject } from "./conversation.ts";
import { anything, valuesFor } from "./test/schema-values.ts";
import { allows, refusals, schemaKinds, toolSchemas } from "./test/schemas.ts";
import { lowerSchema } from "./tool-schema.ts";
import { jsonTypes } from "./tool-schema-types.ts";
import { isObject } from "./wire.ts";

/** An object's arguments: what its lists hold in turn is more than the widest schema of Google's can say. */
function isPlain(value: unknown, inArray = 0): boolean {
  if (Array.isArray(value)) return inArray < 1 && value.every((one) => one !== undefined && isPlain(one, inArray + 1));
  return !isObject(value) || Object.values(value).every((one) => isPlain(one, 0));
}

function assertWider(schema: JsonObject, value: unknown, name: string): boolean {
  if (!isObject(value) || !isPlain(value) || !allows(schema, value)) return false;
  for (const kind of schemaKinds) {
    const lowered = lowerSchema(schema, kind, name).schema ?? {};
    const told: string = `${name}, ${kind}: ${JSON.stringify(value)} of ${JSON.stringify(schema)} → ${JSON.stringify(lowered)}`;
    assert.ok(allows(lowered, value), told);
  }
  return true;
}

test("arguments that a well-known tool's schema allows, the lowered one allows too", () => {
  let tried = 0;
  for (const [name, schema] of toolSchemas) {
    for (const value of fc.sample(valuesFor(schema, schema), { numRuns: 60, seed: 7 }))
      if (assertWider(schema, value, name)) tried++;
  }
  assert.ok(tried > toolSchemas.length * 15, `${tried} values were allowed`);
});

const leaf: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.constantFrom<JsonObject>(
    {},
    { type: "null" },
    { type: "boolean" },
    { const: "a" },
    { const: 2 },
    { enum: ["a", "", null] },
  ),
  fc.record(
    { type: fc.constant("string"), minLength: fc.nat(3), pattern: fc.constantFrom("^.", "[a-z]|^", "(?<!x)$") },
    { requiredKeys: ["type"] },
  ),
  fc.record(
    {
      type: fc.constantFrom("integer", "number"),
      minimum: fc.nat(9),
      exclusiveMaximum: fc.nat(99),
      multipleOf: fc.constant(2),
    },
    { requiredKeys: ["type"] },
  ),
  fc.record({ type: fc.uniqueArray(fc.constantFrom(...jsonTypes), { minLength: 1 }), description: fc.string() }),
  fc.constantFrom<JsonObject>({ $ref: "#/$defs/a" }, { $ref: "#/$defs/b" }, { $ref: "#/properties/x" }),
);

const { schema: anySchema } = fc.letrec<{ schema: JsonObject; object: JsonObject }>((tie) => ({
  object: fc.record(
    {
      type: fc.constant("object"),
      properties: fc.dictionary(fc.constantFrom("x", "y", "z"), tie("schema")),
      required: fc.uniqueArray(fc.constantFrom("x", "y", "z")),
      additionalProperties: fc.constantFrom<unknown>(false, true, { type: "string" }),
      anyOf: fc.array(tie("schema"), { maxLength: 3 }),
    },
    { requiredKeys: ["type", "properties"] },
  ),
  schema: fc.oneof(
    { maxDepth: 3, depthSize: "small" },
    leaf,
    tie("object"),
    fc.record({ type: fc.constant("array"), items: tie("schema"), maxItems: fc.nat(3) }, { requiredKeys: ["type"] }),
    fc.record(
      {
        anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }),
        type: fc.constant("object"),
        nullable: fc.constant(true),
      },
      { requiredKeys: ["anyOf"] },
    ),
    fc.record({ oneOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }), description: fc.constant("d") }),
    fc.record(
      {
        allOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }),
        properties: fc.dictionary(fc.constantFrom("x", "w"), tie("schema")),
      },
      { requiredKeys: ["allOf"] },
    ),
  ),
}));

const rootSchema = fc.record({
  type: fc.constant("object"),
  properties: fc.dictionary(fc.constantFrom("x", "y"), anySchema, { minKeys: 1 }),
  $defs: fc.record({ a: anySchema, b: anySchema }),
  required: fc.constantFrom(["x"], []),
});

test("any schema is lowered to one that is taken, and that allows what it allowed", () => {
  const both = rootSchema.chain((schema) =>
    fc.tuple(fc.constant(schema), fc.array(valuesFor(schema, schema), { maxLength: 4 })),
  );
  fc.assert(
    fc.property(both, ([schema, values]) => {
      for (const kind of schemaKinds) {
        const lowered = lowerSchema(schema, kind, "t").schema;
        assert.equal(
          refusals[kind](lowered),
          undefined,
          `${kind}: ${JSON.stringify(schema)} → ${JSON.stringify(lowered)}`,
        );
      }
      for (const value of values) assertWider(schema, value, "random");
    }),
    { numRuns: 500 },
  );
});

test("nor does a schema that is none make it throw", () => {
  fc.assert(
    fc.property(
      fc.dictionary(
        fc.constantFrom("type", "properties", "anyOf", "allOf", "items", "required", "enum", "$ref", "__proto__"),
        anything,
      ),
      (schema) => {
        for (const kind of schemaKinds) lowerSchema(schema, kind, "t");
        const { schema: lowered } = lowerSchema({ type: "object", properties: { it: schema } }, "openapi", "t");
        assert.equal(schemaFailure(lowered, "p"), undefined, JSON.stringify(lowered));
      },
    ),
    { numRuns: 500 },
  );
});

const many = (count: number, one: (index: number) => unknown, prefix = "p"): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`${prefix}${index}`, one(index)]));
const deep = (depth: number): unknown =>
  depth === 0 ? { type: "string" } : { type: "object", properties: { x: deep(depth - 1) } };
const wide = many(10_000, () => ({ type: "string", pattern: "a" }));

const hostile: Readonly<Record<string, JsonObject>> = {
  deep: { type: "object", properties: { x: deep(200) } },
  wide: { type: "object", properties: wide },
  laughs: {
    properties: { a: { $ref: "#/$defs/d0" } },
    $defs: many(40, (index) => ({ properties: many(10, () => ({ $ref: `#/$defs/d${index + 1}` })) }), "d"),
  },
  chain: {
    properties: { a: { $ref: "#/$defs/c0" } },
    $defs: many(10_000, (index) => ({ $ref: `#/$defs/c${index + 1}` }), "c"),
  },
  cross: {
    properties: {
      x: {
        type: "object",
        properties: wide,
        anyOf: Array.from({ length: 5000 }, (_, index) => ({ properties: { [`z${index}`]: {} } })),
      },
    },
  },
  root: {
    anyOf: Array.from({ length: 3000 }, () => ({ $ref: "#/$defs/a" })),
    $defs: { a: { type: "object", properties: wide } },
  },
  self: { $ref: "#" },
  circle: {
    $ref: "#/$defs/a",
    $defs: { a: { allOf: [{ $ref: "#/$defs/a" }, { anyOf: [{ $ref: "#/$defs/a" }, { $ref: "#" }] }] } },
  },
};

test("a hostile schema costs no more than a large one, and what is left of it is taken", () => {
  for (const [name, schema] of Object.entries(hostile)) {
    for (const kind of schemaKinds) {
      const { schema: lowered } = lowerSchema(schema, kind, "t");
      assert.ok(JSON.stringify(lowered ?? {}).length < 1_500_000, `${name}, ${kind}`);
      assert.equal(refusals[kind](lowered), undefined, `${name}, ${kind}`);
    }
    assert.ok(lowerSchema(schema, "openapi", "t").losses.length > 0, name);
  }
});

test("many schemas that share a budget cost no more than it", () => {
  const budget = { nodesLeft: 3000 };
  const sizes = Array.from(
    { length: 20 },
    () => JSON.stringify(lowerSchema(hostile["laughs"], "openapi", "t", budget).schema ?? {}).length,
  );
  assert.ok(
    sizes.slice(4).every((size) => size < 1_000),
    sizes.join(),
  );
});
