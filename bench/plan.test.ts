import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf } from "./plan.ts";

const known = { scenarios: ["s1", "s2"], systems: ["direct", "nginx", "portcullis"] };

test("without words everything is measured, in five rounds", () => {
  const plan = planOf([], known);
  assert.deepEqual([plan.scenarios, plan.systems, plan.rounds, plan.quick], [["s1", "s2"], undefined, 5, false]);
});

test("scenarios and systems can be chosen, in capitals too", () => {
  const plan = planOf(["--scenario", "S2", "--systems", "nginx, portcullis", "--rounds", "3"], known);
  assert.deepEqual([plan.scenarios, plan.systems, plan.rounds], [["s2"], ["nginx", "portcullis"], 3]);
  assert.equal(plan.turns, 9);
});

test("a quick run leaves out what it could not show, unless that is asked for by name", () => {
  const scenarios = ["s5", "s6", "s7"];
  assert.deepEqual(planOf(["--quick"], { ...known, scenarios }).scenarios, ["s5", "s7"]);
  assert.deepEqual(planOf(["--quick", "--scenario", "s6"], { ...known, scenarios }).scenarios, ["s6"]);
  assert.deepEqual(planOf([], { ...known, scenarios }).scenarios, scenarios);
});

test("a quick run installs nothing", () => {
  assert.equal(planOf(["--quick"], known).mayInstall, false);
  assert.equal(planOf(["--no-install"], known).mayInstall, false);
  assert.equal(planOf([], known).mayInstall, true);
});

test("what is not there is refused by name", () => {
  assert.throws(() => planOf(["--scenario", "s5"], known), /there is no scenario s5; there are s1, s2/);
  assert.throws(() => planOf(["--systems", "apache"], known), /there is no system apache/);
  assert.throws(() => planOf(["--rounds", "0"], known), /--rounds must be/);
  assert.throws(() => planOf(["--rounds", "1.5"], known), /--rounds must be/);
  assert.throws(() => planOf(["--minutes", "x"], known), /--minutes must be/);
});
