import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dialectById, dialects } from "./index.ts";

test("every dialect's folder is in the list, and the list is sorted", () => {
  const entries = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  // What all of them share has no index: it is not reached from outside.
  const folders = entries.filter(({ name }) => existsSync(join(import.meta.dirname, name, "index.ts")));
  assert.deepEqual(
    dialects.map((dialect) => dialect.id),
    folders.map((folder) => folder.name).sort(),
  );
  for (const dialect of dialects) assert.equal(dialectById(dialect.id), dialect);
});

test("no two dialects claim the same route", () => {
  const paths = dialects.flatMap((dialect) => dialect.routes.map((route) => `${route.method} ${route.path}`));
  assert.equal(new Set(paths).size, paths.length);
});

test("a route's path at a provider is its path behind the version segment", () => {
  for (const { path, upstreamPath } of dialects.flatMap((dialect) => dialect.routes)) {
    const own = path.endsWith(upstreamPath) ? upstreamPath : upstreamPath.replace("/models/{model}", "/{model}");
    assert.ok(path.endsWith(own), path);
    assert.match(path.slice(0, -own.length), /^\/(v\d[a-z0-9]*|api)$/);
  }
});
