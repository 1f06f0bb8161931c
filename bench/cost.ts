/** What a piece of work costs a system, and how undisturbed the machine was meanwhile. */
import { coreBusyMicros, cpuAtRest, cpuOf, total, type CpuTime } from "./cpu.ts";
import { benchCore, systemCore } from "./processes.ts";

/** CPU time of the process tree, from rest to rest, so that what the work left behind is counted with it. */
export async function cpuFor<T>(
  pid: number,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly cpu: CpuTime }> {
  const before = await cpuAtRest(pid);
  const result = await work();
  const after = await cpuAtRest(pid);
  return { result, cpu: minus(after, before) };
}

export function minus(after: CpuTime, before: CpuTime): CpuTime {
  return {
    userMicros: after.userMicros - before.userMicros,
    kernelMicros: after.kernelMicros - before.kernelMicros,
  };
}

/**
 * Does the work and says which share of one core other processes, or the hypervisor, took of both cores meanwhile: what
 * the cores did, without what the bench and its descendants did.
 */
export async function watchForeign<T>(
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly foreignShare: number }> {
  const cores = (): number => coreBusyMicros(systemCore) + coreBusyMicros(benchCore);
  const [busyBefore, ownBefore, startedAt] = [cores(), total(cpuOf(process.pid)), performance.now()];
  const result = await work();
  const foreign = cores() - busyBefore - (total(cpuOf(process.pid)) - ownBefore);
  return { result, foreignShare: Math.max(0, foreign / ((performance.now() - startedAt) * 1_000)) };
}
