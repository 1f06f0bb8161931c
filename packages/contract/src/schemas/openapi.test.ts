import assert from "node:assert/strict";
import test from "node:test";
import { endpoints, type Declaration } from "../index.ts";
import { openApiDocument } from "./index.ts";

const text = JSON.stringify(openApiDocument("1.2.3"));
const document = JSON.parse(text);

test("the OpenAPI document describes every endpoint, and is the same each time", () => {
  assert.equal(document.openapi, "3.1.0");
  assert.equal(document.info.version, "1.2.3");
  for (const members of Object.values(endpoints)) {
    for (const { method, path, summary, status, mayCreate } of Object.values(members) as readonly Declaration[]) {
      const operation = document.paths[path]?.[method.toLowerCase()];
      assert.equal(operation?.summary, summary, `${method} ${path}`);
      assert.deepEqual(Object.keys(operation.responses), [
        String(status ?? 200),
        ...(mayCreate === true ? ["201"] : []),
        "default",
      ]);
      assert.equal((operation.responses[status ?? 200].content === undefined) === (status === 204), true, path);
      const named = (operation.parameters ?? []).filter((parameter: { in: string }) => parameter.in === "path");
      assert.equal(named.length, path.split("{").length - 1);
    }
  }
  assert.equal(JSON.stringify(openApiDocument("1.2.3")), text);
});

test("every reference in the OpenAPI document leads somewhere", () => {
  const references = [...text.matchAll(/"\$ref":"#\/components\/(\w+)\/(\w*)"/g)];
  assert.ok(references.length > 50);
  for (const [, kind = "", name = ""] of references) assert.ok(document.components[kind]?.[name], `${kind}/${name}`);
  assert.doesNotMatch(text, /\$ref":"#\/\$defs/);
});

test("inputs are described as closed, outputs as open for fields to come", () => {
  assert.equal(document.components.schemas.KeysCreateInput.additionalProperties, false);
  assert.equal(document.components.schemas.Key.additionalProperties, undefined);
  assert.equal(document.paths["/api/v1/keys/{id}/rotate"].post.requestBody.required, false);
  assert.equal(document.paths["/api/v1/credentials"].post.requestBody.required, true);
});
