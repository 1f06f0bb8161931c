/**
 * `npm run bench`: what an exchange costs in CPU time, against no proxy and against nginx. Needs Linux and two cores,
 * which nothing else should be using. Prints Markdown; the samples go to a file as JSON.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { measureLoad, measureStart, type LoadSample, type StartSample } from "./measure.ts";
import { findProgram, pinBench, stop, stopAll } from "./processes.ts";
import { isInvalid, loadReport, startReport } from "./report.ts";
import { scenario, scenarios } from "./scenarios.ts";
import { systems } from "./systems/index.ts";
import { startUpstream } from "./upstream.ts";

const known = [...scenarios.map(({ id }) => id), "s9"] as const;

interface Plan {
  readonly wanted: readonly (typeof known)[number][];
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly out: string;
}

function planRun(): Plan {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      scenario: { type: "string", default: known.join(",") },
      out: { type: "string" },
    },
  });
  const wanted = values.scenario.split(",").map((id) => {
    const found = known.find((candidate) => candidate === id);
    if (found === undefined) throw new Error(`there is no scenario ${id}; there are ${known.join(", ")}`);
    return found;
  });
  const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds must be a whole number from 1");
  const length = values.quick ? { warmUpSeconds: 1, seconds: 2 } : { warmUpSeconds: 3, seconds: 5 };
  const date = new Date().toISOString().replace(/[:.]/g, "-");
  return { wanted, rounds, ...length, out: values.out ?? join(tmpdir(), "portcullis-bench", `${date}.json`) };
}

function version(program: string, args: readonly string[]): string {
  try {
    return execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    return "unknown";
  }
}

function environment(): Readonly<Record<string, string>> {
  const nginx = findProgram("nginx");
  const root = join(import.meta.dirname, "..");
  return {
    commit: version("git", ["-C", root, "describe", "--always", "--dirty"]),
    node: process.version,
    nginx: nginx === undefined ? "missing" : version("sh", ["-c", `${nginx} -v 2>&1`]).replace(/^.*nginx\//, ""),
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
    linux: release(),
    load: loadavg()
      .map((average) => average.toFixed(2))
      .join(" "),
  };
}

const samples: { readonly load: LoadSample[]; readonly start: StartSample[] } = { load: [], start: [] };

async function measureAll(plan: Plan): Promise<void> {
  const present = systems.filter((system) => system.missing === undefined);
  for (const id of plan.wanted) {
    const upstream = await startUpstream(scenario(id === "s9" ? "s1" : id));
    for (let round = 1; round <= plan.rounds; round += 1) {
      for (const system of present) {
        console.error(`${id}: round ${round} of ${plan.rounds}, ${system.name}`);
        if (id === "s9") samples.start.push(...(await measureStart(system, upstream, { ...plan, round })));
        else samples.load.push(await measureLoad(system, scenario(id), upstream, { ...plan, round }));
      }
    }
    await stop(upstream.running);
    console.log(`${id === "s9" ? startReport(samples.start) : reportOf(id)}\n`);
  }
}

function reportOf(id: string): string {
  const own = samples.load.filter((sample) => sample.scenario === id);
  return loadReport(scenario(id), own);
}

async function main(): Promise<void> {
  const plan = planRun();
  pinBench();
  const about = environment();
  console.log(
    `# Benchmark\n\n${Object.entries(about)
      .map(([name, value]) => `${name} ${value}`)
      .join(" · ")}\n`,
  );
  console.log(`${plan.rounds} rounds; median (lowest–highest).\n`);
  for (const system of systems) console.log(`- ${system.name}: ${system.missing ?? system.features}`);
  console.log("");
  for (const { missing } of systems) if (missing !== undefined) console.error(`SKIPPED: ${missing}`);
  await measureAll(plan);
  mkdirSync(dirname(plan.out), { recursive: true });
  writeFileSync(plan.out, `${JSON.stringify({ about, plan, ...samples }, null, 2)}\n`);
  console.log(`Samples: ${plan.out}`);
  if (samples.load.some(isInvalid)) process.exitCode = 1;
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
