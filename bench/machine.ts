/** On what and with what is measured: without it no figure can be compared with another. */
import { existsSync } from "node:fs";
import { cpus, loadavg, release } from "node:os";
import { join } from "node:path";
import { cpuOf, coreBusyMicros, total } from "./cpu.ts";
import { wrkProgram } from "./load/wrk.ts";
import { benchCore, fileLimit, systemCore, versionOf } from "./processes.ts";

export function aboutMachine(): Readonly<Record<string, string>> {
  const root = join(import.meta.dirname, "..");
  return {
    commit: existsSync(join(root, ".git")) ? versionOf("git", ["-C", root, "describe", "--always", "--dirty"]) : "none",
    date: new Date().toISOString(),
    cpu: `${cpus().length} × ${cpus()[0]?.model.trim()}`,
    linux: release(),
    load: loadavg()
      .map((average) => average.toFixed(2))
      .join(" "),
    node: process.version,
    "load generator":
      wrkProgram === undefined ? "our own (wrk is missing: apt-get install -y wrk)" : "wrk, and our own",
    "open files": String(fileLimit()),
    cores: `system under test on ${systemCore}; provider, load and bench on ${benchCore}`,
  };
}

/** How busy others keep the two cores right now, as a share of one; watched for a second. */
export async function foreignLoad(): Promise<number> {
  const busy = (): number => coreBusyMicros(systemCore) + coreBusyMicros(benchCore) - total(cpuOf(process.pid));
  const before = busy();
  await new Promise((resume) => setTimeout(resume, 1_000));
  return Math.max(0, (busy() - before) / 1_000_000);
}
