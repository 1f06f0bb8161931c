import assert from "node:assert/strict";
import { test } from "node:test";
import { createRouter } from "./router.ts";

const policy = "admin";
const find = createRouter([
  { method: "GET", path: "/a/{id}", policy, handler: "one" },
  { method: "GET", path: "/a/with-keys", policy, handler: "fixed" },
  { method: "DELETE", path: "/a/{id}", policy, handler: "remove" },
  { method: "GET", path: "/a/{id}/b", policy, handler: "inner" },
]);

test("a route without a policy, or with one that nobody knows, does not start", () => {
  for (const wrong of [undefined, "", "anyone", "toString"]) {
    const route = { method: "GET", path: "/a", policy: wrong as "admin", handler: "a" };
    assert.throws(() => createRouter([route]), /the route GET \/a has no policy/);
  }
});

test("a fixed part wins over one in braces, whatever the order they were given in", () => {
  assert.equal(find("GET", "/a/with-keys")?.handler, "fixed");
  assert.deepEqual(find("GET", "/a/x%20y"), { handler: "one", params: { id: "x y" } });
  assert.equal(find("GET", "/a/x/b")?.handler, "inner");
});

test("another method on a known path is told which ones there are", () => {
  assert.throws(() => find("PUT", "/a/x"), { code: "method_not_allowed", message: /GET, DELETE/ });
});

test("an unknown path, an empty part and a broken escape match nothing", () => {
  for (const path of ["/", "/a", "/a/", "/a/x/b/c", "/a/%zz", "/b/x"]) assert.equal(find("GET", path), undefined, path);
});
