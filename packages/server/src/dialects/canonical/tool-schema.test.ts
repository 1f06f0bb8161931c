import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "./conversation.ts";
import { allows, refusals, schemaKinds, toolSchemas } from "./test/schemas.ts";
import { lowerSchema } from "./tool-schema.ts";

test("every schema of well-known tools is taken by the strictest reader of each kind (B51)", () => {
  assert.ok(toolSchemas.length >= 60, `${toolSchemas.length} schemas`);
  for (const [name, schema] of toolSchemas) {
    for (const kind of schemaKinds) {
      const lowered = lowerSchema(schema, kind, name).schema;
      assert.equal(refusals[kind](lowered), undefined, `${name}, ${kind}: ${JSON.stringify(lowered)}`);
    }
  }
});

test("nothing is named as lost of a schema that the kind can say, and one place otherwise", () => {
  const lossOf = (name: string, kind: (typeof schemaKinds)[number]): string =>
    lowerSchema(toolSchemas.find(([each]) => each === name)?.[1], kind, "tools[0]")
      .losses.map(({ why }) => why)
      .join("|");
  for (const name of ["Bash", "TodoWrite", "exec_command", "multiedit", "weather", "nothing"])
    assert.equal(lossOf(name, "openapi"), "", name);
  assert.match(lossOf("conditional", "openapi"), /`if`/);
  assert.match(lossOf("notion_query", "openapi"), /a schema within itself/);
  assert.match(lossOf("remote_reference", "ollama"), /a reference to elsewhere/);
  assert.match(lossOf("weather", "ollama"), /`minimum`, `maximum`/);
  for (const [name] of toolSchemas.filter(([each]) => !each.startsWith("root_") && each !== "fs_head_tail"))
    if (!["slack_post", "conditional"].includes(name)) assert.equal(lossOf(name, "json-schema"), "", name);
});

test("a schema that is fine already is handed on as it is", () => {
  const [, schema] = toolSchemas[0] ?? [];
  assert.equal(lowerSchema(schema, "json-schema", "t").schema, schema);
});

test("a tool without parameters is an empty object, or none for Google (B32)", () => {
  const empty = { type: "object", properties: {} };
  for (const schema of [
    undefined,
    {},
    { type: "object" },
    { type: "object", properties: {}, additionalProperties: false },
  ]) {
    assert.equal(lowerSchema(schema, "openapi", "t").schema, undefined);
    assert.deepEqual(lowerSchema(schema, "ollama", "t").schema, empty);
    const { additionalProperties: _none, ...plain } = lowerSchema(schema, "json-schema", "t").schema ?? {};
    assert.deepEqual(plain, empty);
  }
});

const property = (schema: unknown, definitions?: object): unknown => {
  const root = { type: "object", properties: { it: schema }, ...definitions };
  const lowered = lowerSchema(root, "openapi", "t").schema;
  return (lowered?.["properties"] as JsonObject | undefined)?.["it"];
};

test("what Google's schemas cannot say is said in their words (B51)", () => {
  const cases: readonly (readonly [unknown, unknown])[] = [
    [{ type: ["string", "null"] }, { type: "STRING", nullable: true }],
    [{ const: "x" }, { type: "STRING", enum: ["x"] }],
    [
      { anyOf: [{ const: "a" }, { const: "b" }, { type: "null" }] },
      { type: "STRING", enum: ["a", "b"], nullable: true },
    ],
    [
      { type: "integer", exclusiveMinimum: 0, exclusiveMaximum: 10 },
      { type: "INTEGER", minimum: 1, maximum: 9 },
    ],
    [
      { type: "number", exclusiveMinimum: 0.5, minimum: 0 },
      { type: "NUMBER", minimum: 0.5 },
    ],
    [
      { type: "integer", enum: [1, 2] },
      { type: "INTEGER", description: "One of: 1, 2" },
    ],
    [
      { type: "string", enum: ["a", ""] },
      { type: "STRING", description: 'One of: "a", ""' },
    ],
    [{ type: "string", format: "uri", default: "x", examples: ["y"], title: "T" }, { type: "STRING" }],
    [
      { type: "string", format: "date-time" },
      { type: "STRING", format: "date-time" },
    ],
    [
      { oneOf: [{ type: "string" }], description: "d" },
      { type: "STRING", description: "d" },
    ],
    [
      {
        allOf: [
          { type: "object", properties: { a: { type: "number", minimum: 1 } } },
          { properties: { a: { minimum: 3 } }, required: ["a"] },
        ],
      },
      { type: "OBJECT", properties: { a: { type: "NUMBER", minimum: 3 } }, required: ["a"] },
    ],
    [
      { anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }], description: "Some" },
      {
        anyOf: [
          { type: "STRING", description: "Some" },
          { type: "ARRAY", items: { type: "STRING" } },
        ],
      },
    ],
    [
      { type: "object", additionalProperties: { type: "string" } },
      { type: "OBJECT", description: "Each value of a further name: string" },
    ],
    [
      { type: "object", properties: { a: { type: "string" } }, required: ["a", "b"] },
      { type: "OBJECT", properties: { a: { type: "STRING" } }, required: ["a"] },
    ],
  ];
  for (const [schema, expected] of cases) assert.deepEqual(property(schema), expected, JSON.stringify(schema));
});

test("a schema within itself is followed once", () => {
  const $defs = { node: { type: "object", properties: { value: { type: "string" }, next: { $ref: "#/$defs/node" } } } };
  assert.deepEqual(property({ $ref: "#/$defs/node" }, { $defs }), {
    type: "OBJECT",
    properties: { value: { type: "STRING" }, next: { type: "OBJECT" } },
  });
});

test("a choice between objects at the top becomes one object that is wide enough for each", () => {
  const [, schema] = toolSchemas.find(([name]) => name === "root_choice") ?? [];
  const lowered = lowerSchema(schema, "json-schema", "t").schema ?? {};
  assert.deepEqual(lowered["required"], ["id"]);
  for (const value of [
    { id: "a", deep: true },
    { id: 1, name: "b" },
  ])
    assert.ok(allows(lowered, value));
});
