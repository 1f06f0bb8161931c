import assert from "node:assert/strict";
import { test } from "node:test";
import { argumentsObject } from "./wire.ts";

test("arguments that are written again keep their numbers as they were", () => {
  for (const text of ['{"n":12345678901234567890}', '{"n":1.0}', '{"n":[1e5,-0,2.50]}', '{"s":"1.0","n":7}']) {
    assert.equal(JSON.stringify(argumentsObject(text)), text);
  }
});

test("no arguments are an empty object, and what is no object is none", () => {
  assert.deepEqual(argumentsObject(" "), {});
  for (const text of ["[1.0]", "1.0", "null", '{"a":']) assert.equal(argumentsObject(text), undefined, text);
});
