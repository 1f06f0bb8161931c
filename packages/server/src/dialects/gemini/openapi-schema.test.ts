import assert from "node:assert/strict";
import { test } from "node:test";
import { jsonSchemaOf } from "./openapi-schema.ts";

test("a schema of Google's is the JSON schema that says the same", () => {
  const schema = {
    type: "OBJECT",
    properties: {
      type: { type: "STRING", format: "enum", enum: ["a"], nullable: true },
      list: { type: "ARRAY", items: { type: "NUMBER" }, minItems: "2", example: [1, 2] },
      either: { anyOf: [{ type: "STRING" }, { type: "INTEGER" }], nullable: true },
    },
    required: ["type"],
    propertyOrdering: ["type", "list"],
  };
  assert.deepEqual(jsonSchemaOf(schema), {
    type: "object",
    properties: {
      type: { type: ["string", "null"], enum: ["a", null] },
      list: { type: "array", items: { type: "number" }, minItems: 2 },
      either: { anyOf: [{ type: "string" }, { type: "integer" }, { type: "null" }] },
    },
    required: ["type"],
  });
});

test("a schema without an end comes to one", () => {
  const deep: Record<string, unknown> = { type: "ARRAY" };
  deep["items"] = deep;
  assert.equal(jsonSchemaOf(deep)["type"], "array");
});
