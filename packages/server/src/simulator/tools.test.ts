import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { callTool, chooseTool, type OfferedTool, shellCommand } from "./tools.ts";
import type { JsonObject } from "./wire.ts";

const tool = (name: string, schema: JsonObject = {}): OfferedTool => ({ name, kind: "function", schema });
const properties = (...names: readonly string[]): JsonObject => ({
  type: "object",
  properties: Object.fromEntries(names.map((name) => [name, { type: "string" }])),
  required: names.slice(0, 1),
});
const input = (offered: OfferedTool): unknown => JSON.parse(callTool(offered).input);

test("an assistant's shell is called by its own schema, once the user says `run echo`", () => {
  const read = tool("Read", properties("file_path"));
  const claude = tool("Bash", properties("command", "description"));
  const codex = tool("exec_command", properties("cmd", "workdir"));
  const list = tool("shell", { type: "object", properties: { command: { type: "array" } }, required: ["command"] });
  for (const shell of [claude, codex, list]) {
    assert.equal(chooseTool([read, shell], "auto", "please run echo"), shell);
    assert.equal(chooseTool([read, shell], "auto", "read the file, then run the tests"), undefined);
  }
  assert.deepEqual(input(claude), { command: shellCommand, description: "Print a greeting" });
  assert.deepEqual(input(codex), { cmd: shellCommand });
  assert.deepEqual(input(list), { command: shellCommand.split(" ") });
});

test("a shell that takes a script gets one", () => {
  const exec: OfferedTool = { name: "exec", namespace: "functions", kind: "custom", schema: {} };
  assert.equal(chooseTool([exec], "auto", "run echo"), exec);
  assert.ok(callTool(exec).input.includes(`tools.exec_command({ cmd: "${shellCommand}" })`));
});

test("what the user wrote never becomes a command", () => {
  const shell = tool("Bash", properties("command"));
  fc.assert(
    fc.property(fc.string(), (text) => {
      const chosen = chooseTool([shell], "auto", `run echo ${text}`);
      assert.deepEqual(chosen && input(chosen), { command: shellCommand });
    }),
  );
});

test("other tools are called when the user names one, or says `run`, or the request demands it", () => {
  const [time, weather] = [tool("get_time"), tool("get_weather")];
  const choose = (text: string, choice: Parameters<typeof chooseTool>[1] = "auto") =>
    chooseTool([time, weather], choice, text);
  assert.equal(choose("How is the weather in Åre?"), weather);
  assert.equal(choose("run it"), time);
  assert.equal(choose("hello"), undefined);
  assert.equal(choose("hello", "any"), time);
  assert.equal(choose("hello", { name: "get_weather" }), weather);
  assert.equal(choose("How is the weather?", "none"), undefined);
});

test("arguments fit their schema", () => {
  const schema = {
    type: "object",
    properties: {
      city: { type: "string", minLength: 9 },
      unit: { enum: ["celsius", "kelvin"] },
      days: { type: "integer", minimum: 3 },
      above: { type: "number", exclusiveMinimum: 5 },
      exact: { type: ["boolean", "null"] },
      tags: { type: "array", minItems: 2, items: { $ref: "#/$defs/tag" } },
      either: { anyOf: [{ const: 7 }, { type: "string" }] },
      nested: { type: "object", properties: { inner: { type: "null" } }, required: ["inner"] },
      optional: { type: "string" },
    },
    required: ["city", "unit", "days", "above", "exact", "tags", "either", "nested"],
    $defs: { tag: { type: "string", default: "snow" } },
  };
  assert.deepEqual(input(tool("forecast", schema)), {
    city: "example--",
    unit: "celsius",
    days: 3,
    above: 6,
    exact: true,
    tags: ["snow", "snow"],
    either: 7,
    nested: { inner: null },
  });
  assert.deepEqual(input(tool("bare")), {});
});

test("a schema that refers to itself comes to an end", () => {
  const schema = {
    type: "object",
    properties: { next: { $ref: "#/$defs/node" } },
    $defs: { node: { $ref: "#/$defs/node" } },
  };
  assert.deepEqual(input(tool("endless", schema)), { next: null });
});
