/** What Linux counts about a process and all its descendants, and about one core: see proc_pid_stat(5), proc_stat(5). */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** CPU time in microseconds. /proc counts in hundredths of a second, so a difference is exact to 10,000. */
export interface CpuTime {
  readonly userMicros: number;
  readonly kernelMicros: number;
}

const tickMicros = 10_000;

interface ProcessStat {
  readonly pid: number;
  readonly parent: number;
  readonly userTicks: number;
  readonly kernelTicks: number;
}

/** Processes end at any moment, so a file that is gone is an answer and not an error. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return undefined;
  }
}

/** The times hold all threads of the process, and the descendants it has already waited for. */
function readStat(pid: number): ProcessStat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // the name before it may hold spaces
  const field = (number: number): number => Number(fields[number - 3]); // as the manual numbers them
  return { pid, parent: field(4), userTicks: field(14) + field(16), kernelTicks: field(15) + field(17) };
}

function readTree(root: number): ProcessStat[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const all = pids.flatMap((pid) => readStat(Number(pid)) ?? []);
  const tree = all.filter((stat) => stat.pid === root);
  for (const parent of tree) tree.push(...all.filter((stat) => stat.parent === parent.pid)); // grows while it is walked
  return tree;
}

/** The process and its descendants, parents first. */
export function treeOf(root: number): number[] {
  return readTree(root).map((stat) => stat.pid);
}

export function cpuOf(root: number): CpuTime {
  const tree = readTree(root);
  const sum = (ticks: (stat: ProcessStat) => number): number =>
    tree.reduce((total, stat) => total + ticks(stat), 0) * tickMicros;
  return { userMicros: sum((stat) => stat.userTicks), kernelMicros: sum((stat) => stat.kernelTicks) };
}

/**
 * The CPU time of the tree once it has come to rest, so that work a request left behind (rows still to be written) is
 * counted with it. Throws if the tree keeps working.
 */
export async function cpuAtRest(root: number): Promise<CpuTime> {
  const deadline = performance.now() + 10_000;
  let last = cpuOf(root);
  while (performance.now() < deadline) {
    await sleep(200);
    const now = cpuOf(root);
    if (total(now) - total(last) <= tickMicros) return now;
    last = now;
  }
  throw new Error(`process ${root} is still working 10 s after the load has ended`);
}

export function total(time: CpuTime): number {
  return time.userMicros + time.kernelMicros;
}

/** How long the core has worked for any process, or was withheld by the hypervisor. Interrupts are left out. */
export function coreBusyMicros(core: number): number {
  const line = read("/proc/stat")
    ?.split("\n")
    .find((candidate) => candidate.startsWith(`cpu${core} `));
  const [user = 0, nice = 0, system = 0, , , , , steal = 0] = (line ?? "").split(" ").slice(1).map(Number);
  return (user + nice + system + steal) * tickMicros;
}

function statusField(pid: number, name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)`, "m").exec(read(`/proc/${pid}/status`) ?? "")?.[1] ?? "";
}

/** Resident memory of the tree. Pages that two processes share are counted twice. */
export function residentBytes(root: number): number {
  return treeOf(root).reduce((sum, pid) => sum + Number(statusField(pid, "VmRSS")) * 1_024, 0);
}

/** Throws unless every process of the tree may run on that core alone. */
export function assertPinned(root: number, core: number): void {
  for (const pid of treeOf(root)) {
    const cores = statusField(pid, "Cpus_allowed_list");
    if (cores !== String(core)) throw new Error(`process ${pid} may run on core ${cores}, not on core ${core} alone`);
  }
}
