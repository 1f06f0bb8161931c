import assert from "node:assert/strict";
import { test } from "node:test";
import { type Effort, efforts } from "../../kernel/model-traits.ts";
import { askedEffort, budgetOf, effortOf, takenEffort } from "./effort.ts";

test("an effort as a budget and back is the same effort", () => {
  for (const effort of efforts) assert.equal(effortOf(budgetOf(effort)), effort);
});

test("more effort is never less budget, and a budget is an effort that is enough for it", () => {
  const budgets = efforts.map(budgetOf);
  assert.deepEqual(
    budgets.toSorted((one, other) => one - other),
    budgets,
  );
  assert.equal(effortOf(0), "none");
  assert.equal(effortOf(1), "minimal");
  assert.equal(effortOf(31_999), "xhigh");
  assert.equal(effortOf(1_000_000), "max");
});

test("what is asked for is the word, else that of the number, else nothing", () => {
  assert.equal(askedEffort({ effort: "low", budgetTokens: 99_999, shown: true }), "low");
  assert.equal(askedEffort({ budgetTokens: 8_000, shown: true }), "medium");
  assert.equal(askedEffort({ shown: true }), undefined);
  assert.equal(askedEffort(undefined), undefined);
});

test("a model gets the nearest effort below that it takes, else its lowest", () => {
  const taken = (asked: Effort, ...has: readonly Effort[]): Effort | undefined => takenEffort(asked, { efforts: has });
  assert.equal(taken("max", "low", "medium", "high"), "high");
  assert.equal(taken("medium", "low", "high"), "low");
  assert.equal(taken("minimal", "low", "high"), "low");
  assert.equal(taken("none", "minimal", "low"), "minimal");
  assert.equal(taken("high"), undefined);
});

test("reasoning that is asked for is not turned off because the model's least is more", () => {
  assert.equal(takenEffort("minimal", { efforts: ["none", "low", "high"] }), "low");
  assert.equal(takenEffort("none", { efforts: ["none", "low", "high"] }), "none");
});
