import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRoute, type Route } from "./route.ts";
import { createRouteIndex } from "./route-index.ts";

const route = (name: string, target = "a/b"): Route => ({
  ...parseRoute({ name, target }),
  declaredIn: undefined,
  createdAt: undefined,
  updatedAt: undefined,
});

const match = (names: readonly string[], requested: string): string | undefined =>
  createRouteIndex(names.map((name) => route(name))).match(requested)?.name;

test("an exact name wins over a pattern, and a longer pattern over a shorter one, in whatever order they were made", () => {
  const names = ["*", "claude-*", "claude-opus-*", "*-4-5", "claude-opus-4-5"];
  for (const order of [names, names.toReversed()]) {
    assert.equal(match(order, "claude-opus-4-5"), "claude-opus-4-5");
    assert.equal(match(order, "claude-opus-4-1"), "claude-opus-*");
    assert.equal(match(order, "claude-haiku-4-1"), "claude-*");
    assert.equal(match(order, "claude-haiku-4-5"), "claude-*", "7 letters against 4");
    assert.equal(match(order, "gpt-4-5"), "*-4-5");
    assert.equal(match(order, "gpt-5"), "*");
  }
  assert.equal(match(["*-x", "a-*"], "a-x"), "*-x", "of two of the same length the first by name");
});

test("without a fitting route there is none; letters count as they are", () => {
  assert.equal(match([], "x"), undefined);
  assert.equal(match(["house", "claude-*"], "gpt-5"), undefined);
  assert.equal(match(["house", "claude-*"], "House"), undefined);
  assert.equal(match(["house", "claude-*"], "Claude-x"), undefined);
});

test("a suffix in brackets does not hide a route, unless the route has it in its own name", () => {
  assert.equal(match(["claude-opus-4-5"], "claude-opus-4-5[1m]"), "claude-opus-4-5");
  assert.equal(match(["*-4-5"], "claude-opus-4-5[1m]"), "*-4-5");
  assert.equal(match(["claude-opus-4-5", "claude-*"], "claude-opus-4-5[1m]"), "claude-opus-4-5");
  assert.equal(match(["house", "house[1m]"], "house[1m]"), "house[1m]");
  assert.equal(match(["house"], "house[1m]x"), undefined);
});

test("of two with the same name the later counts", () => {
  const index = createRouteIndex([route("x", "a/stored"), route("y"), route("x", "a/declared")]);
  assert.deepEqual(index.match("x")?.destination, { kind: "target", target: { provider: "a", model: "declared" } });
  assert.deepEqual(
    index.list.map(({ name }) => name),
    ["x", "y"],
  );
});
