import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "../kernel/errors.ts";
import { formatDestination, parseDestination, parseRoute, type NewRoute } from "./route.ts";

const problemOf = (asked: NewRoute): string => {
  try {
    parseRoute(asked);
  } catch (error) {
    assert.ok(error instanceof AppError && error.code === "invalid_request");
    return error.message;
  }
  return "";
};

test("a route has a target or tiers, and comes back as it was written", () => {
  const target = parseRoute({ name: "house", target: "openrouter/openai/gpt-5:free", displayName: " House " });
  assert.deepEqual(target, {
    name: "house",
    destination: { kind: "target", target: { provider: "openrouter", model: "openai/gpt-5:free" } },
    lossy: undefined,
    displayName: "House",
  });
  assert.deepEqual(parseRoute({ name: "house", targets: ["a/b"] }), parseRoute({ name: "house", target: "a/b" }));
  const tiers = { reasoning: "a/large", completion: "a/medium" };
  const shown = formatDestination(parseDestination({ name: "x", tiers }));
  assert.deepEqual(shown, { targets: null, tiers: { ...tiers, value: null } });
});

test("several targets are refused, and so are none, or two ways of saying where it leads", () => {
  assert.equal(
    problemOf({ name: "house", targets: ["a/b", "c/d"] }),
    "the route `house` has 2 targets, and a route leads to exactly one: requests do not fail over",
  );
  const exactlyOne = /^the route `house` needs exactly one of `target`, `targets` and `tiers`$/;
  assert.match(problemOf({ name: "house" }), exactlyOne);
  assert.match(problemOf({ name: "house", target: "a/b", targets: ["a/b"] }), exactlyOne);
  assert.match(problemOf({ name: "house", target: "a/b", tiers: { completion: "a/b" } }), exactlyOne);
  assert.match(problemOf({ name: "house", tiers: { reasoning: "a/b" } }), /needs the tier `completion`/);
});

test("a target is a provider, a slash and a model", () => {
  for (const target of ["gpt-5", "/gpt-5", "openai/", "OpenAI/gpt-5", "open ai/x", "openai/ x", "openai/x\n", ""]) {
    assert.match(
      problemOf({ name: "house", target }),
      /is no target of a route: it is written `provider\/model`/,
      target,
    );
  }
});

test("a name is one that a client can send as a model, and no `provider/model`", () => {
  const names = ["claude-opus-4-5", "claude-*", "*", "llama3.3:70b", "gpt-5[1m]", "@cf:x", "a.b#c?d;e"];
  for (const name of names) assert.equal(problemOf({ name, target: "a/b" }), "", name);
  for (const name of ["", "a/b", "a b", "é", "a\n", ".", "..", "..x", "a%2fb", "a\\b", "x".repeat(201)]) {
    assert.match(problemOf({ name, target: "a/b" }), /^the name of a route is 1 to 200/, name);
  }
  assert.match(problemOf({ name: "a", target: "a/b", displayName: "\u001b[2J" }), /printable/);
});
