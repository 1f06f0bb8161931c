import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tiers } from "./route.ts";
import { chooseTier } from "./tiers.ts";

const at = (model: string) => ({ provider: "p", model });
const all: Tiers = { reasoning: at("large"), completion: at("medium"), value: at("small") };
const none: Tiers = { reasoning: undefined, completion: at("medium"), value: undefined };

const chosen = (name: string, thinking: boolean, tiers: Tiers = all): string => {
  const { tier, target } = chooseTier(name, tiers, () => thinking);
  return `${tier} ${target.model}`;
};

test("the name tells the tier; thinking tells it where the name does not", () => {
  const table: readonly (readonly [name: string, plain: string, thinking: string])[] = [
    ["claude-opus-4-5", "reasoning large", "reasoning large"],
    ["claude-fable-5", "reasoning large", "reasoning large"],
    ["claude-haiku-4-5-20251001", "value small", "value small"],
    ["claude-sonnet-4-5", "completion medium", "reasoning large"],
    ["house", "completion medium", "reasoning large"],
    ["Claude-OPUS-4-1[1m]", "reasoning large", "reasoning large"],
    ["claude-sonnet-4-5[1m]", "completion medium", "reasoning large"],
    ["house[opus]", "completion medium", "reasoning large"],
  ];
  for (const [name, plain, thinking] of table) {
    assert.equal(chosen(name, false), plain, name);
    assert.equal(chosen(name, true), thinking, `${name}, thinking`);
  }
});

test("a tier that is not given falls back to completion, and is called that", () => {
  for (const name of ["claude-opus-4-5", "claude-haiku-4-5", "claude-sonnet-4-5", "house"]) {
    for (const thinking of [false, true]) assert.equal(chosen(name, thinking, none), "completion medium", name);
  }
  assert.equal(chosen("claude-haiku-4-5", true, { ...none, reasoning: at("large") }), "completion medium");
});

test("whether thinking is on is asked only where a tier depends on it", () => {
  const never = (): never => assert.fail("asked");
  for (const name of ["claude-opus-4-5", "claude-haiku-4-5"]) chooseTier(name, all, never);
  for (const name of ["claude-opus-4-5", "claude-haiku-4-5", "house"]) chooseTier(name, none, never);
});
