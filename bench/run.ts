import { watchForeign } from "./cost.ts";
import type { Plan } from "./plan.ts";
import type { Sample } from "./sample.ts";
import type { Reading, Scenario } from "./scenarios/scenario.ts";
import type { System } from "./systems/system.ts";

/** What a scenario measures of all systems together, and all its rounds, one system after the other in each of them. */
export async function measureScenario(scenario: Scenario, chosen: readonly System[], plan: Plan): Promise<Sample[]> {
  const samples: Sample[] = [];
  const rounds = scenario.rounds?.(plan) ?? plan.rounds;
  const systems = scenario.systems(chosen, plan);
  if (scenario.measureTogether !== undefined) {
    console.error(`${scenario.id}: in turns, ${systems.map(({ name }) => name).join(", ")}`);
    const together = await scenario.measureTogether(systems, plan);
    samples.push(...together.map((sample) => ({ ...sample, scenario: scenario.id })));
  }
  for (let round = 1; round <= rounds; round += 1) {
    for (const system of systems) {
      console.error(`${scenario.id}: round ${round} of ${rounds}, ${system.name}`);
      const { result, foreignShare } = await watchForeign(() => readingsOf(scenario, system, plan));
      const about = { scenario: scenario.id, system: system.name, round, foreignShare };
      samples.push(...result.map((reading) => ({ ...reading, ...about })));
    }
  }
  return samples;
}

/** A system that fails is told as such and does not keep the others from being measured. */
async function readingsOf(scenario: Scenario, system: System, plan: Plan): Promise<readonly Reading[]> {
  try {
    return await scenario.measure({ system, plan });
  } catch (error) {
    const firstError = error instanceof Error ? error.message : String(error);
    console.error(`${scenario.id}: ${system.name} failed: ${firstError}`);
    return [{ load: "none", figures: {}, errors: 1, firstError }];
  }
}
