/**
 * `npm run bench`: what an exchange costs, what it adds and what it holds, against no proxy, plain proxies and other
 * gateways. Needs Linux and two cores, which nothing else should be using. docs/benchmarks.md says more.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { aboutMachine, foreignLoad } from "./machine.ts";
import { planOf, type Plan } from "./plan.ts";
import { pinBench, stopAll } from "./processes.ts";
import { jsonOf, markdownOf, type MeasuredSystem, type Outcome } from "./report/report.ts";
import { measureScenario } from "./run.ts";
import type { Sample } from "./sample.ts";
import { scenarios } from "./scenarios/index.ts";
import { systems } from "./systems/index.ts";

async function main(): Promise<void> {
  const plan = planOf(process.argv.slice(2), {
    scenarios: scenarios.map(({ id }) => id),
    systems: systems.map(({ name }) => name),
  });
  pinBench();
  const foreign = await foreignLoad();
  if (foreign > 0.1) console.error(`WARNING: others keep ${(foreign * 100).toFixed(0)} % of a core busy`);
  const about = { ...aboutMachine(), "foreign load before": `${(foreign * 100).toFixed(0)} % of a core` };
  const measured = await findSystems(plan);
  const present = systems.filter(({ name }) =>
    measured.some((system) => system.name === name && system.version !== undefined),
  );
  const samples: Sample[] = [];
  for (const scenario of scenarios.filter(({ id }) => plan.scenarios.includes(id))) {
    samples.push(...(await measureScenario(scenario, present, plan)));
  }
  tell({ about, plan, systems: measured, samples });
  if (samples.some(({ errors, system }) => errors > 0 && system.startsWith("portcullis"))) process.exitCode = 1;
}

/** Which of the wanted systems are there. Installs those that have to be, if that is allowed. */
async function findSystems({ systems: wanted, mayInstall }: Plan): Promise<MeasuredSystem[]> {
  const found: MeasuredSystem[] = [];
  for (const system of systems.filter(({ name }) => wanted?.includes(name) ?? true)) {
    const absence = await system.absence(mayInstall);
    if (absence !== undefined) console.error(`ABSENT: ${absence}`);
    const version = absence === undefined ? await system.version() : undefined;
    found.push({ name: system.name, features: system.features, version, absence });
  }
  return found;
}

function tell(outcome: Outcome): void {
  const name = outcome.about["date"]?.replace(/[:.]/g, "-") ?? "report";
  const directory = join(import.meta.dirname, "results");
  const { markdown = join(directory, `${name}.md`), json = join(directory, `${name}.json`) } = outcome.plan;
  const report = markdownOf(outcome, scenarios);
  save(markdown, report);
  save(json, jsonOf(outcome));
  console.log(report);
  console.error(`written to ${markdown} and ${json}`);
}

function save(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

for (const [signal, code] of [
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const) {
  process.once(signal, () => {
    console.error(`${signal}: ending what was started`);
    void stopAll().finally(() => process.exit(code));
  });
}

try {
  await main();
} catch (error) {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await stopAll();
}
