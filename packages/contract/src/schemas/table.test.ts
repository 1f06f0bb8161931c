import assert from "node:assert/strict";
import test from "node:test";
import * as z from "zod";
import type { EndpointSchemas } from "../endpoint.ts";
import { schemas } from "./index.ts";

const { credentials, keys, providers, requests, usage, vault } = schemas;

test("every input and every query refuses a field it does not know", () => {
  const all = Object.values(schemas).flatMap((members): readonly EndpointSchemas[] => Object.values(members));
  for (const schema of all.flatMap(({ input, query }) => [input, query]).filter((entry) => entry !== undefined)) {
    const issues = schema.safeParse({ kind: "key-file", surprise: 1 }).error?.issues ?? [];
    assert.ok(
      issues.some((issue) => issue.code === "unrecognized_keys" && issue.keys.includes("surprise")),
      JSON.stringify(z.toJSONSchema(schema, { io: "input" })),
    );
  }
});

test("a provider may be named by `id` or by `name`, but must be named once", () => {
  const base_url = "http://127.0.0.1:9";
  assert.equal(providers.create.input.parse({ name: "box", base_url }).id, "box");
  assert.equal(providers.create.input.parse({ id: "box", name: "box", base_url }).id, "box");
  assert.equal(providers.create.input.safeParse({ id: "box", name: "other", base_url }).success, false);
  assert.equal(providers.create.input.safeParse({ base_url }).success, false);
  assert.equal(providers.create.input.safeParse({ id: "../x", base_url }).success, false);
});

test("a provider cannot take a name that is an address of the API", () => {
  for (const id of ["models", "with-keys"]) {
    assert.equal(providers.create.input.safeParse({ id, base_url: "http://127.0.0.1:9" }).success, false);
  }
});

test("model names may come as a list or as one text with commas", () => {
  const parse = (models: unknown) =>
    providers.create.input.parse({ id: "box", base_url: "http://127.0.0.1:9", models }).models;
  assert.deepEqual(parse("a, b,,c "), ["a", "b", "c"]);
  assert.deepEqual(parse(["a", "b"]), ["a", "b"]);
});

test("clearing a provider's key differs from leaving it as it is", () => {
  assert.deepEqual(providers.update.input.parse({ api_key: null }), { api_key: null });
  assert.deepEqual(providers.update.input.parse({}), {});
});

test("an API key that could break a header, or an address that is not http, is refused", () => {
  assert.equal(credentials.create.input.safeParse({ provider: "openai", value: "sk-1\r\nx: y" }).success, false);
  assert.equal(providers.update.input.safeParse({ base_url: "file:///etc/passwd" }).success, false);
});

test("an expiry is given once", () => {
  const both = { provider: "openai", value: "sk-1", expires_at: "2026-01-01T00:00:00Z", expires_in: "30d" };
  assert.equal(credentials.create.input.safeParse(both).success, false);
});

test("names with control characters or turned writing are refused", () => {
  for (const user of ["a\u001b[2J", "a\u202eb", "a\nb"])
    assert.equal(keys.create.input.safeParse({ user }).success, false);
  assert.equal(keys.create.input.parse({ user: " Łukasz 李 " }).user, "Łukasz 李");
});

test("query strings carry numbers and times as text", () => {
  assert.deepEqual(requests.list.query.parse({ limit: "5", since: "24h" }), { limit: 5, since: "24h" });
  assert.deepEqual(usage.sum.query.parse({ since: "2026-01-31", until: "2026-01-31T08:00:00+01:00" }).by, "model");
  for (const query of [{ limit: "0" }, { limit: "1e9" }, { limit: "" }, { since: "yesterday" }]) {
    assert.equal(requests.list.query.safeParse(query).success, false, JSON.stringify(query));
  }
});

test("an unseal names one secret at most", () => {
  assert.equal(vault.unseal.input.safeParse({}).success, true);
  assert.equal(vault.unseal.input.safeParse({ passphrase: "a", root_key: "b" }).success, false);
});

test("a refusal does not repeat the secret it refuses", () => {
  const error = credentials.create.input.safeParse({ provider: "openai", value: "sk canary" }).error;
  assert.doesNotMatch(JSON.stringify(error), /canary/);
});
