/** One measurement of one system, from a fresh process to its end. */
import { setTimeout as sleep } from "node:timers/promises";
import { assertPinned, coreBusyMicros, cpuAtRest, residentBytes, total, type CpuTime } from "./cpu.ts";
import { putLoad, type Load } from "./load.ts";
import { makeDirectory, stop, systemCore } from "./processes.ts";
import type { Scenario, ScenarioId } from "./scenarios.ts";
import type { StartedSystem, System } from "./systems/system.ts";
import type { Upstream } from "./upstream.ts";

export interface LoadSample {
  readonly scenario: ScenarioId;
  readonly system: string;
  readonly round: number;
  readonly upstream: Upstream["kind"];
  readonly load: Load;
  /** Per exchange, for the whole process tree; missing where there is no process. */
  readonly cpu?: CpuTime;
  /** The share of its core's time that other processes, or the hypervisor, took meanwhile. */
  readonly stolenShare?: number;
}

export interface StartSample {
  readonly system: string;
  readonly round: number;
  /** From exec to the first 200, in an empty directory. */
  readonly firstStartMs: number;
  /** The same where it has run before. */
  readonly restartMs: number;
  readonly idleBytes: number;
}

export interface LoadPlan {
  readonly round: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export async function measureLoad(
  system: System,
  scenario: Scenario,
  upstream: Upstream,
  plan: LoadPlan,
): Promise<LoadSample> {
  const started = await system.start({ directory: makeDirectory(), upstream: upstream.origin });
  try {
    const headers = await started.configure(scenario);
    const order = { scenario: scenario.id, origin: started.origin, headers };
    const pid = started.process?.running.pid;
    const warmUp = await putLoad({ ...order, seconds: plan.warmUpSeconds });
    const about = { scenario: scenario.id, system: system.name, round: plan.round, upstream: upstream.kind };
    const measured = async (): Promise<Load> => {
      const load = await putLoad({ ...order, seconds: plan.seconds });
      return { ...load, errors: load.errors + warmUp.errors };
    };
    if (pid === undefined) return { ...about, load: await measured() };

    assertPinned(pid, systemCore);
    const { load, ...cost } = await withCost(pid, measured);
    if (load.errors === 0) await started.verify(warmUp.exchanges + load.exchanges);
    return { ...about, load, ...cost };
  } finally {
    await end(system, started);
  }
}

async function withCost(
  pid: number,
  work: () => Promise<Load>,
): Promise<{ readonly load: Load; readonly cpu: CpuTime; readonly stolenShare: number }> {
  const before = await cpuAtRest(pid);
  const busyBefore = coreBusyMicros(systemCore);
  const startedAt = performance.now();
  const load = await work();
  const after = await cpuAtRest(pid);
  const elapsedMicros = (performance.now() - startedAt) * 1_000;
  const stolen = coreBusyMicros(systemCore) - busyBefore - (total(after) - total(before));
  return {
    load,
    cpu: {
      userMicros: (after.userMicros - before.userMicros) / load.exchanges,
      kernelMicros: (after.kernelMicros - before.kernelMicros) / load.exchanges,
    },
    stolenShare: Math.max(0, stolen / elapsedMicros),
  };
}

/** Nothing of what is no process. */
export async function measureStart(system: System, upstream: Upstream, plan: LoadPlan): Promise<StartSample[]> {
  const place = { directory: makeDirectory(), upstream: upstream.origin };
  const first = await system.start(place);
  await end(system, first);
  if (first.process === undefined) return [];
  const second = await system.start(place);
  try {
    if (second.process === undefined) return [];
    const { running, readyMs } = second.process;
    await cpuAtRest(running.pid);
    await sleep(plan.warmUpSeconds * 1_000);
    const ready = { firstStartMs: first.process.readyMs, restartMs: readyMs };
    return [{ system: system.name, round: plan.round, ...ready, idleBytes: residentBytes(running.pid) }];
  } finally {
    await end(system, second);
  }
}

async function end(system: System, started: StartedSystem): Promise<void> {
  if (started.process === undefined) return;
  const { killed } = await stop(started.process.running);
  if (killed) console.error(`${system.name} did not end within 10 s of SIGTERM and was killed`);
}
