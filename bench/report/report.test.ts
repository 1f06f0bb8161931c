import assert from "node:assert/strict";
import { test } from "node:test";
import { planOf } from "../plan.ts";
import type { Sample } from "../sample.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { budgetLines } from "./budget.ts";
import { lossesSection } from "./losses.ts";
import { markdownOf } from "./report.ts";
import { scenarioSection } from "./tables.ts";

const scenario: Scenario = {
  id: "s1",
  title: "small chat",
  method: "A loop.",
  columns: [
    { heading: "CPU-µs", figure: "cpuMicros", digits: 1, better: "lower" },
    { heading: "× nginx", figure: "cpuMicros", digits: 2, against: { system: "nginx", how: "times" } },
    { heading: "never", figure: "never", digits: 1 },
  ],
  systems: (chosen) => chosen,
  measure: async () => [],
};

function sample(system: string, round: number, cpuMicros: number, more: Partial<Sample> = {}): Sample {
  const about = { scenario: "s1", load: "ceiling", errors: 0, foreignShare: 0 };
  return { ...about, system, round, figures: { cpuMicros }, ...more };
}

const quiet = [
  sample("nginx", 1, 10),
  sample("portcullis", 1, 50),
  sample("nginx", 2, 20),
  sample("portcullis", 2, 60),
  sample("nginx", 3, 10),
  sample("portcullis", 3, 40),
];

test("a table tells the median with the lowest and the highest, and relations within a round", () => {
  const section = scenarioSection(scenario, quiet);
  assert.match(section, /\| portcullis \| 50\.0 \(40\.0–60\.0\) \| 4\.00 \(3\.00–5\.00\) \|/);
  assert.doesNotMatch(section, /never/);
});

test("a disturbed round is dropped and counted, unless there is no other", () => {
  const disturbed = sample("portcullis", 4, 900, { foreignShare: 0.5 });
  const section = scenarioSection(scenario, [...quiet, disturbed]);
  assert.match(section, /50\.0 \(40\.0–60\.0\)/);
  assert.match(section, /1 measurements were dropped/);
  const alone = scenarioSection(scenario, [disturbed]);
  assert.match(alone, /900\.0/);
  assert.match(alone, /\*\*Disturbed\*\*/);
});

test("a system with a wrong reply has no figures, and the report says why", () => {
  const wrong = sample("portcullis", 4, 1, { errors: 2, firstError: "status 500" });
  const section = scenarioSection(scenario, [...quiet, wrong]);
  assert.match(section, /\| portcullis \| invalid \| invalid \|/);
  assert.match(section, /portcullis, round 4, ceiling: 2 errors \(status 500\)/);
});

test("the budget passes at the limit, fails above it, and is not measured without samples", () => {
  const verdicts = (samples: readonly Sample[]) => budgetLines(samples).map(({ verdict }) => verdict);
  assert.equal(verdicts([sample("portcullis", 1, 60)])[0], "pass");
  assert.equal(verdicts([sample("portcullis", 1, 60.1)])[0], "FAIL");
  assert.equal(verdicts([])[0], "not measured");
  assert.equal(verdicts([sample("portcullis", 1, 1, { errors: 1 })])[0], "FAIL");
  assert.equal(verdicts([sample("portcullis", 1, Number.NaN, { load: "none", errors: 1 })])[0], "FAIL");
});

test("a limit against a peer is taken within a round", () => {
  const byPortkey = budgetLines([sample("portcullis", 1, 50), sample("portkey", 1, 400)])[2];
  assert.deepEqual([byPortkey?.measured, byPortkey?.verdict], ["8.00", "pass"]);
});

test("where another system is ahead is told, the ceiling without a proxy left out", () => {
  const section = lossesSection([scenario], [...quiet, sample("direct", 1, 1)]);
  assert.match(section, /S1, ceiling, CPU-µs: 50\.0 against nginx 10\.0$/m);
  assert.doesNotMatch(section, /direct/);
});

test("the report says which systems were absent, and that a quick run was quick", () => {
  const plan = planOf(["--quick"], { scenarios: ["s1"], systems: ["nginx", "portcullis"] });
  const absent = { name: "litellm", features: "", version: undefined, absence: "needs Python" };
  const report = markdownOf({ about: {}, plan, systems: [absent], samples: quiet }, [scenario]);
  assert.match(report, /^# Benchmark \(quick/);
  assert.match(report, /\*\*litellm\*\*: ABSENT: needs Python/);
});
