import type { Plan } from "../plan.ts";
import type { Sample } from "../sample.ts";
import type { Scenario } from "../scenarios/scenario.ts";
import { budgetLines, budgetSection } from "./budget.ts";
import { lossesSection } from "./losses.ts";
import { scenarioSection } from "./tables.ts";

/** All of a run, as it is written to the JSON file. */
export interface Outcome {
  readonly about: Readonly<Record<string, string>>;
  readonly plan: Plan;
  readonly systems: readonly MeasuredSystem[];
  readonly samples: readonly Sample[];
}

export interface MeasuredSystem {
  readonly name: string;
  readonly features: string;
  /** `undefined` for one that is absent. */
  readonly version: string | undefined;
  readonly absence: string | undefined;
}

export function markdownOf(outcome: Outcome, scenarios: readonly Scenario[]): string {
  const { about, plan, systems, samples } = outcome;
  const measured = scenarios.filter(({ id }) => samples.some((sample) => sample.scenario === id));
  const title = plan.quick ? "# Benchmark (quick: few and short rounds, for orientation only)" : "# Benchmark";
  return `${[
    title,
    Object.entries(about)
      .map(([name, value]) => `- ${name}: ${value}`)
      .join("\n"),
    "Every figure is the median of all rounds or turns, with the lowest and the highest in brackets; relations between systems " +
      "are taken within one. CPU time is that of the whole process tree, until it is at rest again. MB are 10⁶ bytes.",
    systems.map(systemLine).join("\n"),
    budgetSection(samples),
    lossesSection(measured, samples),
    ...measured.map((scenario) =>
      scenarioSection(
        scenario,
        samples.filter((sample) => sample.scenario === scenario.id),
      ),
    ),
  ].join("\n\n")}\n`;
}

export function jsonOf(outcome: Outcome): string {
  return `${JSON.stringify({ ...outcome, budget: budgetLines(outcome.samples) }, null, 2)}\n`;
}

function systemLine({ name, features, version, absence }: MeasuredSystem): string {
  return absence === undefined ? `- **${name}** (${version}): ${features}` : `- **${name}**: ABSENT: ${absence}`;
}
